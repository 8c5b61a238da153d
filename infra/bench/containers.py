"""How many of the planted problems of running containers one look finds, and how many decoys it reports."""

import time
from collections.abc import Iterator
from pathlib import Path

from estate.containers.runtime.reading import EngineShard, sights
from estate.evidence import Document, Notes
from infra.bench.measuring import Figure
from infra.lab.containers import DECOYS, PLANTS, plant, wrongs
from infra.lab.docker_engine import docker_engine
from tasks.containers.engine import look

_SETTLED_SECONDS = 60


def containers(folder: Path, *, quick: bool) -> Iterator[Figure]:  # noqa: ARG001  # the protocol's signature
    """Look at the lab of containers until health checks and crashes have shown, and compare with what was planted."""
    with docker_engine() as engine:
        plant(engine)
        until = time.monotonic() + _SETTLED_SECONDS
        while True:
            began = time.monotonic()
            evidence = look(engine.where, folder, deadline=120)
            took = time.monotonic() - began
            with evidence.path.open("rb") as stream:
                read = sights(EngineShard(engine.where), [Document("engine", 0, stream)], Notes())
                wrong = wrongs({one.subject: list(one.present) for one in read})
            if not wrong or time.monotonic() > until:
                break
            time.sleep(1)
    planted = sum(len(one.expected) for one in PLANTS)
    missed = sum(one.startswith("missed") for one in wrong)
    extra = len(wrong) - missed
    remark = f"{planted - missed} of {planted} in {len(PLANTS) + len(DECOYS)} containers, one look {took:.1f} s"
    yield Figure("runtime problems found / planted", (planted - missed) / planted, 1, remark)
    yield Figure(
        "runtime: 1 / (1 + decoys reported)", 1 / (1 + extra), 1, f"{extra} of {len(DECOYS)} decoys and others"
    )
