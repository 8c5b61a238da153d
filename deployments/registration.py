"""Make a Prefect server hold what `prefect.yaml` and `estate.toml` declare, and nothing that is no longer there."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import get_type_hints

from prefect import Flow
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import DeploymentScheduleCreate, WorkPoolCreate
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterTags, WorkPoolFilter, WorkPoolFilterName
from prefect.client.schemas.objects import ConcurrencyOptions
from prefect.client.schemas.responses import DeploymentResponse
from prefect.exceptions import ObjectNotFound
from prefect.utilities.callables import parameter_schema
from prefect.workers.process import ProcessWorker
from pydantic import BaseModel

from blocks.database import DatabaseBlock
from blocks.scope import register
from blocks.ssllabs import SslLabsBlock
from deployments.declaration import Declaration, DeclaredDeployment, Parameters
from estate.errors import BadInput
from estate.manifest import Manifest

OURS = "roundsman"
"""The tag of deployments that this file may remove."""
_INTO_HOSTS = "flows.host_audit.host_audit"
ROUNDS_AT_ONCE = 4
"""How many flow runs go on at once on one machine; changed in the UI, it stays changed."""


@dataclass(frozen=True, slots=True)
class Registered:
    """What is there now."""

    deployments: tuple[str, ...]
    removed: tuple[str, ...]
    blocks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Wanted:
    """One deployment: a row of the file for one scope."""

    row: DeclaredDeployment
    flow: Flow[..., object]
    scope: str | None = None
    first: bool = True

    @property
    def name(self) -> str:
        """As the UI shows it."""
        return f"{self.flow.name}/{self.short_name}"

    @property
    def short_name(self) -> str:
        """As the UI shows it beside the flow's."""
        return self.scope or self.row.name

    @property
    def tags(self) -> list[str]:
        """The row's, and the scope's."""
        return [*self.row.tags, *([f"scope:{self.scope}"] if self.scope else [])]

    def minute(self, declared: int) -> int:
        """The first scope keeps the declared minute; another one has its own, which stays when scopes come and go."""
        if self.first or self.scope is None:
            return declared
        return (declared + 1 + int(hashlib.sha256(self.scope.encode()).hexdigest(), 16) % 59) % 60

    def parameters(self, declared: Parameters) -> dict[str, object]:
        """The declared parameters, with the scope in the flow's form."""
        if self.scope is None:
            return dict(declared)
        form = next(iter(self.flow.parameters.properties))
        given = declared.get(form, {})
        return {**declared, form: {**(given if isinstance(given, Mapping) else {}), "scope": self.scope}}


def register_all(declaration: Declaration, manifest: Manifest, folder: Path) -> Registered:
    """Register blocks, work pools and deployments, and remove the deployments that nobody declares any more.

    What was switched on or off in the UI stays so; everything else is as the files say.

    Args:
        declaration: which flows run when.
        manifest: the scopes for which they do.
        folder: where runs work, so that paths of estate.toml mean the same as on the command line.

    Raises:
        BadInput: there is no scope.
    """
    if not manifest.scopes:
        raise BadInput("estate.toml has no [[scopes]]: there is nothing that may be scanned")
    for block in (DatabaseBlock, SslLabsBlock):
        block.register_type_and_schema()
    written = register(manifest)
    wanted = list(_wanted(declaration, manifest))
    pools = sorted({each.row.work_pool.name for each in wanted})
    with get_client(sync_client=True) as client:
        for pool in pools:
            _provide(client, pool)
        there = _ours(client, pools)
        for each in wanted:
            _deploy(client, each, there.get(each.name), folder)
        removed = sorted(set(there) - {each.name for each in wanted})
        for name in removed:
            client.delete_deployment(there[name].id)
    return Registered(tuple(each.name for each in wanted), tuple(removed), written)


def _wanted(declaration: Declaration, manifest: Manifest) -> Iterator[_Wanted]:
    first = manifest.scopes[0]
    zones = {host.zone for host in manifest.hosts}
    for row in declaration.deployments:
        flow = row.load()
        if not _asks_for_a_scope(flow):
            yield _Wanted(row, flow)
            continue
        for scope in manifest.scopes:
            # Hosts are visited by the scope in whose zone they lie; where none is declared, this machine is, once.
            visits = scope.zone in zones if zones else scope is first
            if visits or row.entrypoint != _INTO_HOSTS:
                yield _Wanted(row, flow, scope.name, scope is first)


def _asks_for_a_scope(flow: Flow[..., object]) -> bool:
    forms = [each for each in get_type_hints(flow.fn).values() if isinstance(each, type)]
    return any(issubclass(each, BaseModel) and "scope" in each.model_fields for each in forms)


def _provide(client: SyncPrefectClient, pool: str) -> None:
    """Make the work pool, if it is not there; what was changed in the UI stays."""
    try:
        client.read_work_pool(pool)
    except ObjectNotFound:
        client.create_work_pool(
            WorkPoolCreate(
                name=pool,
                type=ProcessWorker.type,
                description="Rounds of Roundsman, as processes on the machine where `roundsman up` runs.",
                base_job_template=ProcessWorker.get_default_base_job_template(),
                concurrency_limit=ROUNDS_AT_ONCE,
            )
        )


def _ours(client: SyncPrefectClient, pools: list[str]) -> dict[str, DeploymentResponse]:
    """The deployments of these pools that bear our tag, by flow and name."""
    found: dict[str, DeploymentResponse] = {}
    flows: dict[object, str] = {}
    while page := client.read_deployments(
        work_pool_filter=WorkPoolFilter(name=WorkPoolFilterName(any_=pools)),
        deployment_filter=DeploymentFilter(tags=DeploymentFilterTags(all_=[OURS])),
        limit=200,
        offset=len(found),
    ):
        for each in page:
            if each.flow_id not in flows:
                flows[each.flow_id] = client.read_flow(each.flow_id).name
            found[f"{flows[each.flow_id]}/{each.name}"] = each
    return found


def _deploy(client: SyncPrefectClient, wanted: _Wanted, there: DeploymentResponse | None, folder: Path) -> None:
    """Write the deployment; the server replaces its schedules by exactly these."""
    row = wanted.row
    switched = {each.slug: each.active for each in there.schedules} if there else {}
    schedules = [
        DeploymentScheduleCreate(
            slug=each.slug,
            schedule=each.at(wanted.minute(each.minute)),
            active=switched.get(each.slug, each.active),
            parameters=wanted.parameters({**row.parameters, **each.parameters}),
        )
        for each in row.schedules
    ]
    client.create_deployment(
        flow_id=client.create_flow(wanted.flow),
        name=wanted.short_name,
        version=row.version,
        description=row.description,
        tags=wanted.tags,
        entrypoint=row.entrypoint,
        # Without a step, a worker copies the folder that it works in, evidence and all, for each run.
        pull_steps=[{"prefect.deployments.steps.set_working_directory": {"directory": str(folder)}}],
        parameters=wanted.parameters(row.parameters),
        parameter_openapi_schema=parameter_schema(wanted.flow).model_dump_for_openapi(),
        enforce_parameter_schema=True,
        schedules=schedules,
        concurrency_limit=row.concurrency_limit.limit,
        concurrency_options=ConcurrencyOptions.model_validate(
            {"collision_strategy": row.concurrency_limit.collision_strategy}
        ),
        work_pool_name=row.work_pool.name,
    )
