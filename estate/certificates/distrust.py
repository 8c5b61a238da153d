"""CAs that browsers took their trust from, as data: the bundle of roots that we have does not say since when."""

from dataclasses import dataclass
from datetime import UTC, datetime

from estate.certificates.certificate import Certificate


@dataclass(frozen=True, slots=True)
class Distrust:
    """Certificates below roots of these organisations are not trusted if issued after a day, or at all."""

    organisations: frozenset[str]
    issued_after: datetime | None
    source: str


def _day(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, 23, 59, 59, tzinfo=UTC)


DISTRUSTED = (
    Distrust(frozenset({"diginotar"}), None, "broken into in 2011, removed by all"),
    Distrust(frozenset({"cnnic", "china internet network information center"}), _day(2015, 4, 1), "Mozilla, 2015"),
    Distrust(
        frozenset({"wosign ca limited", "startcom ltd.", "startcom ca limited"}), _day(2016, 10, 21), "Mozilla, 2016"
    ),
    Distrust(
        frozenset({"symantec corporation", "geotrust inc.", "thawte, inc.", "thawte consulting cc", "verisign, inc."}),
        None,
        "Mozilla and Google, complete since October 2018",
    ),
    Distrust(frozenset({"certinomis"}), None, "Mozilla, 2019"),
    Distrust(frozenset({"ac camerfirma s.a.", "ac camerfirma sa"}), None, "Mozilla and Google, 2021"),
    Distrust(frozenset({"trustcor systems s. de r.l."}), _day(2022, 11, 30), "Mozilla, 2022"),
    Distrust(frozenset({"e-tuğra ebg bilişim teknolojileri ve hizmetleri a.ş.", "e-tugra ebg a.s."}), None, "2023"),
    Distrust(frozenset({"e-commerce monitoring gmbh"}), _day(2024, 6, 30), "GLOBALTRUST: Mozilla and Google, 2024"),
    Distrust(frozenset({"entrust, inc.", "entrust.net"}), _day(2024, 11, 30), "Mozilla, 2024"),
)
"""Names are the roots' organisations in lower case; dates are the root programmes' own announcements."""


def distrusted(path: tuple[Certificate, ...]) -> str:
    """Who is distrusted on this path from leaf to root, and by whom, or an empty string."""
    leaf, top = path[0], path[-1]
    # The top of a path that is not whole names the root that is missing.
    owners = {top.issuer.organisation.casefold(), top.subject.organisation.casefold()} - {""}
    for rule in DISTRUSTED:
        if owners & rule.organisations and (rule.issued_after is None or leaf.not_before > rule.issued_after):
            return f"{top.issuer.organisation or top.subject.organisation} ({rule.source})"
    return ""
