"""Grades of a lab of TLS servers: whether they are the guide's, and how long they take beside the usual tools."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from statistics import median

from estate.errors import BadReport
from estate.store.database import open_database
from estate.store.folder import EvidenceFolder
from estate.store.runs import evidence_of
from estate.tls.evidence import read_tls
from estate.tls.judging import judge_endpoint
from estate.tls.shard import trust_store
from infra.bench.counting import count_rows, rows_written
from infra.bench.measuring import Cost, Figure, middle, scan
from infra.bench.tls_peers import time_sslyze, time_testssl
from infra.lab.tls.case import Case
from infra.lab.tls.catalogue_faults import TRUE_REASONS
from infra.lab.tls.describing import estate_of
from infra.lab.tls.lab import TlsLab, tls_lab

TWENTY = (
    "perfect", "perfect-rsa", "tls13-only", "tls12-only", "tls11-on", "tls10-on", "rsa-ecdsa", "hsts-absent",
    "hsts-short", "hsts-twice", "python-default", "stunnel-plain", "cbc-only", "no-forward-secrecy", "dh2048",
    "openssl-plain", "expired", "self-signed", "wrong-name", "stapled",
)  # fmt: skip
"""Servers such as one meets: none that is slow, crooked or too old for the OpenSSL that testssl.sh finds here, since on
those the tools would differ for other reasons."""
_SECONDS = 180
Words = tuple[str | None, str | None]


@dataclass(frozen=True, slots=True)
class _Round:
    """What `roundsman scan tls --json` brought, and what it cost; `seconds` are those of the round itself."""

    cost: Cost
    seconds: float
    seq: int
    grades: Mapping[tuple[str, str], Words]


def grading(folder: Path, *, quick: bool) -> Iterator[Figure]:
    """The whole lab by the real flow into a database; then twenty of its servers, by us and by others."""
    with tls_lab((*TWENTY, *TRUE_REASONS) if quick else None) as lab:
        yield from _whole(lab, folder / "whole")
        yield from _beside_others(lab, folder, quick=quick)


def _whole(lab: TlsLab, folder: Path) -> Iterator[Figure]:
    found = _scan(folder, lab.cases.values(), lab.roots)
    gradable = [case for case in lab.cases.values() if case.expected_grade is not None]
    wrong = [f"{case.name} {_graded(found, case)[0]}, not {case.expected_grade}" for case in gradable
             if not _is_right(found, case)]  # fmt: skip
    told = f"{len(gradable) - len(wrong)} of {len(gradable)} servers" + (f"; {'; '.join(wrong)}" if wrong else "")
    yield Figure("share of grades that are the guide's (2009r)", 1 - len(wrong) / len(gradable), 0.97, told)
    reasons = _reasons(folder, found.seq, lab.roots)
    mistold = [name for name, word in TRUE_REASONS.items() if not _is_true(found, lab.cases[name], reasons, word)]
    yield Figure(
        "share of ports without TLS with no grade and a true reason",
        1 - len(mistold) / len(TRUE_REASONS),
        1,
        ", ".join(mistold) or f"{len(TRUE_REASONS)} ports",
    )
    yield Figure(
        f"{_SECONDS} s ÷ time of the whole lab, nothing hangs",
        _SECONDS / found.cost.wall,
        1,
        f"{found.cost.wall:.0f} s for {len(lab.cases)} servers, hanging and rate-limiting ones included",
    )


def _beside_others(lab: TlsLab, folder: Path, *, quick: bool) -> Iterator[Figure]:
    cases = [lab.cases[name] for name in TWENTY]
    homes = [folder / f"twenty-{number}" for number in range(1 if quick else 3)]
    ours = [_scan(home, cases, lab.roots) for home in homes]
    mine, seconds = middle([each.cost for each in ours]), median(each.seconds for each in ours)
    yield from _unchanged(homes[0], cases, lab.roots)
    sslyze = middle([time_sslyze(cases, lab.roots, folder / "sslyze") for _ in ours])
    yield Figure(
        f"time of sslyze's command ÷ our round, {len(cases)} endpoints",
        sslyze.wall / seconds,
        0.6,
        f"{sslyze.wall:.1f} s and {seconds:.1f} s until grades are settled; our command {mine.wall:.1f} s, "
        "with Prefect and a server of its own",
    )
    timed = cases[:1] if quick else cases
    # One after the other, as its mass testing does it: twenty at once leave nothing of the machine for anybody else.
    cost = time_testssl(timed, lab.roots, folder / "testssl")
    whole = cost.wall * len(cases) / len(timed)
    yield Figure(
        f"time of testssl.sh ÷ ours, {len(cases)} endpoints",
        whole / mine.wall,
        25,
        f"{whole:.0f} s and {mine.wall:.1f} s" + (f"; {len(timed)} of them timed" if quick else ""),
    )


def _unchanged(home: Path, cases: Collection[Case], roots: Path) -> Iterator[Figure]:
    """A second look at servers that stayed as they were."""
    database = home / "home" / "roundsman.db"
    count_rows(database)
    _scan(home, cases, roots)
    facts = rows_written(database).get("fact", (0, 0))[0]
    yield Figure("no fact row by an unchanged round of grades", 0 if facts else 1, 1, f"{facts} fact rows")


def _scan(folder: Path, cases: Collection[Case], roots: Path) -> _Round:
    cost, told = scan("tls", folder, estate_of(cases, roots))
    grades = {}
    for change in told["changes"]:
        _, port, _, item = (*change["key"].split("/", 3), "")[:4]
        if item == "grade":
            after = change["after"]
            grades[change["asset"].partition(":")[2], port] = (after.get("grade"), after.get("trust-ignored"))
    began, ended = (datetime.fromisoformat(told[name]) for name in ("looked_at", "ended_at"))
    return _Round(cost, (ended - began).total_seconds(), told["seq"], grades)


def _graded(found: _Round, case: Case) -> Words:
    return found.grades.get((case.address, str(case.port)), (None, None))


def _is_right(found: _Round, case: Case) -> bool:
    grade = _graded(found, case)
    if grade[0] is None:
        return case.may_stay_unknown
    return grade == (case.expected_grade, case.expected_trust_ignored)


def _is_true(found: _Round, case: Case, reasons: Mapping[tuple[str, int], str], word: str) -> bool:
    return _graded(found, case)[0] is None and word in reasons.get((case.address, case.port), "")


def _reasons(folder: Path, seq: int, roots: Path) -> dict[tuple[str, int], str]:
    """Why there is no grade, in the words of the stored evidence as it is judged."""
    database, evidence = (
        open_database(f"sqlite:///{folder / 'home' / 'roundsman.db'}"),
        EvidenceFolder(folder / "home" / "evidence"),
    )
    trusted = trust_store(roots.read_text())
    found = {}
    for rows in evidence_of(database, seq).values():
        for row in rows:
            with evidence.open(row.sha256) as stream:
                try:
                    document = read_tls(stream)
                except BadReport:
                    continue
            rating = judge_endpoint(document, trusted, document.started).rating
            found[document.asked.address, document.asked.port] = rating.not_gradable
    database.engine.dispose()
    return found
