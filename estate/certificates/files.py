"""Certificates that lie on disks: the document that the asking side writes of them, and what it says of an asset."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Annotated, BinaryIO, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from estate.certificates.certificate import Certificate
from estate.certificates.facts import all_keys, key_of, place_reading
from estate.certificates.reading import read_certificates
from estate.certificates.shown import FILE, Shown, show
from estate.certificates.trust import MOZILLA, TrustStore
from estate.coverage import Keys, Look, Verdict
from estate.errors import BadReport
from estate.observations import Attributes, Reading
from estate.text import printable

MEDIA = "certificates"
MOST_BYTES = 256 << 20
_MOST_HEADS = 50

_Path = Annotated[str, Field(min_length=1, max_length=4096), AfterValidator(lambda text: printable(text, 4096))]


class _Told(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class CertificateFile(_Told):
    """One file: its certificates in its order, or why we could not look into it."""

    path: _Path
    state: Literal["read", "blind"]
    reason: str = Field("", max_length=1000)
    certificates: tuple[str, ...] = ()


class CertificateFiles(_Told):
    """What was found below the paths that were asked for; `cut` says why there may be more, or is empty."""

    schema_: Literal[1] = Field(1, alias="schema")
    asked: tuple[_Path, ...]
    started: AwareDatetime
    files: tuple[CertificateFile, ...] = ()
    cut: str = Field("", max_length=1000)

    def spell(self) -> str:
        """The document as it is stored."""
        return self.model_dump_json(by_alias=True)


def read_files(stream: BinaryIO) -> CertificateFiles:
    """Read the document.

    Raises:
        BadReport: it is too large, no JSON, or of another shape.
    """
    text = stream.read(MOST_BYTES + 1)
    if len(text) > MOST_BYTES:
        raise BadReport(f"a document of certificates of more than {MOST_BYTES} bytes")
    try:
        return CertificateFiles.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"])) or "document"
        raise BadReport(f"certificates, {printable(place, 120)}: {printable(first['msg'], 200)}") from None


def certificates_of(files: CertificateFiles) -> Iterator[tuple[CertificateFile, tuple[Certificate, ...]]]:
    """Every file that was read, with its certificates; one that was tampered with since is refused.

    Raises:
        BadReport: a certificate in the document is none.
    """
    for file in files.files:
        if file.state == "read":
            yield file, tuple(one for pem in file.certificates for one in read_certificates(pem.encode()))


def shown_by_file(
    path: str,
    certificates: tuple[Certificate, ...],
    now: datetime,
    roots: TrustStore,
    *,
    extra_intermediates: Iterable[Certificate] = (),
    private_limit: int | None = None,
) -> Iterator[Shown]:
    """What a file is about: its leaves, or else its CAs, Mozilla's roots apart, which every machine has."""
    leaves = [one for one in certificates if not one.authority]
    heads = leaves or [one for one in certificates if roots.anchor(one) != MOZILLA]
    for number, head in enumerate(heads[:_MOST_HEADS]):
        name = path if number == 0 else f"{path}#{number + 1}"
        chain = (head, *(one for one in certificates if one != head))
        yield show(FILE, name, chain, now, roots, extra_intermediates=extra_intermediates, private_limit=private_limit)


def files_reading(
    subject: str,
    files: CertificateFiles,
    now: datetime,
    roots: TrustStore,
    *,
    known: Iterable[str] = (),
    private_limit: int | None = None,
    look: int = 0,
) -> Reading:
    """What the files of an asset say.

    Args:
        subject: the asset.
        files: the evidence.
        now: the moment to judge at.
        roots: whom to trust.
        known: keys that earlier looks at the same paths found: those of files that are gone are refuted, and those of
            files that could not be looked at are out of sight.
        private_limit: the longest life in days where no root is public.
        look: the number of the look within the run.
    """
    read = tuple(certificates_of(files))
    everything = tuple(dict.fromkeys(one for _, certificates in read for one in certificates if one.authority))
    present: dict[str, Attributes] = {}
    absent: set[str] = set()
    for file, certificates in read:
        for shown in shown_by_file(
            file.path, certificates, now, roots, extra_intermediates=everything, private_limit=private_limit
        ):
            reading = place_reading(subject, FILE, shown.name, (shown,))
            present.update(reading.present)
            absent.update(key for found in reading.looks for key in found.keys)
    blind: dict[str, list[str]] = {}
    for file in files.files:
        if file.state == "blind":
            blind.setdefault(printable(file.reason, 60), []).extend(all_keys(key_of(FILE, file.path)))
    unseen = {key for keys in blind.values() for key in keys}
    for key in known:
        if key in present or key in absent or key in unseen:
            continue
        reason = _why_unseen(key, files)
        if reason:
            blind.setdefault(reason, []).append(key)
        else:
            absent.add(key)
    looks = [Look(Verdict.BLIND, reason, Keys.of(keys)) for reason, keys in sorted(blind.items())]
    if absent:
        looks.append(Look(Verdict.NEGATIVE, "not-found", Keys.of(absent)))
    return Reading(subject, present, tuple(looks), look)


def _why_unseen(key: str, files: CertificateFiles) -> str:
    """Why a key may still be there although nobody saw it: a limit was reached, or its folder cannot be looked into."""
    if files.cut:
        return printable(files.cut, 60)
    for file in files.files:
        top = key_of(FILE, file.path)
        if file.state == "blind" and key.startswith((f"{top}/", f"{top}#")):
            return printable(file.reason, 60)
    return ""
