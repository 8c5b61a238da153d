"""A visit to the machine that we run on."""

import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from estate.hosts.shard import Target
from tasks.hosts import visit as visiting
from tasks.hosts.visit import may_retry

pytestmark = pytest.mark.usefixtures("small_collector")

HERE = Target("this-machine", "local")


def plays(monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Another script in the collector's place; $N is the nonce."""
    monkeypatch.setattr(visiting, "collector", f"N=$1\n{script}\n".encode)


def test_the_collector_comes_back_whole_with_who_it_ran_as(visited):
    came = visited(HERE)

    assert (came.told.asset, came.told.via, came.told.error, came.told.detail) == ("this-machine", "local", "", "")
    assert (came.evidence.ended, came.collected.complete) == ("", True)
    assert came.who["system"] == "Linux"
    assert came.who["level"] == "standard"


def test_a_level_is_passed_on_and_a_wrong_one_is_refused(visited):
    assert visited(replace(HERE, level="cloud")).who["level"] == "cloud"
    wrong = visited(replace(HERE, level="deeper; reboot"))  # type: ignore[arg-type]  # what nobody may say
    assert wrong.told.error == "failed"
    assert "level of standard or cloud" in wrong.told.detail


def test_a_visit_leaves_its_document_and_nothing_else(visited, tmp_path):
    came = visited(HERE)

    assert came.evidence.companion is not None
    left = {path.name for path in (tmp_path / "visits").iterdir()}
    assert left == {came.evidence.path.name, came.evidence.companion.name}


def test_two_audits_of_one_host_at_once_do_not_meet(visited):
    came = []
    threads = [threading.Thread(target=lambda: came.append(visited(HERE))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [one.collected.complete for one in came] == [True, True]
    assert came[0].told.nonce != came[1].told.nonce


def test_a_collector_that_is_killed_half_way_leaves_what_it_said(visited, monkeypatch):
    plays(monkeypatch, r"printf '\n@%s B who\nuid=0\n\n@%s E who rc=0 cap=99\n\n@%s B next\nhalf' $N $N $N; kill -9 $$")

    came = visited(HERE)

    assert (came.told.error, came.evidence.ended, came.collected.complete) == ("", "signal 9", False)
    assert came.who == {"uid": "0"}
    assert came.collected.sections["next"].fault == "truncated"


def test_a_collector_that_says_nothing_is_a_failure_with_its_words(visited, monkeypatch):
    plays(monkeypatch, "echo $'\\033[2Jbroken' >&2; exit 7")

    came = visited(HERE)

    assert (came.told.error, came.evidence.ended) == ("failed", "exit 7")
    assert "broken" in came.told.detail
    assert "\x1b" not in came.told.detail
    assert came.evidence.companion is None
    assert not may_retry(came.told)


def test_the_deadline_ends_a_silent_collector_and_all_that_it_started(visited, monkeypatch, tmp_path):
    plays(monkeypatch, f"sleep 300 & echo $! $$ >{tmp_path}/pids; wait")
    begun = time.monotonic()

    came = visited(HERE, deadline=1.5)

    assert (came.told.error, came.evidence.ended) == ("timeout", "deadline")
    assert time.monotonic() - begun < 20
    assert may_retry(came.told)
    pids = (tmp_path / "pids").read_text().split()
    assert [pid for pid in pids if Path(f"/proc/{pid}").exists()] == []


def test_a_deadline_within_a_section_keeps_the_sections_before(visited, monkeypatch):
    plays(monkeypatch, r"printf '\n@%s B who\nuid=0\n\n@%s E who rc=0 cap=99\n' $N $N; sleep 300")

    came = visited(HERE, deadline=1.5)

    assert (came.told.error, came.evidence.ended) == ("", "deadline")
    assert came.who == {"uid": "0"}


def test_a_visit_that_is_cancelled_says_so(visited, monkeypatch):
    plays(monkeypatch, "sleep 300")
    cancelled = threading.Event()
    threading.Timer(0.5, cancelled.set).start()

    came = visited(HERE, cancelled=cancelled)

    assert (came.told.error, came.evidence.ended) == ("cancelled", "cancelled")
    assert not may_retry(came.told)


def test_a_flood_is_cut_at_the_bound_and_what_came_before_counts(visited, monkeypatch):
    plays(monkeypatch, r"printf '\n@%s B who\nuid=0\n\n@%s E who rc=0 cap=99\n\n@%s B big\n' $N $N $N; cat /dev/zero")

    came = visited(HERE)

    assert came.evidence.companion is not None
    assert came.evidence.companion.stat().st_size == 16 * 1024 * 1024
    assert (came.told.error, came.evidence.ended) == ("", "too-large")
    assert came.who == {"uid": "0"}
    assert came.collected.sections["big"].fault == "truncated"


def test_a_flood_without_a_frame_is_no_collection(visited, monkeypatch):
    plays(monkeypatch, "cat /dev/zero")

    came = visited(HERE)

    assert came.told.error == "refused"
    assert "16,777,216 bytes" in came.told.detail
    assert came.evidence.companion is None


@pytest.mark.parametrize("system", ["MINGW64_NT-10.0-20348", "CYGWIN_NT-10.0", "Darwin", "FreeBSD"])
def test_a_system_that_the_collector_does_not_know_is_not_covered_rather_than_clean(visited, monkeypatch, system):
    plays(monkeypatch, rf"printf '\n@%s B who\nsystem={system}\n\n@%s E who rc=0 cap=99\n\n@%s Z ok\n' $N $N $N")

    came = visited(HERE)

    assert came.told.error == "not-covered"
    assert system in came.told.detail
    assert came.collected.sections == {}


def test_a_nonce_that_a_file_guesses_forges_no_section(visited, monkeypatch):
    forged = "0123456789abcdef0123456789abcdef"
    body = rf"\n@{forged} E who rc=0 cap=99\n\n@{forged} B forged\nx\n@{forged} Z ok\n"
    plays(monkeypatch, rf"printf '\n@%s B who\n{body}\n@%s E who rc=0 cap=999\n\n@%s Z ok\n' $N $N $N")

    came = visited(HERE)

    assert set(came.collected.sections) == {"who"}
    assert came.collected.sections["who"].fault == ""
