"""The grade of every server of the lab, beside the one that the guide gives it by hand."""

import logging
import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from estate.certificates.chains import judge_chain
from estate.certificates.reading import read_certificates
from estate.certificates.trust import TrustStore
from estate.tls.evidence import TlsEvidence, read_tls
from estate.tls.rating import Rating, rate, weakest_chain
from infra.lab.tls.case import Case
from infra.lab.tls.catalogue_faults import TRUE_REASONS
from infra.lab.tls.lab import TlsLab, tls_lab
from tasks.tls.ask import ask_many, ask_tls
from tasks.tls.question import TlsQuestion

SECONDS = 180


@dataclass(frozen=True)
class Graded:
    """The grades of the whole lab, and how long they took."""

    cases: Mapping[str, Case]
    ratings: Mapping[str, Rating]
    seconds: float


def judge(lab: TlsLab, evidence: TlsEvidence) -> Rating:
    """As the flow does, by the lab's roots and what an inventory would know."""
    roots = TrustStore.of(read_certificates(lab.roots.read_bytes()), mozilla=False)
    known = read_certificates(lab.intermediates.read_bytes())
    now = datetime.now(UTC)
    verdicts = [
        judge_chain(read_certificates("".join(each.chain).encode()), evidence.asked.name, now, roots, known)
        for each in evidence.served
        if each.chain
    ]
    return rate(evidence, weakest_chain(verdicts), now)


def read(path: Path) -> TlsEvidence:
    with path.open("rb") as stream:
        return read_tls(stream)


def question_of(case: Case, deadline: float = 60.0) -> TlsQuestion:
    return TlsQuestion(case.address, case.port, case.sni, case.starttls, profile="watch", deadline=deadline)  # type: ignore[arg-type]  # the key is of either kind


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> Graded:
    began = time.monotonic()
    ratings = {}
    with tls_lab() as lab, warnings.catch_warnings():
        by_endpoint = {(case.address, case.port): case for case in lab.cases.values()}
        questions = [question_of(case) for case in lab.cases.values()]
        for evidence in ask_many(questions, tmp_path_factory.mktemp("tls"), at_once=4):
            document = read(evidence.path)
            case = by_endpoint[document.asked.address, document.asked.port]
            ratings[case.name] = judge(lab, document)
        return Graded(dict(lab.cases), ratings, time.monotonic() - began)


def test_nothing_hangs_and_every_server_has_its_document(graded):
    assert set(graded.ratings) == set(graded.cases)
    assert graded.seconds <= SECONDS


def test_grades_are_those_of_the_guide(graded):
    gradable = [case for case in graded.cases.values() if case.expected_grade is not None]
    wrong = {
        case.name: (case.expected_grade, _shown(graded.ratings[case.name]))
        for case in gradable
        if not _right(case, graded)
    }
    logging.getLogger(__name__).info("%d of %d wrong in %.0f s: %s", len(wrong), len(gradable), graded.seconds, wrong)
    assert len(wrong) <= 0.03 * len(gradable), wrong


def test_no_grade_is_better_than_the_guides(graded):
    """Except for what nobody here looks for yet, which is named."""
    better = {
        case.name: (case.expected_grade, rating.grade)
        for case in graded.cases.values()
        if (rating := graded.ratings[case.name]).grade is not None
        and case.expected_grade is not None
        and _rank(rating.grade) < _rank(case.expected_grade)
    }
    assert set(better) <= {"insecure-renegotiation"}, better


@pytest.mark.parametrize("name", TRUE_REASONS)
def test_a_port_without_tls_has_no_grade_and_a_true_reason(graded, name):
    rating = graded.ratings[name]
    assert rating.grade is None
    assert TRUE_REASONS[name] in rating.not_gradable


def test_what_cannot_be_graded_has_a_reason(graded):
    for case in graded.cases.values():
        rating = graded.ratings[case.name]
        if case.expected_grade is None:
            assert rating.grade is None, case.name
        assert (rating.grade is None) == bool(rating.not_gradable), case.name


def test_a_server_that_takes_an_old_version_between_two_runs_falls_for_just_that(tmp_path):
    with tls_lab(["switching"]) as lab:
        before = judge(lab, read(ask_tls(question_of(lab.cases["switching"]), tmp_path).path))
        case = lab.reconfigure("switching", protocols="TLSv1.1 TLSv1.2 TLSv1.3", ciphers="ECDHE+AESGCM:ECDHE+AES")
        after = judge(lab, read(ask_tls(question_of(case), tmp_path).path))
    assert (before.grade, after.grade) == ("A+", "B")
    assert {reason.rule for reason in after.reasons} - {reason.rule for reason in before.reasons} == {"tls11-offered"}


def _right(case: Case, graded: Graded) -> bool:
    rating = graded.ratings[case.name]
    if case.may_stay_unknown and rating.grade is None:
        return True
    return (rating.grade, rating.grade_trust_ignored) == (case.expected_grade, case.expected_trust_ignored)


def _shown(rating: Rating) -> str:
    return (
        f"{rating.grade} ({rating.grade_trust_ignored}) {rating.not_gradable or [each.rule for each in rating.reasons]}"
    )


def _rank(grade: str) -> int:
    return ("A+", "A", "A-", "B", "C", "D", "E", "F", "M", "T").index(grade)
