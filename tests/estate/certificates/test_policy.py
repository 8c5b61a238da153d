from datetime import UTC, datetime, timedelta

import pytest

from estate.certificates.policy import days_of_life, excess, limit_at

DAY, SECOND = timedelta(days=1), timedelta(seconds=1)


@pytest.mark.parametrize(
    ("issued", "days"),
    [
        (datetime(2017, 1, 1, tzinfo=UTC), None),
        (datetime(2020, 8, 31, 23, 59, tzinfo=UTC), 825),
        (datetime(2026, 3, 14, 23, 59, 59, tzinfo=UTC), 398),
        (datetime(2026, 3, 15, tzinfo=UTC), 200),
        (datetime(2027, 3, 15, tzinfo=UTC), 100),
        (datetime(2029, 3, 15, tzinfo=UTC), 47),
        (datetime(2040, 1, 1, tzinfo=UTC), 47),
    ],
)
def test_the_limit_is_that_of_the_day_of_issue(issued, days):
    assert limit_at(issued) == days


def made(workshop, begin, life, **more):
    return workshop.issue("web.example", None, begin=begin, end=begin + life, **more).certificate


def test_the_last_second_counts_so_that_a_round_number_of_days_is_one_too_many(workshop):
    begin = datetime(2026, 4, 1, tzinfo=UTC)
    exact, over = made(workshop, begin, 200 * DAY - SECOND), made(workshop, begin, 200 * DAY)
    assert (days_of_life(exact), days_of_life(over)) == (200, 201)
    assert excess(exact, None, public=True) is None
    assert excess(over, None, public=True) == (201, 200)


def test_private_certificates_have_the_limit_that_their_owner_sets(workshop):
    long = made(workshop, datetime(2026, 4, 1, tzinfo=UTC), 900 * DAY)
    assert excess(long, None, public=False) is None
    assert excess(long, 825, public=False) == (901, 825)
    assert excess(long, 1000, public=False) is None


def test_authorities_live_as_long_as_they_like(workshop):
    root = workshop.root().certificate
    assert excess(root, 10, public=False) is None
    assert excess(root, 10, public=True) is None
