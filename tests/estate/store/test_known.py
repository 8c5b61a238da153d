"""Which subjects are steady: what the database says of nearly all of an estate at once, and never too much of it."""

import shutil
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from estate.store import staging
from estate.store.database import open_database
from estate.store.folder import EvidenceFolder
from estate.store.history import Series
from estate.store.known import load_known, steady
from infra.lab.small_estate import SmallEstate

ADDRESSES = ("10.0.0.1", "10.0.0.2")
KEYS = ("tcp/22", "tcp/80")
PORT = st.sampled_from(("open", "open ssh OpenSSH", "closed", "silent"))
HOST = st.fixed_dictionaries(dict.fromkeys(KEYS, PORT)) | st.sampled_from(("down", "timeout"))
STORY = st.lists(st.dictionaries(st.sampled_from(ADDRESSES), HOST, min_size=1), min_size=2, max_size=6)
SERIES = Series("default", "inside", "ports", "ports")


def of(here: SmallEstate, *keys: str, series: Series = SERIES, nothing_gone: bool = False) -> bool:
    """Whether the host is steady if just these keys are seen."""
    with here.database.read() as connection:
        found = steady(connection, series, "host", {"10.0.0.1": set(keys)}, nothing_gone=nothing_gone)
    return found == {"10.0.0.1"}


def test_what_is_seen_as_it_is_known_is_steady(estate_on_both) -> None:
    estate_on_both.look("2026-01-01", {"10.0.0.1": {"tcp/22": "open", "tcp/80": "open"}})
    assert of(estate_on_both, "tcp/80", "tcp/22")
    assert not of(estate_on_both, "tcp/22")
    assert not of(estate_on_both, "tcp/22", "tcp/443")
    assert not of(estate_on_both, "tcp/22", "tcp/80", "tcp/443")
    assert not of(estate_on_both)


def test_a_host_without_ports_is_steady_as_long_as_none_is_seen(estate_on_both) -> None:
    estate_on_both.look("2026-01-01", {"10.0.0.1": {"tcp/22": "open"}})
    estate_on_both.look("2026-01-02", {"10.0.0.1": {"tcp/22": "closed"}})
    assert of(estate_on_both)
    assert not of(estate_on_both, "tcp/22")
    assert not of(estate_on_both, nothing_gone=True)


@pytest.mark.parametrize("doubt", ["silent", "down", "timeout"])
def test_whoever_is_in_doubt_or_out_of_sight_is_not_steady(estate_on_both, doubt) -> None:
    here = estate_on_both
    here.look("2026-01-01", {"10.0.0.1": {"tcp/22": "open"}})
    assert of(here, "tcp/22")
    here.look("2026-01-02", {"10.0.0.1": doubt if doubt != "silent" else {"tcp/22": "silent"}})
    assert not of(here, "tcp/22")
    here.look("2026-01-03", {"10.0.0.1": {"tcp/22": "open"}})
    assert of(here, "tcp/22", nothing_gone=True)


def test_what_is_known_from_elsewhere_makes_nobody_steady(estate_on_both) -> None:
    here = estate_on_both
    here.look("2026-01-01", {"10.0.0.1": {"tcp/22": "open"}}, vantage="internet")
    assert not of(here, "tcp/22")
    assert of(here, "tcp/22", series=Series("default", "internet", "ports", "ports"))
    assert not of(here, "tcp/22", series=Series("dmz", "internet", "ports", "ports"))
    assert not of(here, "tcp/22", series=Series("default", "internet", "tls", "tls"))


@pytest.fixture(scope="module")
def two(migrated, tmp_path_factory):
    """Two estates that are emptied for every example."""
    pair = []
    for _ in range(2):
        path = tmp_path_factory.mktemp("estate")
        shutil.copy(migrated, path / "estate.db")
        pair.append(SmallEstate(open_database(f"sqlite:///{path}/estate.db"), EvidenceFolder(path / "evidence"), path))
    yield pair
    for here in pair:
        here.database.engine.dispose()


BY_ASSET = '[[expected]]\nasset = "10.0.0.1"\nports = "tcp/80"\n'
BY_NETWORK = '[[expected]]\nnetwork = "10.0.0.0/24"\nports = "tcp/80"\n'


@settings(max_examples=30, deadline=None)
@given(STORY, st.sampled_from(["", BY_ASSET, BY_NETWORK]), st.booleans())
def test_passing_over_the_steady_changes_nothing_that_is_told(two, story, expected, late) -> None:
    for here in two:
        here.empty()
        here.declare(expected)
    quick, slow = two
    days = [f"2026-01-{day:02}" for day in range(1, len(story) + 1)]
    if late:
        days[-1], days[0] = days[0], days[-1]
    for day, hosts in zip(days, story, strict=True):
        quick.look(day, hosts, ports="tcp/22,80")
        with patch.object(staging, "steady", lambda *_, **__: frozenset()):
            slow.look(day, hosts, ports="tcp/22,80")
    assert quick.dump() == slow.dump()
    assert quick.findings(everything=True) == slow.findings(everything=True)
    assert [dict(row, ended_at=None) for row in quick.runs()] == [dict(row, ended_at=None) for row in slow.runs()]


def test_only_what_is_not_steady_is_read_key_by_key(estate_on_both, monkeypatch) -> None:
    here, read = estate_on_both, []

    def noted(*args, **options):
        read.extend(args[4])
        return load_known(*args, **options)

    here.look("2026-01-01", {"10.0.0.1": {"tcp/22": "open"}, "10.0.0.2": {"tcp/22": "open"}})
    monkeypatch.setattr(staging, "load_known", noted)
    here.look("2026-01-02", {"10.0.0.1": {"tcp/22": "open"}, "10.0.0.2": {"tcp/80": "open"}})
    assert read == ["10.0.0.2"]
    here.look("2026-01-03", {"10.0.0.1": {"tcp/22": "open ssh OpenSSH"}})
    assert read == ["10.0.0.2", "10.0.0.1"]
