"""Sweep the ports of a scope and say what changed since the last look."""

import re
from typing import Any, cast
from urllib.parse import urlsplit

from prefect import flow, get_run_logger, task
from prefect.artifacts import (
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State, TaskRun
from prefect.futures import PrefectFuture, wait
from prefect.runtime import flow_run
from prefect.settings.context import get_current_settings
from prefect.states import Completed, Failed
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner
from prefect.tasks import Task, exponential_backoff

from blocks.surroundings import open_here
from blocks.sweep import Sweep
from estate.errors import RoundsmanError
from estate.exports.markdown import render_run, table_of
from estate.store.documents import run_object
from estate.store.problems import count_open
from estate.store.reading import list_changes
from estate.store.tables import Run
from tasks import progress, rounds
from tasks.supervisor import end_all

_TICK_SECONDS = 2.0
_THREADS = cast("TaskRunner[PrefectFuture[Any]]", ThreadPoolTaskRunner(max_workers=4))


def _name() -> str:
    """What the flow run is called: the scope and how much of it is asked."""
    given = flow_run.parameters.get("sweep")
    sweep = given if isinstance(given, Sweep) else Sweep.model_validate(given or {})
    part = f", {len(sweep.only)} targets" if sweep.only else ""
    return f"port-sweep {sweep.scope or 'of the only scope'}{part}, {sweep.ports or 'ports of the scope'}"[:120]


def can_heal(_task: Task[..., object], _run: TaskRun, state: State[object]) -> bool:
    """Whether trying again may help: the error itself says so."""
    try:
        state.result()
    except RoundsmanError as error:
        return error.retryable
    except Exception:  # noqa: BLE001  # whatever else went wrong is a fault of ours, which time does not heal
        return False
    return False


@task(
    name="ask",
    task_run_name="ask shard {shard}",
    cache_policy=NO_CACHE,
    persist_result=False,
    retries=2,
    retry_delay_seconds=exponential_backoff(backoff_factor=2),
    retry_jitter_factor=0.5,
    retry_condition_fn=can_heal,
)
def ask(run: str, shard: int) -> None:
    """Ask one shard of the run; its evidence is stored before anybody reads it."""
    rounds.ask_shard(rounds.opened(run), shard)


@task(name="look-again", cache_policy=NO_CACHE, persist_result=False)
def look_again(run: str) -> None:
    """Ask once more, slowly, only where something seems to have changed."""
    asked = rounds.look_again(rounds.opened(run))
    if asked:
        get_run_logger().info("looked again at %d keys that seemed to have changed", asked)


@task(name="settle", cache_policy=NO_CACHE, persist_result=False)
def settle(run: str) -> None:
    """Turn coverage into facts, changes and findings."""
    rounds.settle(rounds.opened(run))


@flow(name="port-sweep", flow_run_name=_name, task_runner=_THREADS, persist_result=False)
def port_sweep(sweep: Sweep = Sweep()) -> State[object]:  # noqa: B008  # frozen
    """Ask every host of a scope which ports answer, and say what is different from last time, and how sure that is.

    Args:
        sweep: What to ask. Leave everything empty to ask the whole scope what it says.
    """
    here = open_here()
    round_ = rounds.open_round(here, sweep, flow_run.id, _own_port())
    run = round_.run
    log = get_run_logger()
    log.info("run %s asks with %s", run.id[:12], run.choice)
    try:
        rounds.ask_canaries(round_)
        left = round_.shards
        _watch(run, ask.map([run.id] * len(left), left) if left else [])
        look_again(run.id)
        settle(run.id)
    finally:
        end_all()
        progress.finish(run.id)
    return _conclude(rounds.close(run.id))


def _own_port() -> int | None:
    """The port of the temporary server that Prefect started for this run, if it did."""
    if get_current_settings().api.url is not None:
        return None
    with get_client(sync_client=True) as client:
        return urlsplit(str(client.api_url)).port


def _watch(run: Run, futures: list[PrefectFuture[None]]) -> None:
    """Show the progress until every shard was asked; one that failed leaves its targets out of sight, not the run."""
    shown = create_progress_artifact(0.0, key=_key("progress", run.scope), description=f"run {run.id[:12]}")
    left = set(futures)
    while left:
        left = set(wait(list(left), timeout=_TICK_SECONDS).not_done)
        update_progress_artifact(shown, round(100 * progress.share(run.id), 1))  # type: ignore[arg-type]  # its stub is async


def _conclude(run: Run) -> State[object]:
    """The artifacts, and a state that never says Completed over a blind run."""
    here = open_here()
    changes = list_changes(here.database, run=run)
    head = run_object(run)
    create_markdown_artifact(
        render_run(head, changes, count_open(here.database)),
        key=_key("port-sweep", run.scope),
        description=f"What run {run.id[:12]} found",
    )
    rows = table_of(list_changes(here.database, run=run))
    if rows:
        create_table_artifact(rows, key=_key("port-changes", run.scope), description=f"Changes of run {run.id[:12]}")
    answered = run.asked - run.blind
    if run.state == "quarantined":
        return Failed(name="Quarantined", message=run.message)
    if not run.asked or answered < run.floor * run.asked:
        floor = f"the floor is {100 * run.floor:.0f} %"
        return Failed(message=f"only {answered:,} of {run.asked:,} questions were answered ({floor}): {run.message}")
    return Completed(message=f"{answered:,} of {run.asked:,} questions answered, {len(rows)} changes")


def _key(what: str, scope: str) -> str:
    return re.sub(r"[^a-z0-9-]+", "-", f"{what}-{scope}".lower())
