"""Which facts of a TLS endpoint are findings, how bad each one is, and what to do about it.

What is wrong with a certificate is judged where certificates are, once for all places that show it. RC4 alone, SSL 3 as
the best and POODLE decide grades; as findings they are RC4 and SSL 3, which go away by the same remedy.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from estate.assets import Asset
from estate.findings import Detection, Rule, Ruling, Severity
from estate.observations import Attributes
from estate.tls.advice import remedy
from estate.tls.caps import BY_RULE
from estate.tls.case import Answer, Case
from estate.tls.endpoint_caps import renegotiation_flood

NAMESPACE = "tls"
FOUND = "found"
"""The attribute in which a weakness says what was seen."""


@dataclass(frozen=True, slots=True)
class Weakness:
    """A rule, where its fact is kept, how bad it is, and how it is told from evidence."""

    rule: Rule
    item: str
    severity: Severity
    applies: Callable[[Case], Answer]


def _capping(rule: str, severity: Severity, *refs: str, item: str = "") -> Weakness:
    """A rule of the grade as a finding; its fact is one of its own unless it is a protocol's or a check's."""
    cap = BY_RULE[rule]
    title = cap.title[0].upper() + cap.title[1:]
    return Weakness(Rule(NAMESPACE, rule, title, remedy(rule), refs), item or f"weakness/{rule}", severity, cap.applies)


_RFC = "https://www.rfc-editor.org/rfc/rfc"
_CVE = "https://nvd.nist.gov/vuln/detail/CVE-"

_ALL = (
    _capping("ssl2-offered", Severity.CRITICAL, f"{_RFC}6176", f"{_CVE}2016-0800", item="protocol/SSL2"),
    _capping("ssl3-offered", Severity.HIGH, f"{_RFC}7568", f"{_CVE}2014-3566", item="protocol/SSL3"),
    _capping("tls10-offered", Severity.MEDIUM, f"{_RFC}8996", item="protocol/TLS1.0"),
    _capping("tls11-offered", Severity.MEDIUM, f"{_RFC}8996", item="protocol/TLS1.1"),
    _capping("no-tls12", Severity.HIGH, f"{_RFC}9325"),
    _capping("no-tls13", Severity.LOW, f"{_RFC}8446"),
    _capping("heartbleed", Severity.CRITICAL, f"{_CVE}2014-0160", item="check/heartbleed"),
    _capping("ccs-injection", Severity.HIGH, f"{_CVE}2014-0224", item="check/ccs_injection"),
    _capping("robot", Severity.HIGH, "https://robotattack.org/", item="check/robot"),
    _capping("compression", Severity.MEDIUM, f"{_CVE}2012-4929", item="check/compression"),
    _capping("insecure-renegotiation", Severity.HIGH, f"{_CVE}2009-3555", item="check/client_renegotiation"),
    Weakness(
        Rule(
            NAMESPACE,
            "renegotiation-flood",
            "A client may renegotiate without end",
            remedy("renegotiation-flood"),
            (f"{_CVE}2011-1473",),
        ),
        "check/renegotiation_dos",
        Severity.LOW,
        renegotiation_flood,
    ),
    _capping("no-secure-renegotiation", Severity.MEDIUM, f"{_RFC}5746"),
    _capping("null-suites", Severity.HIGH, f"{_RFC}9325"),
    _capping("anonymous-suites", Severity.HIGH, f"{_RFC}9325"),
    _capping("export-suites", Severity.HIGH, f"{_CVE}2015-0204"),
    _capping("weak-suites", Severity.HIGH, f"{_RFC}9325"),
    _capping("rc4-preferred", Severity.HIGH, f"{_RFC}7465"),
    _capping("rc4-offered", Severity.MEDIUM, f"{_RFC}7465"),
    _capping("small-blocks-preferred", Severity.MEDIUM, f"{_CVE}2016-2183"),
    _capping("key-exchange-insecure", Severity.HIGH, f"{_CVE}2015-4000"),
    _capping("key-exchange-weak", Severity.MEDIUM, f"{_RFC}9325"),
    _capping("no-forward-secrecy", Severity.MEDIUM, f"{_RFC}9325"),
    _capping("no-aead", Severity.LOW, f"{_RFC}9325"),
    _capping("hsts-missing", Severity.LOW, f"{_RFC}6797"),
    _capping("hsts-invalid", Severity.LOW, f"{_RFC}6797"),
    _capping("hsts-disabled", Severity.LOW, f"{_RFC}6797"),
    _capping("hsts-short", Severity.LOW, f"{_RFC}6797"),
)

WEAKNESSES: Mapping[str, Weakness] = {weakness.item: weakness for weakness in _ALL}
"""By the item of the key that holds the fact."""

SECOND_OPINION = Rule(
    NAMESPACE,
    "ssllabs-differs",
    "SSL Labs gives another grade",
    "Compare the reasons: its servers see the endpoint from outside, at another time, and perhaps another machine.",
    ("https://github.com/ssllabs/research/wiki/SSL-Server-Rating-Guide",),
)
"""Both grades may be right; it is their difference that wants to be understood."""

RULES: Mapping[tuple[str, str], Rule] = {
    (NAMESPACE, rule.name): rule for rule in (*(weakness.rule for weakness in _ALL), SECOND_OPINION)
}

_FINDINGS = {item: (weakness.rule, weakness.severity) for item, weakness in WEAKNESSES.items()} | {
    f"weakness/{SECOND_OPINION.name}": (SECOND_OPINION, Severity.LOW)
}


def finding(asset: Asset, key: str, value: Attributes, detection: Detection) -> Ruling | None:
    """What the state of a fact means, or None for facts that are no findings.

    Args:
        asset: whose endpoint it is.
        key: `tls/<port>/<name>/<item>`, which is the locator as well.
        value: the attributes of the fact.
        detection: of the fact, since each finding consists in its presence.
    """
    family, _, rest = key.partition("/")
    port, _, named = rest.partition("/")
    name, _, item = named.partition("/")
    found = _FINDINGS.get(item) if family == NAMESPACE else None
    if found is None:
        return None
    rule, severity = found
    place = f"{asset.key}:{port}" if name in {"-", asset.key} else f"{asset.key}:{port} as {name}"
    told = dict(value)
    seen = told.get(FOUND) or told.get("suites") or rule.title
    return Ruling(rule, asset, key, severity, detection, f"{rule.title} on {place}", seen)
