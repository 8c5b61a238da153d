from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from estate.intel.packages import Asked
from infra.lab.vulnerability_server import World, vulnerability_server
from tasks.intel.cache import Cache
from tasks.intel.osv import Answered, ask_osv

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
GLIBC = Asked("Debian:12", "glibc", "2.36-9+deb12u1")
BASH = Asked("Debian:12", "bash", "5.2.15-2+b2")


@pytest.fixture
def world() -> Iterator[World]:
    found = World()
    found.learn("DEBIAN-CVE-2023-4911", "Debian:12", "glibc", GLIBC.version, fixed="2.36-9+deb12u3")
    found.learn("DEBIAN-CVE-2023-6246", "Debian:12", "glibc", GLIBC.version, fixed="2.36-9+deb12u4")
    with vulnerability_server(found):
        yield found


@pytest.fixture
def ask(world: World, tmp_path):
    cache = Cache(tmp_path / "intel" / "cache.db")

    def go(*wanted: Asked, now: datetime = NOW, hours: float = 6, stop: bool = False) -> Answered:
        with httpx.Client(trust_env=False) as client:
            return ask_osv(client, world.url, wanted, cache, now, now - timedelta(hours=hours), lambda: stop)

    return go


def test_a_package_has_the_records_that_affect_its_version(ask) -> None:
    found = ask(GLIBC, BASH)
    assert found.answers == {GLIBC: ("DEBIAN-CVE-2023-4911", "DEBIAN-CVE-2023-6246"), BASH: ()}
    assert found.records["DEBIAN-CVE-2023-4911"].fixed_in("Debian:12", "glibc") == ("2.36-9+deb12u3",)
    assert found.failed == ""


def test_what_was_answered_lately_is_not_asked_again(ask, world) -> None:
    ask(GLIBC)
    world.asked.clear()
    assert ask(GLIBC).answers[GLIBC]
    assert world.asked == []
    ask(GLIBC, now=NOW + timedelta(hours=7))
    assert world.asked == ["POST 1"]


def test_an_answer_of_many_pages_is_read_to_its_end(ask, world) -> None:
    world.page = 1
    assert len(ask(GLIBC).answers[GLIBC]) == 2
    assert [one for one in world.asked if one.startswith("POST")] == ["POST 1", "POST 1"]


def test_a_thousand_questions_go_in_one_batch_and_the_rest_in_another(ask, world) -> None:
    ask(*(Asked("Debian:12", f"p{number}", "1") for number in range(1_001)))
    assert world.asked == ["POST 1000", "POST 1"]


def test_a_server_that_is_down_leaves_everything_unanswered_and_says_so(ask, world) -> None:
    world.broken = True
    found = ask(GLIBC)
    assert (found.answers, found.failed) == ({}, "OSV answered 503")


def test_what_the_cache_knows_counts_while_the_server_is_down(ask, world) -> None:
    ask(GLIBC)
    world.broken = True
    found = ask(GLIBC, BASH)
    assert (set(found.answers), found.failed) == ({GLIBC}, "OSV answered 503")


def test_a_package_of_which_one_record_is_missing_is_not_taken_for_rated(ask, world) -> None:
    world.lost = {"DEBIAN-CVE-2023-6246"}
    found = ask(GLIBC, BASH)
    assert (set(found.answers), found.failed) == ({BASH}, "1 records did not come")


def test_when_time_is_over_nothing_more_is_asked(ask, world) -> None:
    found = ask(GLIBC, stop=True)
    assert (found.answers, found.failed, world.asked) == ({}, "there was no time left", [])
