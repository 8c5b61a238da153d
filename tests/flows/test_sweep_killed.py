"""A sweep that is killed costs what it was just asking, and changes nothing of what is known in the end."""

import random
import signal
import socket
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from infra.lab.network import OnLinkLab

SEED = 20311124
SHARDS = 5
ESTATE = """
[[scopes]]
name = "loopback"
authorised_by = "the tests"
networks = ["127.0.0.0/22", "::1"]
ports = "tcp/7001-7004"
versions = false
pace = 20000
breaker = { share = 1.0, at_least = 1000 }

[[expected]]
network = "127.0.0.0/8"
ports = "tcp/7001"
"""
MOMENTS = (*["any"] * 8, *["asking"] * 12, *["asked"] * 6, *["settling"] * 8)


class Loopback:
    """Listeners on the lab's loopback that come and go; nobody else listens there."""

    def __init__(self, lab: OnLinkLab, chance: random.Random) -> None:
        self._lab = lab
        self._chance = chance
        self._open: dict[tuple[str, str], socket.socket] = {}
        self._ever: set[tuple[str, str]] = set()
        self._places = [(f"127.0.{n % 4}.{n}", f"tcp/{7001 + n % 4}") for n in range(10, 40)]
        self._places.append(("::1", "tcp/7002"))

    def __enter__(self) -> "Loopback":
        return self

    def __exit__(self, *_: object) -> None:
        for listener in self._open.values():
            listener.close()

    @property
    def open(self) -> set[tuple[str, str]]:
        """(asset, key) of all that is open."""
        return {(f"host:{address}", key) for address, key in self._open}

    def change(self, count: int) -> set[tuple[str, str, str, str]]:
        """Open and close so many, and say what a sweep must tell of it."""
        told = set()
        for place in self._chance.sample(self._places, count):
            address, key = place
            if place in self._open:
                self._open.pop(place).close()
                kind = "gone"
            else:
                family = socket.AF_INET6 if ":" in address else socket.AF_INET
                with self._lab.inside():
                    self._open[place] = socket.create_server((address, int(key.partition("/")[2])), family=family)
                kind = "reappeared" if place in self._ever else "appeared"
                self._ever.add(place)
            told.add((kind, "proved", f"host:{address}", key))
        return told


class Book:
    """The run's database, read beside the program."""

    def __init__(self, home: Path) -> None:
        self._path = home / "home" / "roundsman.db"

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Rows, or none where there is no table yet."""
        with suppress(sqlite3.OperationalError), sqlite3.connect(f"file:{self._path}?mode=ro", uri=True) as connection:
            return connection.execute(query, values).fetchall()
        return []

    def latest(self) -> tuple[int, str, str]:
        """seq, id and state of the run that was opened last."""
        rows = self.rows("select seq, id, state from scanrun order by seq desc limit 1")
        return rows[0] if rows else (0, "", "")

    def attempts(self, seq: int) -> dict[int, int]:
        """How often each shard was begun that is asked by now."""
        return dict(self.rows("select number, attempts from shard where run_seq = ? and state = 'asked'", seq))

    def changes(self, after: int) -> set[tuple[str, str, str, str]]:
        """What runs after that one told."""
        return set(
            self.rows(
                """select c.kind, c.certainty, a.kind || ':' || a.key, c.key from change c
                   join asset a on a.id = c.asset_id join scanrun r on r.seq = c.run_seq
                   where r.state in ('complete', 'partial', 'failed') and c.run_seq > ?""",
                after,
            )
        )

    def moment(self, before: int) -> str:
        """In which phase a run after that one is."""
        seq, _, state = self.latest()
        if seq <= before:
            return "unborn"
        if state in {"complete", "partial", "failed"}:
            return "over"
        if state == "asking" and len(self.attempts(seq)) == SHARDS:
            return "asked"
        return state


@pytest.fixture
def loopback(onlink_lab: OnLinkLab) -> Iterator[Loopback]:
    with Loopback(onlink_lab, random.Random(SEED)) as place:
        yield place


def test_a_sweep_killed_at_thirty_moments_tells_what_an_undisturbed_one_tells(
    lab_roundsman, onlink_lab: OnLinkLab, loopback: Loopback
) -> None:
    chance = random.Random(SEED)
    book = Book(lab_roundsman.folder)
    lab_roundsman.describes(ESTATE)
    loopback.change(12)
    begun = time.monotonic()
    assert lab_roundsman.scan().code == 0
    usual = time.monotonic() - begun
    hit: dict[str, int] = {}
    gone_on, spared = 0, 0
    for wanted in chance.sample(MOMENTS, len(MOMENTS)):
        before, _, _ = book.latest()
        expected = loopback.change(3)
        running = lab_roundsman.start("scan", "ports", "--json")
        if wanted == "any":
            time.sleep(chance.uniform(0, usual))
        else:
            deadline = time.monotonic() + 20
            while book.moment(before) not in {wanted, "over"} and time.monotonic() < deadline:
                time.sleep(0.002)
            time.sleep(chance.uniform(0, {"asking": 0.7, "asked": 0.2, "settling": 0.01}[wanted]))
        running.signal(signal.SIGKILL)
        ended = running.wait()
        moment = book.moment(before)
        hit[moment] = hit.get(moment, 0) + (ended.code == -signal.SIGKILL)
        seq, run, state = book.latest()
        asked = book.attempts(seq)
        again = lab_roundsman.scan()
        assert (again.code, again.said["state"]) == (0, "complete"), again.err
        assert tools_of(onlink_lab) == []
        assert book.changes(before) == expected
        if seq > before and state in {"asking", "settling"}:
            assert again.said["run"] == run
            assert {number: book.attempts(seq)[number] for number in asked} == asked
            gone_on += 1
            spared += len(asked)
    known = set(
        book.rows(
            """select a.kind || ':' || a.key, f.key from fact f join asset a on a.id = f.asset_id
               where f.to_seq is null and f.present"""
        )
    )
    assert known == loopback.open
    found = lab_roundsman.run("findings", "--json").said["findings"]
    assert {(one["asset"], one["locator"]) for one in found if one["rule"] == "unexpected-port"} == {
        (asset, key) for asset, key in loopback.open if key != "tcp/7001" or asset == "host:::1"
    }
    assert book.rows("select state, count(*) from scanrun where state in ('asking', 'settling') group by state") == []
    # The moments are chosen so that each phase is hit, and shards that were asked were there to be spared.
    assert sum(hit.values()) >= 30
    assert min(hit.get(moment, 0) for moment in ("asking", "asked", "settling")) >= 2
    assert gone_on >= 15
    assert spared >= SHARDS


def tools_of(lab: OnLinkLab) -> list[str]:
    told = subprocess.run(["ip", "netns", "pids", lab.scanner.name], check=True, capture_output=True, text=True)
    names = []
    for pid in told.stdout.split():
        with suppress(FileNotFoundError):
            names.append(Path(f"/proc/{pid}/comm").read_text().strip())
    return names
