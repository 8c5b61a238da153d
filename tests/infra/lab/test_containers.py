"""On the lab of containers every planted problem is found, and nothing is said of what only looks like one."""

import time
from pathlib import Path

from estate.containers.engine import read_look
from estate.containers.runtime.reading import EngineShard, sights
from estate.evidence import Document, Notes
from infra.lab.containers import DECOYS, PLANTS, plant, wrongs
from infra.lab.docker_engine import docker_engine
from tasks.containers.engine import look


def test_every_plant_is_found_and_no_decoy_is_reported(tmp_path: Path) -> None:
    assert len(PLANTS) + len(DECOYS) > 40
    with docker_engine() as engine:
        plant(engine)
        until = time.monotonic() + 60
        # A health check fails, and a container crashes, some time after the start.
        while wrong := wrongs(_found(engine.where, tmp_path)):
            assert time.monotonic() < until, wrong
            time.sleep(1)
        stored = b"".join(path.read_bytes() for path in tmp_path.iterdir())
        assert b"sesame" not in stored


def _found(where: str, folder: Path) -> dict[str, list[str]]:
    evidence = look(where, folder, deadline=120)
    with evidence.path.open("rb") as stream:
        told = read_look(stream)
        assert not told.error, told.detail
        stream.seek(0)
        shard = EngineShard(where)
        return {one.subject: list(one.present) for one in sights(shard, [Document("engine", 0, stream)], Notes())}
