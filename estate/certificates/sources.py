"""Files and folders of certificates that a round reads beside its endpoints: what was planned, and what it proves."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from estate.certificates.facts import FILES, key_of
from estate.certificates.files import CertificateFiles, files_reading
from estate.certificates.shown import FILE
from estate.certificates.trust import TrustStore
from estate.coverage import Keys, Look, Verdict
from estate.observations import Reading, Sight, merge
from estate.text import printable

_WHOLE = Keys({FILES: None})
UNREAD = "no-evidence"
UNDECLARED = "declared no more"


@dataclass(frozen=True, slots=True, order=True)
class Source:
    """Paths that hold an asset's certificates, and where the password of its keystores is, which is never kept.

    `known` are the keys of files that were there when the round was planned: those that nobody finds now are gone.
    """

    asset: str
    paths: tuple[str, ...]
    password_env: str | None = None
    password_file: str | None = None
    known: tuple[str, ...] = ()


def source_sights(
    sources: Sequence[Source], read: Mapping[tuple[str, ...], Sequence[CertificateFiles]], roots: TrustStore
) -> Iterator[Sight]:
    """Yield each asset once, with what its files prove.

    Args:
        sources: what was planned.
        read: the documents, by the paths that were asked for.
        roots: whom to trust.
    """
    for asset in sorted({one.asset for one in sources}):
        mine = [one for one in sources if one.asset == asset]
        readings, whole = _readings(asset, mine, read, roots)
        said = [Keys.of(reading.present) for reading in readings]
        said += [look.keys for reading in readings for look in reading.looks]
        asked = _WHOLE
        for keys in said:
            asked |= keys
        if whole:
            readings.append(Reading(asset, {}, (Look(Verdict.NEGATIVE, "not-found", _WHOLE),)))
        yield merge(asset, asked, readings, UNREAD)


def _readings(
    asset: str,
    sources: Sequence[Source],
    read: Mapping[tuple[str, ...], Sequence[CertificateFiles]],
    roots: TrustStore,
) -> tuple[list[Reading], bool]:
    """What each source says, and whether all of them together were seen to their end."""
    readings: list[Reading] = []
    whole = True
    left = {key for source in sources for key in source.known}
    for source in sources:
        known = {key for key in left if _is_below(key, source.paths)}
        left -= known
        documents = read.get(_spelled(source.paths), ())
        whole &= bool(documents)
        for files in documents:
            whole &= not files.cut and all(file.state == "read" for file in files.files)
            readings.append(files_reading(asset, files, files.started, roots, known=known))
    if left:
        # The file may well be there still: nobody looks at it any more.
        readings.append(Reading(asset, {}, (Look(Verdict.BLIND, UNDECLARED, Keys.of(left)),)))
    return readings, whole and not left


def _is_below(key: str, paths: Sequence[str]) -> bool:
    """Whether a key is that of a file which is named here, or lies in a folder that is."""
    tops = [key_of(FILE, path) for path in paths]
    return any(key == top or key.startswith((f"{top.rstrip('/')}/", f"{top}#")) for top in tops)


def _spelled(paths: Sequence[str]) -> tuple[str, ...]:
    """As documents spell them."""
    return tuple(printable(path, 4096) for path in paths)
