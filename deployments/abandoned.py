"""Close flow runs that nobody makes any more: those whose worker is gone, and scheduled ones whose time is over.

Prefect would take the first for running for ever, and a deployment that lets one run go on at a time would never start
another (Prefect issue 16746). After a week without power it would make up for each of the others, one after another.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterExpectedStartTime,
    FlowRunFilterState,
    FlowRunFilterStateType,
    WorkPoolFilter,
    WorkPoolFilterName,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.client.schemas.sorting import FlowRunSort
from prefect.states import Cancelled, Crashed

_PAGE = 200
_LIVE = [StateType.PENDING, StateType.RUNNING, StateType.CANCELLING]
WHY = "the worker was stopped; the next run of this scope goes on with what was left"
MISSED = "nothing ran when this was due; only the latest of what was missed is made"


def close_abandoned(pools: Sequence[str]) -> int:
    """Close every run of these pools that counts as going on, and say how many: call it while no worker is alive."""
    closed = 0
    with get_client(sync_client=True) as client:
        while runs := _living(client, pools):
            for run in runs:
                cancelled = run.state_type == StateType.CANCELLING
                client.set_flow_run_state(run.id, Cancelled() if cancelled else Crashed(message=WHY), force=True)
            closed += len(runs)
    return closed


def skip_missed(pools: Sequence[str], now: datetime) -> int:
    """Of each deployment's scheduled runs whose time is over, leave the latest, and say how many were closed.

    What a person or an event asked for is made, however late.
    """
    overdue = FlowRunFilter(
        state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.SCHEDULED])),
        expected_start_time=FlowRunFilterExpectedStartTime.model_validate({"before_": now}),
    )
    closed, offset, latest = 0, 0, set()
    with get_client(sync_client=True) as client:
        missed: list[FlowRun] = []
        while runs := client.read_flow_runs(
            flow_run_filter=overdue,
            work_pool_filter=_of(pools),
            sort=FlowRunSort.EXPECTED_START_TIME_DESC,
            limit=_PAGE,
            offset=offset,
        ):
            offset += len(runs)
            missed.extend(run for run in runs if _is_scheduled(run))
        for run in missed:
            if run.deployment_id in latest:
                client.set_flow_run_state(run.id, Cancelled(message=MISSED), force=True)
                closed += 1
            latest.add(run.deployment_id)
    return closed


def _is_scheduled(run: FlowRun) -> bool:
    return any(isinstance(form, Mapping) and form.get("trigger") == "schedule" for form in run.parameters.values())


def _of(pools: Sequence[str]) -> WorkPoolFilter:
    return WorkPoolFilter(name=WorkPoolFilterName(any_=list(pools)))


def _living(client: SyncPrefectClient, pools: Sequence[str]) -> list[FlowRun]:
    return client.read_flow_runs(
        flow_run_filter=FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=_LIVE))),
        work_pool_filter=_of(pools),
        limit=_PAGE,
    )
