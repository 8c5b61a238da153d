"""Settling a large report: processor time against ndiff, peak memory, and how many rows an unchanged run writes."""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from infra.bench.counting import count_rows, few_rows, rows_written
from infra.bench.measuring import ROUNDSMAN, Cost, Figure, middle, run
from infra.bench.reports import Network, write_report

START = 1_700_000_000
WEEK = 7 * 86_400
_CHANGED = 0.01
_ALLOWED_MB = 250


def settling(folder: Path, *, quick: bool) -> Iterator[Figure]:
    """Two reports of one network a week apart, and a third in which nothing changed."""
    network = Network(8192, 3, 8) if quick else Network(65_536, 3, 66)
    first, second, third = (folder / f"{name}.xml" for name in ("first", "second", "third"))
    write_report(network, first, start=START)
    write_report(network, second, start=START + WEEK, changed=_CHANGED)
    write_report(network, third, start=START + 2 * WEEK, changed=_CHANGED)
    home, copy = folder / "home", folder / "copy"
    settle_new(home, network, first)
    _store(home, network, second)
    theirs, ours = [], []
    for _ in range(1 if quick else 3):
        theirs.append(run(("ndiff", str(first), str(second)), folder / "ndiff.out", allowed=(0, 1)))
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(home, copy)
        ours.append(_settle(copy))
    yield from _against_ndiff(network, first, middle(theirs), middle(ours))
    yield from _unchanged(copy, network, third)


def millions(folder: Path, *, quick: bool) -> Iterator[Figure]:
    """A first report of a very large network, and a second one with changes."""
    network = Network(25_000, 4) if quick else Network(250_000, 4)
    report, home = folder / "report.xml", folder / "home"
    costs = []
    for week in range(2):
        write_report(network, report, start=START + week * WEEK, changed=week * _CHANGED)
        costs.append(settle_new(home, network, report))
    told = ", ".join(f"{cost.peak:.0f} MB, {cost.cpu:.0f} s CPU" for cost in costs)
    yield Figure(
        f"{_ALLOWED_MB} MB ÷ peak memory, settling {network.ports:,} ports",
        _ALLOWED_MB / max(cost.peak for cost in costs),
        1,
        f"{network.hosts:,} hosts; all new, then 1 % changed: {told}",
    )


def settle_new(home: Path, network: Network, report: Path) -> Cost:
    """Store a report and settle it: what the settling cost."""
    _store(home, network, report)
    return _settle(home)


def _store(home: Path, network: Network, report: Path) -> None:
    argv = (sys.executable, "-m", "infra.bench.storing", str(home), str(report), network.asked)
    run(argv, home.with_suffix(".storing"), home)


def _settle(home: Path) -> Cost:
    return run((*ROUNDSMAN, "settle", "latest"), home.with_suffix(".settling"), home)


def _against_ndiff(network: Network, report: Path, ndiff: Cost, ours: Cost) -> Iterator[Figure]:
    size = f"{report.stat().st_size / 1e6:.0f} MB, {network.hosts:,} hosts, {network.ports:,} ports, 1 % changed"
    yield Figure(
        "CPU of ndiff ÷ ours, settling a second report",
        ndiff.cpu / ours.cpu,
        2.5,
        f"{ndiff.cpu:.2f} s and {ours.cpu:.2f} s; {size}",
    )
    yield Figure(
        f"{_ALLOWED_MB} MB ÷ peak memory of that settle",
        _ALLOWED_MB / ours.peak,
        1,
        f"{ours.peak:.0f} MB; ndiff {ndiff.peak:.0f} MB",
    )


def _unchanged(home: Path, network: Network, report: Path) -> Iterator[Figure]:
    """Every row is counted, from the report that is brought to the run that is published."""
    database = home / "roundsman.db"
    count_rows(database)
    settle_new(home, network, report)
    yield from few_rows("unchanged report", rows_written(database), 1)
