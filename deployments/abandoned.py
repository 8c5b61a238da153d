"""Close flow runs whose processes are gone with their worker: Prefect would take them for running for ever.

A deployment that lets one run go on at a time would never start another (Prefect issue 16746).
"""

from collections.abc import Sequence

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
    WorkPoolFilter,
    WorkPoolFilterName,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.states import Cancelled, Crashed

_PAGE = 200
_LIVE = [StateType.PENDING, StateType.RUNNING, StateType.CANCELLING]
WHY = "the worker was stopped; the next run of this scope goes on with what was left"


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


def _living(client: SyncPrefectClient, pools: Sequence[str]) -> list[FlowRun]:
    return client.read_flow_runs(
        flow_run_filter=FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=_LIVE))),
        work_pool_filter=WorkPoolFilter(name=WorkPoolFilterName(any_=list(pools))),
        limit=_PAGE,
    )
