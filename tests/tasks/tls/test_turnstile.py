"""However many threads and processes pass it, a turnstile lets no more through in a second than it should."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from estate.errors import EvidenceNotStored
from tasks.tls.turnstile import turnstile_in, wait_turn, waited

HOUSE = Path(__file__).parents[3]
PASS = """
import sys, time
from tasks.tls.turnstile import wait_turn
for _ in range(int(sys.argv[2])):
    wait_turn(sys.argv[1], 40)
    print(time.monotonic())
"""


def most_within_a_second(moments):
    moments = sorted(moments)
    return max(sum(first <= each < first + 1 for each in moments) for first in moments)


def test_threads_together_keep_the_pace(tmp_path):
    turnstile = turnstile_in(tmp_path, "house")
    moments: list[float] = []

    def passing():
        for _ in range(10):
            wait_turn(turnstile, 50)
            moments.append(time.monotonic())

    threads = [threading.Thread(target=passing) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(moments) == 80
    assert most_within_a_second(moments) <= 50
    assert max(moments) - min(moments) >= 79 / 50


def test_processes_together_keep_it_too(tmp_path):
    argv = (sys.executable, "-c", PASS, turnstile_in(tmp_path, "house"), "25")
    running = [subprocess.Popen(argv, cwd=HOUSE, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    moments = [float(line) for process in running for line in process.communicate(timeout=60)[0].split()]
    assert len(moments) == 75
    assert most_within_a_second(moments) <= 40


def test_scopes_have_a_turnstile_each(tmp_path):
    assert turnstile_in(tmp_path, "one") != turnstile_in(tmp_path, "two")


def test_without_a_turnstile_nobody_waits():
    before = waited()
    for _ in range(1_000):
        wait_turn(None, 1)
    assert waited() == before


def test_what_a_thread_waited_is_known(tmp_path):
    turnstile = turnstile_in(tmp_path, "house")
    before = waited()
    for _ in range(3):
        wait_turn(turnstile, 20)
    assert 0 < waited() - before < 3


@pytest.mark.parametrize(
    "left", [b"", b"abc", b"\xff" * 8, b"\0" * 8, b"\0\0\0\0\0\0\xf0\x7f", b"\0\0\0\0\0\0\x50\x44"]
)
def test_what_another_boot_or_a_broken_disk_left_there_holds_nobody(tmp_path, left):
    turnstile = turnstile_in(tmp_path, "house")
    Path(turnstile).write_bytes(left)
    before = waited()
    wait_turn(turnstile, 10)
    assert waited() - before < 1


def test_a_place_that_cannot_be_used_stops_the_round(tmp_path):
    (tmp_path / "pace").write_text("")
    with pytest.raises(EvidenceNotStored, match="pace"):
        turnstile_in(tmp_path, "house")
    with pytest.raises(EvidenceNotStored, match="absent"):
        wait_turn(str(tmp_path / "absent" / "house"), 10)
