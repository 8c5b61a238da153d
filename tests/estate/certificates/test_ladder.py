from datetime import UTC, datetime, timedelta

import pytest

from estate.certificates.ladder import Rung, ladder, rung_of, spell_left

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
END = datetime(2027, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("days", "lefts"),
    [
        (398, (398 / 3, 30, 14, 7, 3, 1)),
        (200, (200 / 3, 30, 14, 7, 3, 1)),
        (100, (100 / 3, 30, 14, 7, 3, 1)),
        (3650, (398 / 3, 30, 14, 7, 3, 1)),
        (91, (91 / 3, 91 / 6, 91 / 12, 3, 1)),
        (90, (30, 15, 7.5, 3, 1)),
        (60, (20, 10, 5, 3, 1)),
        (47, (47 / 3, 47 / 6, 47 / 12, 1)),
        (14, (14 / 3, 14 / 6, 1.75, 14 / 24)),
        (6, (2, 1, 0.75, 0.25)),
    ],
)
def test_every_length_of_life_has_its_rungs(days, lefts):
    assert [step.left for step in ladder(days * DAY)] == [
        pytest.approx(left * DAY, abs=timedelta(seconds=1)) for left in lefts
    ]


@pytest.mark.parametrize("days", [0.25, 1, 3, 6, 7, 14, 30, 46, 47, 60, 90, 91, 100, 200, 398, 825, 3650, 9000])
def test_rungs_come_one_after_the_other_and_within_the_life(days):
    steps = ladder(days * DAY)
    lefts = [step.left for step in steps]
    assert lefts == sorted(lefts, reverse=True)
    assert len(set(lefts)) == len({step.rung for step in steps}) == len(steps) >= 4
    assert lefts[0] < days * DAY


def test_a_long_life_is_told_of_at_a_week_and_at_three_days():
    seen = [rung_of(200 * DAY, END, END - left * DAY) for left in (14, 7, 3, 1)]
    assert seen == [Rung.HIGH, Rung.WEEK, Rung.DAYS, Rung.CRITICAL]


def test_a_certificate_climbs_from_nothing_to_expired():
    seen = [rung_of(90 * DAY, END, END - left) for left in (31 * DAY, 30 * DAY, 15 * DAY, 7 * DAY, 24 * HOUR, -HOUR)]
    assert seen == [None, Rung.WATCH, Rung.WARN, Rung.HIGH, Rung.CRITICAL, Rung.EXPIRED]


def test_a_fresh_certificate_of_six_days_is_no_news():
    assert rung_of(6 * DAY, END, END - 5 * DAY) is None
    assert rung_of(6 * DAY, END, END - 5 * HOUR) is Rung.CRITICAL


def test_a_life_that_ends_before_it_begins_is_expired_or_nothing():
    assert rung_of(-DAY, END, END + DAY) is Rung.EXPIRED
    assert rung_of(-DAY, END, END - 9 * DAY) is None


def test_what_is_left_is_spelled_in_the_unit_that_matters():
    assert [spell_left(left) for left in (40 * DAY, 50 * HOUR, HOUR / 2, -5 * DAY)] == [
        "40 days", "50 hours", "0 hours", "5 days ago",
    ]  # fmt: skip
