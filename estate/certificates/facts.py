"""What one look says of the certificates of a place: keys that are present with their attributes, and the rest.

* `certificate/<port>/<name>`: the certificate that is shown there, with `-` where no SNI was sent; a renewal is a
  change of this key's attributes. A server with a second one for other clients has it at `…/<name>+other`.
* `certificate-file/<path>`: the certificate that a file holds; further ones are `<path>#2` and so on.
* `…/problem/<rule>` after either: a rule that fires there; the key is the finding's locator.
* `cert/<sha256>`: a certificate that the asset shows at any of its ports.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256

from estate.assets import Asset
from estate.certificates.certificate import Certificate
from estate.certificates.relations import ADDRESSES_DIFFER
from estate.certificates.rules import WEAKNESSES, weaknesses_of
from estate.certificates.shown import FILE, Shown
from estate.coverage import Keys, Look, Verdict
from estate.findings import Detection, Ruling, Severity
from estate.observations import Attributes, Reading
from estate.text import printable

FAMILY, FILES, CERTIFICATES = "certificate", "certificate-file", "cert"
FOUND = "found"
"""The attribute in which a problem says what was seen."""

_OTHER = "+other"
_MOST_NAMES = 100
_PROBLEM = re.compile(r"(.+)/problem/([a-z-]+)\Z", re.DOTALL)


def key_of(place: str, name: str | None, *, other: bool = False) -> str:
    """The key of the certificate that a place shows, or of the one that it shows to other clients."""
    shown = printable(name) if name else "-"
    return (f"{FILES}/{shown}" if place == FILE else f"{FAMILY}/{place}/{shown}") + (_OTHER if other else "")


def problem_key(key: str, rule: str) -> str:
    """Where it is kept that a rule fires there."""
    return f"{key}/problem/{rule}"


def split_problem(key: str) -> tuple[str, str] | None:
    """The certificate's key and the rule, or None for a key of something else."""
    match = _PROBLEM.match(key)
    return (match[1], match[2]) if match and key.startswith((f"{FAMILY}/", f"{FILES}/")) else None


def split_place(key: str) -> tuple[str, str | None]:
    """The port and the name of a served certificate's key, without the mark of another one there."""
    port, _, name = key.removeprefix(f"{FAMILY}/").partition("/")
    name = name.removesuffix(_OTHER)
    return port, None if name == "-" else name


def asked_keys(place: str, name: str | None) -> Keys:
    """Everything that a look at a place asks."""
    return Keys.of(key for other in (False, True) for key in all_keys(key_of(place, name, other=other)))


def all_keys(key: str) -> list[str]:
    """A certificate's key, and those of everything that can be wrong with it."""
    return [key, *(problem_key(key, rule) for rule in WEAKNESSES)]


def place_reading(
    subject: str, place: str, name: str | None, shown: Sequence[Shown], *, others_unknown: str = "", look: int = 0
) -> Reading:
    """What a place shows: the certificate that a client of today gets first, then another one if there is.

    Args:
        subject: the asset.
        place: a port's number, or `file`.
        name: what was asked for there.
        shown: at least one.
        others_unknown: why we do not know whether there is another one, empty where we do.
        look: the number of the look within the run.
    """
    present: dict[str, Attributes] = {}
    absent: list[str] = []
    blind: list[str] = []
    for other in (False, True):
        key = key_of(place, name, other=other)
        if len(shown) <= other:
            (blind if others_unknown else absent).extend(all_keys(key))
            continue
        one = shown[other]
        present[key] = describe(one.leaf, one.path)
        for certificate in one.path if one.served else ():
            if certificate is one.leaf or not certificate.self_issued:
                present[f"{CERTIFICATES}/{certificate.sha256}"] = describe(certificate)
        firing = {problem_key(key, rule): ((FOUND, printable(text)),) for rule, text in weaknesses_of(one)}
        present.update(firing)
        absent.extend(each for each in all_keys(key)[1:] if each not in firing)
    looks = [Look(Verdict.NEGATIVE, "not-found", Keys.of(absent))] if absent else []
    if blind:
        looks.append(Look(Verdict.BLIND, printable(others_unknown, 60), Keys.of(blind)))
    return Reading(subject, present, tuple(looks), look)


def unseen_reading(subject: str, place: str, name: str | None, verdict: Verdict, reason: str, look: int = 0) -> Reading:
    """A place that showed nothing: refuted, silent or out of sight, with all of its keys."""
    return Reading(subject, {}, (Look(verdict, printable(reason, 60), asked_keys(place, name)),), look)


def elsewhere_reading(subject: str, unseen: str, look: int = 0) -> Reading:
    """What is to be said of certificates that no place of the asset shows any more.

    Args:
        subject: the asset.
        unseen: why some place of it could not be looked at, so that nothing is known; empty where all were.
        look: the number of the look within the run.
    """
    verdict, reason = (Verdict.BLIND, unseen) if unseen else (Verdict.NEGATIVE, "shown-nowhere")
    return Reading(subject, {}, (Look(verdict, printable(reason, 60), Keys({CERTIFICATES: None})),), look)


def describe(certificate: Certificate, path: Sequence[Certificate] = ()) -> Attributes:
    """A certificate's attributes; with a path, also which intermediates came with it.

    An attribute that is missing means "not asked" to the diff, so that every one of them has a word for nothing.
    """
    told = {
        "sha256": certificate.sha256,
        "subject": certificate.subject.shown or "-",
        "issuer": certificate.issuer.shown or "-",
        "names": _spell_names(certificate.names) or "-",
        "serial": certificate.serial,
        "not_before": _spell_time(certificate.not_before),
        "not_after": _spell_time(certificate.not_after),
        "key": str(certificate.key),
        "spki": certificate.key.spki_sha256,
        "signature": " ".join((certificate.signature.algorithm or "unknown", certificate.signature.hash)).strip(),
        "purposes": "any" if certificate.purposes is None else " ".join(sorted(certificate.purposes)) or "-",
        "must_staple": "yes" if certificate.must_staple else "no",
    }
    if path:
        told["intermediates"] = " ".join(above.sha256[:16] for above in path[1:] if not above.self_issued) or "-"
    return tuple(sorted(told.items()))


def finding(asset: Asset, key: str, value: Attributes, detection: Detection) -> Ruling | None:
    """What the state of a fact means, or None for facts that are no findings.

    Args:
        asset: whose certificate it is.
        key: `…/problem/<rule>`, which is the locator as well.
        value: the attributes of the fact.
        detection: of the fact, since each finding consists in its presence.
    """
    parts = split_problem(key)
    if parts is None:
        return None
    if parts[1] == ADDRESSES_DIFFER.name:
        rule, severity = ADDRESSES_DIFFER, Severity.MEDIUM
    elif parts[1] in WEAKNESSES:
        rule, severity = WEAKNESSES[parts[1]].rule, WEAKNESSES[parts[1]].severity
    else:
        return None
    subject = f"{rule.title}: {spell_place(asset, parts[0])}"
    return Ruling(rule, asset, key, severity, detection, subject, dict(value).get(FOUND) or rule.title)


def spell_place(asset: Asset, key: str) -> str:
    """Where a certificate is shown, as people write it: `10.0.0.7:443 as web.example`, or a path on an asset."""
    family, _, rest = key.partition("/")
    if family == FILES:
        return f"{rest} on {asset.key}"
    place, _, name = rest.partition("/")
    name = name.removesuffix(_OTHER)
    where = f"[{asset.key}]:{place}" if ":" in asset.key else f"{asset.key}:{place}"
    return where if name in {"-", asset.key} else f"{where} as {name}"


def _spell_time(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def _spell_names(names: Sequence[str]) -> str:
    """All of them in one order; of very many the first, with a mark that differs where the rest does."""
    ordered = sorted(set(names))
    if len(ordered) <= _MOST_NAMES:
        return printable(" ".join(ordered), 20_000)
    mark = sha256("\n".join(ordered).encode()).hexdigest()[:12]
    return printable(" ".join((*ordered[:_MOST_NAMES], f"and-{len(ordered) - _MOST_NAMES}-more-{mark}")), 20_000)
