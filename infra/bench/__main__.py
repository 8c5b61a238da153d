"""Measure, and print one table of how many times better we are than a peer or a limit: `python -m infra.bench`."""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

from infra.bench.auditing import auditing
from infra.bench.containers import containers
from infra.bench.expiring import expiring
from infra.bench.grading import grading
from infra.bench.measuring import Figure
from infra.bench.settling import millions, settling
from infra.bench.starting import starting
from infra.bench.sweeping import sweeping
from infra.bench.visiting import visiting


class Benchmark(Protocol):
    """What measures a few figures in a folder of its own; `quick` says that rough ones will do."""

    def __call__(self, folder: Path, *, quick: bool) -> Iterator[Figure]: ...


BENCHMARKS: dict[str, Benchmark] = {
    "starting": starting,
    "settling": settling,
    "millions": millions,
    "sweeping": sweeping,
    "grading": grading,
    "expiring": expiring,
    "containers": containers,
    "auditing": auditing,
    "visiting": visiting,
}


def main() -> int:
    """Run the chosen benchmarks; 1 where a figure is not reached."""
    parser = argparse.ArgumentParser(prog="python -m infra.bench", description=__doc__)
    parser.add_argument("--only", action="append", choices=BENCHMARKS, help="only this one; repeat for more")
    parser.add_argument("--quick", action="store_true", help="small inputs and few repetitions, to see that it works")
    chosen = parser.parse_args()
    figures: list[Figure] = []
    for name in chosen.only or BENCHMARKS:
        print(f"{name} …", file=sys.stderr)
        with TemporaryDirectory(prefix="roundsman-bench-") as folder:
            for figure in BENCHMARKS[name](Path(folder), quick=chosen.quick):
                figures.append(figure)
                print(f"  {figure.what}: {figure.ratio:.2f} ({figure.remark})", file=sys.stderr, flush=True)
    _print(figures)
    return 0 if all(figure.reached for figure in figures) else 1


def _print(figures: list[Figure]) -> None:
    width = max(len(figure.what) for figure in figures)
    print(f"{'figure':{width}}  {'measured':>8}  {'at least':>8}      remark")
    for figure in figures:
        verdict = "" if figure.reached else "MISSED"
        print(f"{figure.what:{width}}  {figure.ratio:8.2f}  {figure.least:8g}  {verdict:6}  {figure.remark}")


if __name__ == "__main__":
    sys.exit(main())
