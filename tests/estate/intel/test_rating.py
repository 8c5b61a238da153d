import pytest

from estate.findings import Severity
from estate.intel.osv import Record
from estate.intel.rating import base_severity, rate, score_of, severity_of_score

V3 = ("CVSS_V3", "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H")
V4 = ("CVSS_V4", "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:L/VI:N/VA:N/SC:N/SI:N/SA:N")
INFO, LOW, MEDIUM, HIGH, CRITICAL = reversed(list(Severity))


def record(*severity: tuple[str, str]) -> Record:
    return Record("X", "t", severity=severity)


def test_the_newest_kind_of_score_counts_before_a_higher_one() -> None:
    assert score_of([record(V3)]) == 9.8
    assert score_of([record(V3, V4)]) == pytest.approx(6.9)
    assert score_of([record(("CVSS_V3", "nonsense"), ("Ubuntu", "high"))]) is None


@pytest.mark.parametrize(("score", "word"), [(0.0, INFO), (3.9, LOW), (4.0, MEDIUM), (7.0, HIGH), (9.0, CRITICAL)])
def test_scores_have_the_words_of_cvss(score: float, word: Severity) -> None:
    assert severity_of_score(score) is word


def test_the_distributions_word_counts_where_there_is_no_score() -> None:
    assert base_severity([record()], ["low"]) is LOW
    assert base_severity([record(("Ubuntu", "high"))], []) is HIGH
    assert base_severity([record()], []) is MEDIUM


def test_what_the_distribution_calls_unimportant_is_that_whatever_its_score() -> None:
    assert base_severity([record(V3)], ["unimportant"]) is INFO


def test_what_is_used_in_attacks_is_critical() -> None:
    assert rate(LOW, 2.0, exploited=True, epss=None, fixable=False) is CRITICAL


def test_likely_attacks_make_it_worse_step_by_step() -> None:
    assert rate(MEDIUM, 5.0, exploited=False, epss=0.05, fixable=True) is MEDIUM
    assert rate(MEDIUM, 5.0, exploited=False, epss=0.1, fixable=True) is HIGH
    assert rate(LOW, 3.0, exploited=False, epss=0.5, fixable=True) is HIGH
    assert rate(HIGH, 7.0, exploited=False, epss=0.5, fixable=True) is CRITICAL


def test_what_nobody_can_fix_yet_is_medium_at_most() -> None:
    assert rate(CRITICAL, 9.8, exploited=False, epss=None, fixable=False) is MEDIUM
    assert rate(LOW, 2.0, exploited=False, epss=None, fixable=False) is LOW
