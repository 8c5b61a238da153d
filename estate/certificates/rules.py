"""What is wrong with a certificate where it is shown: the rules, how bad each is, and what to do about it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from estate.certificates.ladder import Rung, rung_of, spell_left
from estate.certificates.ocsp import Staple
from estate.certificates.policy import SOURCE, excess
from estate.certificates.relations import NAMESPACE, RELATIONS
from estate.certificates.shown import Shown
from estate.certificates.verdicts import Problem
from estate.findings import Rule, Severity

_RFC = "https://www.rfc-editor.org/rfc/rfc"
_RENEW = "Renew it and deploy the new one everywhere this one is; then find out why its automation did not."
_REISSUE = "Have it reissued with a new key; give the old one up once no place shows it any more."


@dataclass(frozen=True, slots=True)
class Weakness:
    """A rule that one look can answer: what `applies` says is the evidence, and an empty text that it is not so."""

    rule: Rule
    severity: Severity
    applies: Callable[[Shown], str]


def _weakness(
    name: str, severity: Severity, title: str, remediation: str, applies: Callable[[Shown], str], *refs: str
) -> Weakness:
    return Weakness(Rule(NAMESPACE, name, title, remediation, refs), severity, applies)


def _problem(*wanted: Problem) -> Callable[[Shown], str]:
    """The sentence of the first of these problems that the chain has."""

    def applies(shown: Shown) -> str:
        return next((text for problem, text in shown.verdict.explained if problem in wanted), "")

    return applies


def _served_problem(*wanted: Problem) -> Callable[[Shown], str]:
    """The same for servers alone: a file may hold a leaf without its chain, or one for clients."""
    applies = _problem(*wanted)
    return lambda shown: applies(shown) if shown.served else ""


def _leaf_problem(wanted: Problem) -> Callable[[Shown], str]:
    """The same for servers, and for files that hold no CA: a CA's own certificate is signed by itself."""
    applies = _problem(wanted)
    return lambda shown: applies(shown) if shown.served or not shown.leaf.authority else ""


def _on_rung(wanted: Rung) -> Callable[[Shown], str]:
    def applies(shown: Shown) -> str:
        leaf = shown.leaf
        if rung_of(leaf.lifetime, leaf.not_after, shown.now) is not wanted:
            return ""
        left = spell_left(leaf.not_after - shown.now)
        return f"{leaf} ends on {leaf.not_after:%Y-%m-%d %H:%M} UTC, in {left}"

    return applies


def _expired(shown: Shown) -> str:
    """Of the leaf or of what it needs above it."""
    return _problem(Problem.EXPIRED)(shown)


def _expiring_intermediate(shown: Shown) -> str:
    leaf = shown.leaf
    for certificate in shown.path[1:]:
        if certificate.self_issued or shown.now > certificate.not_after:
            continue
        rung = rung_of(certificate.lifetime, certificate.not_after, shown.now)
        when = f"{certificate} ends on {certificate.not_after:%Y-%m-%d}"
        if certificate.not_after < leaf.not_after:
            return f"{when}, before {leaf} does"
        if rung not in (None, Rung.WATCH):
            return f"{when}, in {spell_left(certificate.not_after - shown.now)}"
    return ""


def _too_long(shown: Shown) -> str:
    over = excess(shown.leaf, shown.private_limit, public=shown.public)
    if over is None:
        return ""
    whose = "the public's rules" if shown.public else "your own rules"
    return f"{shown.leaf} lives {over[0]} days where {whose} grant {over[1]}"


def _missing_timestamps(shown: Shown) -> str:
    """Timestamps may also come in the handshake or the staple, which nearly nobody does: so this one only hints."""
    leaf = shown.leaf
    if not shown.public or leaf.sct_count >= 2 or leaf.authority:
        return ""
    count = {0: "no signed timestamp", 1: "only one signed timestamp"}[leaf.sct_count]
    return f"{leaf} holds {count} of a certificate transparency log"


def _unstapled(shown: Shown) -> str:
    if not shown.leaf.must_staple or not shown.served:
        return ""
    if shown.staple is None:
        return f"{shown.leaf} promises a staple, and none came"
    if shown.staple.state in (Staple.GOOD, Staple.REVOKED):
        return ""
    return f"{shown.leaf} promises a staple, and what came is {shown.staple.state}: {shown.staple.reason}".rstrip(": ")


def _malformed(shown: Shown) -> str:
    return f"{shown.leaf}: {'; '.join(shown.leaf.faults[:3])}" if shown.leaf.faults else ""


_CHAIN = "Let the server send its own certificate and every intermediate above it, without the root."
_BY_NAME = "Have the name put into the certificate, or let the server show another one for this name."

WEAKNESSES: Mapping[str, Weakness] = {
    weakness.rule.name: weakness
    for weakness in (
        _weakness("expired", Severity.CRITICAL, "A certificate is expired", _RENEW, _expired),
        _weakness(
            "expiring-critical", Severity.CRITICAL, "A certificate ends within hours", _RENEW, _on_rung(Rung.CRITICAL)
        ),
        _weakness("expiring-days", Severity.HIGH, "A certificate ends within three days", _RENEW, _on_rung(Rung.DAYS)),
        _weakness("expiring-week", Severity.HIGH, "A certificate ends within a week", _RENEW, _on_rung(Rung.WEEK)),
        _weakness("expiring-high", Severity.HIGH, "A certificate ends very soon", _RENEW, _on_rung(Rung.HIGH)),
        _weakness("expiring-warn", Severity.MEDIUM, "A certificate ends soon", _RENEW, _on_rung(Rung.WARN)),
        _weakness(
            "expiring-watch",
            Severity.LOW,
            "A certificate should have been renewed by now",
            "Look whether its automation works: most renew with a third of the life left.",
            _on_rung(Rung.WATCH),
        ),
        _weakness(
            "not-yet-valid",
            Severity.HIGH,
            "A certificate is not valid yet",
            "Look at the clocks of the CA and of this machine, and deploy it when its time has come.",
            _problem(Problem.NOT_YET_VALID),
        ),
        _weakness(
            "expiring-intermediate",
            Severity.MEDIUM,
            "An intermediate certificate ends before it should",
            "Fetch the CA's current intermediate and deploy it with the chain.",
            _expiring_intermediate,
        ),
        _weakness(
            "revoked", Severity.CRITICAL, "A certificate is revoked", _REISSUE, _problem(Problem.REVOKED), f"{_RFC}6960"
        ),
        _weakness(
            "distrusted",
            Severity.HIGH,
            "A certificate is from a CA that browsers do not trust any more",
            "Have it issued by another CA.",
            _problem(Problem.DISTRUSTED),
        ),
        _weakness(
            "weak-key",
            Severity.HIGH,
            "A certificate's key is weak",
            "Have it reissued with a new key: P-256, or RSA with at least 2048 bits.",
            _problem(Problem.WEAK_KEY),
            "https://doi.org/10.6028/NIST.SP.800-57pt1r5",
        ),
        _weakness(
            "weak-signature",
            Severity.HIGH,
            "A certificate is signed with a broken hash",
            "Have it reissued: every CA signs with SHA-256 or better today.",
            _problem(Problem.MD5, Problem.SHA1),
            f"{_RFC}9155",
        ),
        _weakness(
            "too-long-validity",
            Severity.LOW,
            "A certificate lives longer than it may",
            "Have it issued for a shorter time, and its renewal automated.",
            _too_long,
            SOURCE,
        ),
        _weakness(
            "self-signed",
            Severity.MEDIUM,
            "A certificate is signed by nobody but itself",
            "Have it issued by a CA; or, where it is meant so, put it among your own roots.",
            _leaf_problem(Problem.SELF_SIGNED),
        ),
        _weakness(
            "unknown-root",
            Severity.MEDIUM,
            "A certificate is from a CA that we do not trust",
            "If the CA is yours, put its root among your own roots; otherwise have it issued by a public one.",
            _leaf_problem(Problem.UNKNOWN_CA),
        ),
        _weakness(
            "incomplete-chain",
            Severity.MEDIUM,
            "The server does not send the whole chain",
            _CHAIN,
            _served_problem(Problem.INCOMPLETE, Problem.COMPLETABLE),
            f"{_RFC}8446#section-4.4.2",
        ),
        _weakness(
            "broken-chain",
            Severity.HIGH,
            "A chain that no client accepts",
            "Have the certificate reissued for its purpose, by a CA that may do so.",
            _served_problem(Problem.BAD_SIGNATURE, Problem.WRONG_USAGE, Problem.PATH_LENGTH),
            f"{_RFC}5280#section-6",
        ),
        _weakness(
            "name-mismatch",
            Severity.MEDIUM,
            "A certificate is for another name",
            _BY_NAME,
            _problem(Problem.NAME_MISMATCH),
            f"{_RFC}9525",
        ),
        _weakness(
            "missing-sct",
            Severity.MEDIUM,
            "A public certificate is in too few logs",
            "Have it reissued: browsers refuse public certificates that prove no entry in two logs.",
            _missing_timestamps,
            f"{_RFC}6962",
        ),
        _weakness(
            "must-staple-without-staple",
            Severity.HIGH,
            "A certificate demands a staple that the server does not send",
            "Switch OCSP stapling on, or have the certificate reissued without must-staple.",
            _unstapled,
            f"{_RFC}7633",
        ),
        _weakness(
            "malformed",
            Severity.LOW,
            "A certificate is not well-formed",
            "Have it reissued by a CA that follows the standard.",
            _malformed,
            f"{_RFC}5280#section-4.1",
        ),
    )
}
"""Rules that one look at one place answers, by name."""

RULES: Mapping[tuple[str, str], Rule] = {(NAMESPACE, name): weakness.rule for name, weakness in WEAKNESSES.items()} | {
    (NAMESPACE, name): rule for name, rule in RELATIONS.items()
}
"""Every rule about certificates, by namespace and name."""


def weaknesses_of(shown: Shown) -> Iterator[tuple[str, str]]:
    """The rules that fire here, each with its evidence."""
    for name, weakness in WEAKNESSES.items():
        evidence = weakness.applies(shown)
        if evidence:
            yield name, evidence
