"""The tools that people grade TLS with today, on the servers of our lab, as their users would run them."""

import sys
from collections.abc import Sequence
from pathlib import Path

from infra.bench.measuring import Cost, run
from infra.lab.tls.case import Case

_SOME_FINDING = range(256)
"""testssl.sh's exit code counts what it could not do, sslyze's says whether all is as Mozilla recommends."""


def time_testssl(cases: Sequence[Case], roots: Path, folder: Path) -> Cost:
    """Its own mass testing: a file with a line for each server, every check, and its findings as JSON."""
    folder.mkdir(exist_ok=True)
    targets = folder / "targets"
    targets.write_text("".join(f"--ip {case.address} --add-ca {roots} {case.sni}:{case.port}\n" for case in cases))
    # There is no DNS in a lab; waiting for it would be no fault of its.
    usual = ("testssl", "--quiet", "--warnings", "batch", "--nodns", "min")
    return run((*usual, "--jsonfile", str(folder / "out.json"), "--file", str(targets)), folder / "said",
               allowed=_SOME_FINDING)  # fmt: skip


def time_sslyze(cases: Sequence[Case], roots: Path, folder: Path) -> Cost:
    """Its command with its defaults and its findings as JSON."""
    folder.mkdir(exist_ok=True)
    targets = [f"{case.sni}:{case.port}{{{case.address}}}" for case in cases]
    told = ("--json_out", str(folder / "out.json"), "--certinfo_ca_file", str(roots))
    return run((sys.executable, "-m", "sslyze", *told, *targets), folder / "said", allowed=_SOME_FINDING)
