"""Evidence that is missing, altered or cut short: said, nothing settled, and settled once it is back."""

import sqlite3
from pathlib import Path

import pytest
import zstandard

from estate.errors import BadReport, EvidenceAltered, EvidenceMissing, StoreBusy, StoreError
from estate.store.database import open_database
from estate.store.replay import CANARY_SHARD
from estate.store.settlement import Settler

A = "10.0.0.1"
OPEN = {"tcp/22": "open"}
BOMB = b'<?xml version="1.0"?><!DOCTYPE nmaprun [<!ENTITY a "b">]><nmaprun>&a;</nmaprun>'


def document(here, run) -> Path:
    with here.database.read() as connection:
        sha256 = here.evidence_names(connection, run)[0]
    return Path(here.folder.root / sha256[:2] / f"{sha256}.zst")


def flipped(body: bytes) -> bytes:
    middle = len(body) // 2
    return body[:middle] + bytes([body[middle] ^ 1]) + body[middle + 1 :]


DAMAGES = {
    "missing": (lambda body: None, EvidenceMissing),
    "one byte altered": (flipped, EvidenceAltered),
    "cut short": (lambda body: body[: len(body) // 2], EvidenceAltered),
    "empty": (lambda body: b"", EvidenceAltered),
    "another document": (lambda body: zstandard.compress(b"<nmaprun></nmaprun>"), EvidenceAltered),
    "an attack in its place": (lambda body: zstandard.compress(BOMB), EvidenceAltered),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_evidence_is_said_and_settles_once_it_is_back(started, damage) -> None:
    change, error = DAMAGES[damage]
    run = started.bring(started.evidence("port_opened.xml"), at="2026-01-02")
    before, place = started.dump(), document(started, run)
    body = place.read_bytes()
    place.unlink()
    if change(body) is not None:
        place.write_bytes(change(body))
    with pytest.raises(error) as raised:
        started.settler().settle(run)
    assert raised.value.exit_code == 3
    assert place.stem in str(raised.value)
    assert started.dump() == before
    (told,) = [each for each in started.runs() if each["id"] == run.id]
    assert (told["state"], told["message"]) == ("asking", f"not settled: {raised.value}")
    place.write_bytes(body)
    settled = started.settler().settle(run)
    assert (settled.state, settled.message, settled.run.message) == ("complete", "", "")
    assert started.kinds(settled) == {"gone": 1, "appeared": 1}


def test_bringing_the_report_again_heals_its_damage(started) -> None:
    run = started.bring(started.evidence("port_opened.xml"), at="2026-01-02")
    document(started, run).write_bytes(b"")
    with pytest.raises(EvidenceAltered):
        started.settler().settle(run)
    assert started.kinds(started.nmap("port_opened.xml", at="2026-01-02")) == {"gone": 1, "appeared": 1}


def test_damage_to_evidence_of_a_published_run_is_found_when_it_is_checked(started) -> None:
    run = started.nmap("port_opened.xml", at="2026-01-02").run
    before, place = started.dump(), document(started, run)
    place.write_bytes(flipped(place.read_bytes()))
    with pytest.raises(EvidenceAltered):
        started.settler().settle(run)
    assert (started.dump(), started.state_of(run)) == (before, "complete")
    assert started.kinds(started.nmap("all_up_again.xml", at="2026-01-03")) == {"gone": 1, "reappeared": 1}, (
        "later runs do not need it"
    )


def test_a_report_that_nobody_can_read_is_a_wrong_file_and_settles_nothing(started) -> None:
    whole = started.evidence("port_opened.xml").read_bytes()
    long = started.path / "long.xml"
    long.write_bytes(whole.replace(b"<runstats>", b"<!--" + b"x" * (5 << 20) + b"--><runstats>"))
    run = started.bring(long, at="2026-01-02")
    before = started.dump()
    with pytest.raises(BadReport) as raised:
        started.settler().settle(run)
    assert raised.value.exit_code == 2
    assert started.dump() == before
    assert started.state_of(run) == "asking"


class TestCanaries:
    """Endpoints whose state is known, asked in the same run."""

    EXPECT = ((A, "tcp/22", "open"), (A, "tcp/80", "closed"))

    def settle(self, here, told):
        here.profile = here.rules(canaries=self.EXPECT)
        here.sweep("2026-01-01", {"10.0.0.2": OPEN})
        run = here.sweep("2026-01-02", {"10.0.0.2": {}}, settle=False).run
        if told is not None:
            here.add(run, CANARY_SHARD, {A: told})
        return here.settler().settle(run)

    def test_canaries_that_look_as_they_should_let_the_run_close(self, estate_on_both) -> None:
        settled = self.settle(estate_on_both, OPEN)
        assert (settled.run.canary, estate_on_both.kinds(settled)) == ("ok", {"gone": 1})

    @pytest.mark.parametrize(
        ("told", "said"),
        [
            ({}, "tcp/22 on 10.0.0.1 should be open and was negative (reset)"),
            ({**OPEN, "tcp/80": "silent"}, "tcp/80 on 10.0.0.1 should be closed and was silent (no-response)"),
            ("down", "tcp/22 on 10.0.0.1 should be open and was blind (host-down)"),
            (None, "tcp/22 on 10.0.0.1 should be open and was blind (no-evidence)"),
        ],
    )
    def test_canaries_that_look_otherwise_make_the_run_blind(self, estate, told, said) -> None:
        settled = self.settle(estate, told)
        assert estate.kinds(settled) == {"lost_sight": 1}
        assert settled.run.canary.startswith("failed: ")
        assert said in settled.run.canary
        assert settled.state == "failed"
        assert estate.settler().settle(settled.run).message.startswith("the stored evidence says the same")


def locked(path: str) -> sqlite3.Connection:
    """Another process that writes and does not end."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    return connection


def impatient(here, path: Path):
    """The same estate, opened by somebody who does not wait for long."""
    database = open_database(f"sqlite:///{path}", busy_seconds=0.2)
    return database, Settler(database, here.folder, here.manifest.declared, lambda: here.now)


def test_a_database_that_somebody_else_locks_is_busy_and_nothing_is_lost(apart) -> None:
    apart.nmap("all_up.xml", at="2026-01-01")
    run = apart.bring(apart.evidence("port_opened.xml"), at="2026-01-02")
    database, settler = impatient(apart, apart.path / "estate.db")
    other = locked(str(apart.path / "estate.db"))
    with pytest.raises(StoreBusy, match="in use by another process") as raised:
        settler.settle(run)
    assert (raised.value.retryable, raised.value.exit_code) == (True, 3)
    assert apart.state_of(run) == "asking"
    other.close()
    assert apart.kinds(settler.settle(run)) == {"gone": 1, "appeared": 1}
    database.engine.dispose()


def test_a_database_that_is_locked_before_the_run_is_published_leaves_it_for_the_next(apart, monkeypatch) -> None:
    apart.nmap("all_up.xml", at="2026-01-01")
    before = apart.readings()
    run = apart.bring(apart.evidence("port_opened.xml"), at="2026-01-02")
    database, settler = impatient(apart, apart.path / "estate.db")
    others, publish = [], Settler._publish

    def lock_then_publish(self, *told):
        others.append(locked(str(apart.path / "estate.db")))
        return publish(self, *told)

    with monkeypatch.context() as patched:
        patched.setattr(Settler, "_publish", lock_then_publish)
        with pytest.raises(StoreBusy):
            settler.settle(run)
    assert apart.readings() == before
    others[0].close()
    assert apart.kinds(settler.settle(run)) == {"gone": 1, "appeared": 1}, "in the same process, at once"
    database.engine.dispose()


def test_a_disk_that_fills_up_while_settling_leaves_the_run_for_the_next(apart) -> None:
    hosts = {f"10.1.{n // 200}.{n % 200 + 1}": OPEN for n in range(400)}
    path = apart.path / "many.xml"
    path.write_bytes(apart.made_up(hosts, "tcp/22"))
    run = apart.bring(path, at="2026-01-02", asked=",".join(hosts), ports="tcp/22")
    database, settler = impatient(apart, apart.path / "estate.db")
    for spare in (2, 8, 20):
        with apart.disk_with(database, spare), pytest.raises(StoreError, match="disk is full") as raised:
            settler.settle(run)
        assert raised.value.exit_code == 2
        assert apart.changes() == []
        assert apart.assets() == {}
    assert apart.kinds(settler.settle(run)) == {"first_observed": 400}
    database.engine.dispose()


def test_a_file_that_may_not_grow_while_settling_leaves_the_run_for_the_next(apart, killable) -> None:
    hosts = {f"10.1.{n // 200}.{n % 200 + 1}": OPEN for n in range(400)}
    path = apart.path / "many.xml"
    path.write_bytes(apart.made_up(hosts, "tcp/22"))
    run = apart.bring(path, at="2026-01-02", asked=",".join(hosts), ports="tcp/22")
    url, folder = f"sqlite:///{apart.path}/estate.db", str(apart.folder.root)
    ended = killable.settle(url=url, folder=folder, run=run.id, bytes=100_000)
    assert (ended["status"], ended["said"]) == (2, "StoreError: the database cannot be used: disk I/O error")
    assert apart.changes() == []
    assert apart.kinds(apart.settler().settle(run)) == {"first_observed": 400}
