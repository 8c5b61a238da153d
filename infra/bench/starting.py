"""How long somebody waits who only wants to read: `roundsman changes --json`, from a cold start."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from infra.bench.measuring import ROUNDSMAN, Figure, middle, run
from infra.bench.reports import Network, write_report
from infra.bench.settling import START, WEEK, settle_new

_ALLOWED_SECONDS = 1.5
_ENGINE = re.compile(r"\|\s+prefect(?:\.|$)", re.MULTILINE)


def starting(folder: Path, *, quick: bool) -> Iterator[Figure]:
    """Time the command, and ask Python which modules it imported."""
    network = Network(4096, 3)
    home, out = folder / "home", folder / "changes.json"
    for week, changed in enumerate((0.0, 0.05)):
        report = folder / "report.xml"
        write_report(network, report, start=START + week * WEEK, changed=changed)
        settle_new(home, network, report)
    asked = (*ROUNDSMAN, "changes", "--json")
    run(asked, out, home)
    cost = middle([run(asked, out, home) for _ in range(3 if quick else 11)])
    changes = out.read_text().count('"kind"')
    yield Figure(
        f"{_ALLOWED_SECONDS} s ÷ median time of `roundsman changes --json`",
        _ALLOWED_SECONDS / cost.wall,
        1,
        f"{cost.wall:.2f} s, of which {cost.cpu:.2f} s CPU; {changes} changes",
    )
    run((sys.executable, "-X", "importtime", *asked[1:]), out, home)
    engine = _ENGINE.search(out.read_text())
    yield Figure("Prefect is not imported for it", 0 if engine else 1, 1, "imported" if engine else "not imported")
