from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from threading import Event

import pytest

from estate.intel.packages import Asked
from estate.manifest.settings import IntelSettings
from estate.store.database import home
from infra.lab.vulnerability_server import World, vulnerability_server
from tasks.intel.cache import Cache
from tasks.intel.rater import Rater

GLIBC = Asked("Debian:12", "glibc", "2.36-9+deb12u1")


@pytest.fixture
def world(tmp_path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setenv("ROUNDSMAN_HOME", str(tmp_path))
    found = World(kev={"CVE-2023-4911"}, epss={"CVE-2023-4911": 0.61, "CVE-2020-0001": 0.9})
    found.learn("DEBIAN-CVE-2023-4911", "Debian:12", "glibc", GLIBC.version, fixed="2.36-9+deb12u3")
    with vulnerability_server(found):
        yield found


def rater(world: World) -> Rater:
    url = world.url
    return Rater(IntelSettings(osv=url, kev=f"{url}/kev.json", epss=f"{url}/epss.csv.gz"), Event())


def test_knowledge_holds_what_concerns_the_packages_and_nothing_else(world) -> None:
    known = rater(world).know({GLIBC})
    assert known.by_package == {GLIBC: ("DEBIAN-CVE-2023-4911",)}
    assert set(known.kev or ()) == {"CVE-2023-4911"}
    assert known.epss == {"CVE-2023-4911": 0.61}
    assert (known.versions["kev"], known.versions["epss"]) == ("2026.11.20", "2026-11-24")


def test_feeds_are_fetched_once_a_day(world) -> None:
    rater(world).know({GLIBC})
    world.asked.clear()
    rater(world).know({GLIBC})
    assert world.asked == []


def test_without_feeds_vulnerabilities_are_rated_by_their_records_alone(world) -> None:
    known = Rater(IntelSettings(osv=world.url), Event()).know({GLIBC})
    assert (known.kev, known.epss, known.failed) == ({}, None, "")


def test_a_world_that_is_down_leaves_a_document_that_says_so(world) -> None:
    world.broken = True
    known = rater(world).know({GLIBC})
    assert (known.answers, known.failed, known.kev) == ((), "OSV answered 503", None)


def test_a_page_that_is_no_feed_never_takes_the_place_of_a_good_copy(world, monkeypatch) -> None:
    rater(world).know({GLIBC})
    cache = Cache(home() / "intel" / "cache.db")
    url = f"{world.url}/kev.json"
    kept = cache.feed(url)
    assert kept is not None
    cache.keep_feed(url, replace(kept, at=kept.at - timedelta(days=2)))
    monkeypatch.setattr(world, "kev", None)
    assert set(rater(world).know({GLIBC}).kev or ()) == {"CVE-2023-4911"}


def test_hosts_are_never_named_to_a_database(world) -> None:
    rater(world).know({GLIBC})
    assert all(one.split()[0] in {"GET", "POST"} for one in world.asked)
