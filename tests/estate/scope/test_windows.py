"""Windows: local days, midnight, and the nights on which the clock is changed."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from estate.scope.windows import WEEK, Window, open_until, opens_next

BERLIN = ZoneInfo("Europe/Berlin")
FORWARD = datetime(2031, 3, 30, 1, tzinfo=UTC)
"""When Berlin goes from 02:00 to 03:00."""
BACK = datetime(2031, 10, 26, 1, tzinfo=UTC)
"""When Berlin goes from 03:00 back to 02:00."""


def window(opens: str, closes: str, days: tuple[str, ...] = WEEK, timezone: str = "Europe/Berlin") -> Window:
    return Window.model_validate({"opens": opens, "closes": closes, "days": days, "timezone": timezone})


def closing(each: Window, now: datetime) -> datetime | None:
    return open_until((each,), now)


def berlin(*moment: int) -> datetime:
    return datetime(*moment, tzinfo=BERLIN).astimezone(UTC)  # type: ignore[misc, arg-type]  # year, month, day, hour, minute


def test_a_window_is_open_from_its_first_minute_to_before_its_last() -> None:
    evening = window("18:00", "20:30")
    assert closing(evening, berlin(2031, 5, 7, 17, 59)) is None
    assert closing(evening, berlin(2031, 5, 7, 18, 0)) == berlin(2031, 5, 7, 20, 30)
    assert closing(evening, berlin(2031, 5, 7, 20, 30)) is None


def test_a_window_across_midnight_belongs_to_the_day_on_which_it_opens() -> None:
    friday = window("22:00", "06:00", ("fri",))
    assert closing(friday, berlin(2031, 5, 10, 5, 59)) == berlin(2031, 5, 10, 6)  # Saturday morning
    assert closing(friday, berlin(2031, 5, 9, 5, 59)) is None  # Friday morning
    assert opens_next((friday,), berlin(2031, 5, 10, 6)) == berlin(2031, 5, 16, 22)


def test_24_00_is_the_end_of_the_day_and_equal_times_are_a_whole_day() -> None:
    assert closing(window("08:00", "24:00"), berlin(2031, 5, 7, 9)) == berlin(2031, 5, 8, 0)
    assert closing(window("08:00", "08:00", ("wed",)), berlin(2031, 5, 8, 7, 59)) == berlin(2031, 5, 8, 8)


def test_windows_that_hand_over_are_one_stretch() -> None:
    pair = (window("20:00", "24:00"), window("00:00", "04:00"))
    assert open_until(pair, berlin(2031, 5, 7, 21)) == berlin(2031, 5, 8, 4)


def test_windows_without_an_end_are_followed_for_eight_days() -> None:
    end = open_until((window("00:00", "24:00"),), berlin(2031, 5, 7, 21))
    assert end is not None
    assert end >= berlin(2031, 5, 15, 0)


@pytest.mark.parametrize(
    ("opens", "closes", "length"),
    [("22:00", "06:00", 7), ("01:00", "04:00", 2), ("02:30", "04:00", 1), ("01:00", "02:30", 1), ("02:10", "02:50", 0)],
)
def test_times_that_the_clock_jumps_over_are_reached_at_the_jump(opens: str, closes: str, length: int) -> None:
    each = window(opens, closes)
    stretch = next(span for span in each.stretches(FORWARD, (-1, 0)) if span[1] > FORWARD - timedelta(hours=1))
    assert stretch[1] - stretch[0] == timedelta(hours=length)
    if opens.startswith("02"):
        assert stretch[0] == FORWARD


@pytest.mark.parametrize(("opens", "closes", "length"), [("22:00", "06:00", 9.0), ("02:10", "02:50", 2 / 3)])
def test_times_that_come_twice_count_when_they_come_first(opens: str, closes: str, length: float) -> None:
    each = window(opens, closes)
    stretch = next(span for span in each.stretches(BACK, (-1, 0)) if span[1] > BACK - timedelta(hours=1))
    assert stretch[1] - stretch[0] == timedelta(hours=length)


def test_a_day_that_a_country_skipped_is_stepped_over() -> None:
    samoa = window("10:00", "12:00", timezone="Pacific/Apia")  # which had no 30 December 2011
    before = datetime(2011, 12, 29, 12, tzinfo=ZoneInfo("Pacific/Apia")).astimezone(UTC)
    assert opens_next((samoa,), before) == datetime(2011, 12, 31, 10, tzinfo=ZoneInfo("Pacific/Apia")).astimezone(UTC)


@given(
    minutes=st.integers(0, 366 * 24 * 60),
    opens=st.times().map(lambda at: f"{at:%H:%M}"),
    closes=st.times().map(lambda at: f"{at:%H:%M}"),
    timezone=st.sampled_from(["UTC", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kathmandu"]),
)
def test_the_wall_clock_agrees_wherever_it_runs_straight(minutes: int, opens: str, closes: str, timezone: str) -> None:
    now = datetime(2031, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    zone = ZoneInfo(timezone)
    around = {(now + timedelta(hours=hours)).astimezone(zone).utcoffset() for hours in range(-48, 49)}
    wall = f"{now.astimezone(zone):%H:%M}"
    inside = opens <= wall < closes if opens < closes else wall >= opens or wall < closes
    if len(around) == 1:
        assert (closing(window(opens, closes, timezone=timezone), now) is not None) == inside


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"timezone": "Europe/Berln"}, "did you mean Europe/Berlin"),
        ({"timezone": "../../etc/passwd"}, "not a time zone"),
        ({"timezone": "localtime"}, "not a time zone"),
        ({"timezone": "Europe"}, "not a time zone"),
        ({"timezone": ""}, "not a time zone"),
        ({"opens": "25:00"}, "not a time of day"),
        ({"opens": time(22, 0, 30)}, "to the minute"),
        ({"opens": time(22, tzinfo=UTC)}, "zone is said apart"),
        ({"opens": "22:00:30"}, "not a time of day"),
        ({"opens": "22:00+02:00"}, "not a time of day"),
        ({"opens": 22}, "not a time of day"),
        ({"days": []}, "at least 1"),
        ({"days": ["friday"]}, "'fri'"),
        ({"start": "22:00"}, "not permitted"),
    ],
)
def test_a_window_that_cannot_be_meant_is_refused(fields: dict, told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        Window.model_validate({"opens": "22:00", "closes": "05:00", "timezone": "Europe/Berlin", **fields})


def test_days_are_read_in_any_order_and_case() -> None:
    assert window("22:00", "05:00", ("Sun", "MON", "mon")) == window("22:00", "05:00", ("mon", "sun"))
