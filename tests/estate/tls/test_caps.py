import pytest

from estate.tls.caps import BY_RULE, CAPS, GRADES, worst


def test_rules_are_told_worst_first_and_each_once():
    order = [GRADES.index(cap.grade) for cap in CAPS]
    assert order == sorted(order, reverse=True)
    assert len(BY_RULE) == len(CAPS)


@pytest.mark.parametrize(
    ("grades", "found"),
    [((), "A+"), (("A", "A+"), "A"), (("A-", "A"), "A-"), (("F", "B"), "F"), (("M", "T", "F"), "T")],
)
def test_the_worst_grade_counts(grades, found):
    assert worst(grades) == found


@pytest.mark.parametrize(
    ("rule", "effect"),
    [
        ("certificate-expired", "is T"),
        ("certificate-name", "is M"),
        ("ssl2-offered", "caps at F"),
        ("no-tls13", "caps at A- (a warning)"),
    ],
)
def test_an_effect_is_told_in_words(rule, effect):
    assert BY_RULE[rule].effect == effect
