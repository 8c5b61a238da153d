"""How times and port lists are read from the command line."""

from datetime import UTC, datetime, timedelta

import pytest

from deployments.command.options import FailOn, is_span, read_moment, read_past, read_port_list
from estate.errors import BadInput, BadTarget
from estate.findings import Severity

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-24", datetime(2026, 11, 24, tzinfo=UTC)),
        ("2026-11-24T02:10Z", datetime(2026, 11, 24, 2, 10, tzinfo=UTC)),
        ("2026-11-24 02:10", datetime(2026, 11, 24, 2, 10, tzinfo=UTC)),
        ("2026-11-24T02:10:30+02:00", datetime(2026, 11, 24, 0, 10, 30, tzinfo=UTC)),
        ("36h", NOW - timedelta(hours=36)),
        (" 7d ", NOW - timedelta(days=7)),
        ("2w", NOW - timedelta(weeks=2)),
        ("90s", NOW - timedelta(seconds=90)),
    ],
)
def test_a_moment_is_a_day_a_time_or_how_long_ago(text: str, moment: datetime) -> None:
    assert read_moment(text, NOW, "--at") == moment


def test_how_long_may_also_be_meant_from_now_on() -> None:
    assert read_moment("90d", NOW, "--until", ahead=True) == NOW + timedelta(days=90)


@pytest.mark.parametrize(
    "text",
    ["", "yesterday", "2026-13-01", "2026-11-24T25:00", "-1d", "1y", "999999d", "1700000000", "0001-01-01T00:00+14:00"],
)
def test_what_is_no_time_is_refused_by_the_name_of_its_option(text: str) -> None:
    with pytest.raises(BadInput, match=r"--since .*is no time: write 2026-11-24"):
        read_moment(text, NOW, "--since")


def test_what_has_not_been_yet_is_refused_where_only_the_past_is_known() -> None:
    assert read_past("2026-11-24T12:00Z", NOW, "--at") == NOW
    with pytest.raises(BadInput, match="--at '2026-11-25' lies in the future"):
        read_past("2026-11-25", NOW, "--at")


def test_a_span_is_told_from_a_day() -> None:
    assert is_span("90d")
    assert not is_span("2026-11-24")
    assert not is_span("20261124")


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("1-1024,8080", "tcp/1-1024,8080"),
        ("1-1024, 8080", "tcp/1-1024,8080"),
        ("80 443", "tcp/80,443"),
        ("tcp/80,tcp/443", "tcp/80,443"),
        ("tcp/80,443 udp/53", "tcp/80,443 udp/53"),
        ("tcp/80,443,udp/53,161", "tcp/80,443 udp/53,161"),
        ("T:80,443,U:53", "tcp/80,443 udp/53"),
        ("U:53,161,T:80", "tcp/80 udp/53,161"),
        ("-", "tcp/1-65535"),
        ("tcp/*", "tcp/1-65535"),
        ("8080,80,81", "tcp/80-81,8080"),
    ],
)
def test_ports_are_read_as_people_and_nmap_write_them(text: str, keys: str) -> None:
    assert str(read_port_list(text)) == keys


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "0",
        "65536",
        "80-1",
        "http",
        "80;id",
        "$(id)",
        "-p-",
        "--script=x",
        "1,,2",
        "80,",
        "udp:53",
        "sctp/1",
        "*",
    ],
)
def test_what_is_no_port_list_is_refused(text: str) -> None:
    with pytest.raises(BadTarget):
        read_port_list(text)


def test_only_severities_are_severities() -> None:
    assert FailOn.NEVER.severity is None
    assert FailOn.CHANGE.severity is None
    assert FailOn.HIGH.severity is Severity.HIGH
