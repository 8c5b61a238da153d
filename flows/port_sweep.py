"""Sweep the ports of a scope and say what changed since the last look."""

import re
from itertools import islice
from queue import Empty, SimpleQueue
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
from prefect.futures import PrefectFuture
from prefect.runtime import flow_run
from prefect.settings.context import get_current_settings
from prefect.states import Completed, Failed
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner
from prefect.tasks import Task, exponential_backoff

from blocks.surroundings import open_here
from blocks.sweep import Sweep
from estate.errors import RoundsmanError
from estate.exports.markdown import MOST_ROWS, render_run, table_of
from estate.store.documents import run_object
from estate.store.problems import count_open
from estate.store.reading import list_changes
from estate.store.runs import run_named
from estate.store.surroundings import Surroundings
from estate.store.tables import Run
from tasks import progress, rounds

_TICK_SECONDS = 2.0
_THREADS = cast("TaskRunner[PrefectFuture[Any]]", ThreadPoolTaskRunner(max_workers=rounds.MOST_LANES))


def _name() -> str:
    """What the flow run is called: the scope and how much of it is asked."""
    given = flow_run.parameters.get("sweep")
    sweep = given if isinstance(given, Sweep) else Sweep.model_validate(given or {})
    part = f", {_counted(len(sweep.only), 'target')}" if sweep.only else ""
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


@task(name="look-again", task_run_name="look again", cache_policy=NO_CACHE, persist_result=False)
def look_again(run: str) -> None:
    """Ask once more, slowly, only where something seems to have changed."""
    asked = rounds.look_again(rounds.opened(run))
    if asked:
        get_run_logger().info("looked again at %s that seemed to have changed", _counted(asked, "key"))


@task(name="settle", task_run_name="settle", cache_policy=NO_CACHE, persist_result=False)
def settle(run: str) -> None:
    """Turn coverage into facts, changes and findings."""
    rounds.settle(rounds.opened(run))


@flow(name="port-sweep", flow_run_name=_name, task_runner=_THREADS, persist_result=False)
def port_sweep(sweep: Sweep = Sweep()) -> State[object]:  # noqa: B008  # frozen
    """Ask every host of a scope which ports answer, and say what is different from last time, and how sure that is.

    Args:
        sweep: What to ask. Leave everything empty to ask the whole scope what it says.
    """
    log = get_run_logger()
    try:
        here = open_here()
        with rounds.round_of(here, sweep, flow_run.id, _own_port()) as round_:
            run = round_.run
            log.info("run %s asks with %s", run.id[:12], run.choice)
            rounds.ask_canaries(round_)
            left = round_.shards
            _watch(run, ask.map([run.id] * len(left), left) if left else [])
            rounds.ask_canaries(round_)
            look_again(run.id)
            settle(run.id)
        return _conclude(here, run_named(here.database, run.id))
    except RoundsmanError as error:
        log.error("%s", error)  # noqa: TRY400  # a refusal is no fault of ours whose place in the code anybody wants
        return Failed(message=str(error), data=error)


def _own_port() -> int | None:
    """The port of the temporary server that Prefect started for this run, if it did."""
    if get_current_settings().api.url is not None:
        return None
    with get_client(sync_client=True) as client:
        return urlsplit(str(client.api_url)).port


def _watch(run: Run, futures: list[PrefectFuture[None]]) -> None:
    """Show the progress until every shard was asked; one that failed leaves its targets out of sight, not the run."""
    shown = create_progress_artifact(
        100 * progress.share(run.id), key=_key(run.scope, "progress"), description=f"How far run {run.id[:12]} is"
    )
    done: SimpleQueue[PrefectFuture[None]] = SimpleQueue()
    for future in futures:
        future.add_done_callback(done.put)
    left = len(futures)
    while left:
        try:
            done.get(timeout=_TICK_SECONDS)
            left -= 1
        except Empty:
            _update(shown, progress.share(run.id))
    _update(shown, progress.share(run.id))


def _update(artifact: object, share: float) -> None:
    update_progress_artifact(artifact, round(100 * share, 1))  # type: ignore[arg-type]  # its stub is async


def _conclude(here: Surroundings, run: Run) -> State[object]:
    """The artifacts, and a state that never says Completed over a blind run."""
    changes = list(islice(list_changes(here.database, run=run), MOST_ROWS + 1))
    count = f"more than {MOST_ROWS:,} changes" if len(changes) > MOST_ROWS else _counted(len(changes), "change")
    found = f"Run {run.id[:12]} of {run.looked_at:%Y-%m-%d %H:%M} UTC is {run.state}: {count}"
    page = render_run(run_object(run), changes, count_open(here.database))
    create_markdown_artifact(page, key=_key(run.scope), description=found)
    rows = table_of(changes)
    if rows:
        create_table_artifact(rows, key=_key(run.scope, "changes"), description=found)
    answered = run.asked - run.blind
    if run.state == "quarantined":
        return Failed(name="Quarantined", message=run.message)
    if run.state == "failed" or not run.asked or answered < run.floor * run.asked:
        floor = f"the floor is {100 * run.floor:.0f} %"
        return Failed(message=f"only {answered:,} of {run.asked:,} questions were answered ({floor}): {run.message}")
    return Completed(message=f"{answered:,} of {run.asked:,} questions answered, {count}")


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _key(scope: str, what: str = "") -> str:
    """What an artifact is called for ever, so that the UI shows its history."""
    return re.sub(r"[^a-z0-9]+", "-", f"port-sweep {scope} {what}".strip().lower())
