"""Open rounds at a container engine: one for its containers, and one for its images."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from blocks.containers import Containers
from estate.containers.runtime.reading import EngineShard
from estate.store.knowledge import known_assets
from estate.store.leases import me
from estate.store.runs import NewRun, Profile
from estate.store.surroundings import Surroundings
from tasks.containers.asker import EngineAsker
from tasks.rounds import Round, making_of

SOCKET = "unix:///var/run/docker.sock"
VANTAGE = "inside"


def engine_of(here: Surroundings) -> str:
    """The engine's address: what estate.toml says goes before the environment."""
    return here.manifest.containers.engine or os.environ.get("DOCKER_HOST") or SOCKET


@contextmanager
def container_round_of(here: Surroundings, asked: Containers, flow_run_id: str | None) -> Iterator[Round]:
    """Open the run that looks at every container of the engine, and at what became of those that were known."""
    now = datetime.now(UTC)
    where = engine_of(here)
    zone = here.default_zone or "default"
    known = tuple(sorted(known_assets(here.database, zone, VANTAGE, "runtime")))
    shard = EngineShard(where, known)
    name = f"prefect:{flow_run_id}:containers"
    new = NewRun(
        id=uuid.uuid5(uuid.NAMESPACE_URL, name).hex if flow_run_id else uuid.uuid4().hex,
        scan="containers",
        scope=scope_name(where),
        zone=zone,
        vantage=VANTAGE,
        trigger=asked.trigger,
        profile=Profile("containers"),
        looked_at=now,
        shards=(shard.to_json(),),
        flow_run_id=flow_run_id,
        policy_sha256=here.policy.sha256,
        engine="runtime checks 1",
        choice=f"containers of {where}",
        maker=me(),
    )
    with making_of(here, None, new, EngineAsker, EngineShard.from_json) as round_:
        yield round_


def scope_name(where: str) -> str:
    """How runs call an engine: this machine's own, or by its host."""
    return "this-machine" if where.startswith("unix:") else where.partition("//")[2].partition("/")[0][:60]
