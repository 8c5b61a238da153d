"""Ctrl-C while a scan runs: in order where that is quick, at once where it is not."""

import os
import subprocess
import sys
from pathlib import Path

from deployments.command.leaving import INTERRUPTED, SAID

PROGRAM = """
import os, signal, sys, time
from deployments.command import leaving
leaving._PATIENCE_SECONDS = {patience}
with leaving.leaving_at_once():
    try:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(30)
    except KeyboardInterrupt:
        {then}
"""


def ended(then: str, patience: float = 0.5) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        (sys.executable, "-c", PROGRAM.format(then=then, patience=patience)),
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )


def test_what_ends_in_order_is_left_to_do_so() -> None:
    assert ended("sys.exit(7)", patience=60).returncode == 7


def test_what_goes_on_trying_is_left_after_a_while() -> None:
    done = ended("time.sleep(30)")
    assert (done.returncode, done.stderr) == (INTERRUPTED, f"roundsman: {SAID}\n")


def test_the_second_interrupt_does_not_wait() -> None:
    done = ended("os.kill(os.getpid(), signal.SIGINT); time.sleep(30)", patience=600)
    assert (done.returncode, done.stderr) == (INTERRUPTED, f"roundsman: {SAID}\n")
