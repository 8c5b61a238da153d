"""The steps that flows share, as Prefect runs them: ask the shards, look again, settle, and say how it ended."""

import re
from collections.abc import Iterable
from itertools import islice
from queue import Empty, SimpleQueue
from typing import Any, cast

from prefect import get_run_logger, task
from prefect.artifacts import (
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.futures import PrefectFuture
from prefect.states import Completed, Failed
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner
from prefect.tasks import Task, exponential_backoff

from estate.errors import RoundsmanError
from estate.exports.markdown import ChangeRow, table_of
from estate.store.reading import list_changes
from estate.store.surroundings import Surroundings
from estate.store.tables import Run
from tasks import progress, rounds
from tasks.tls.second_opinion import ask_ssllabs

_TICK_SECONDS = 2.0
_MOST_COUNTED = 1_000
THREADS = cast("TaskRunner[PrefectFuture[Any]]", ThreadPoolTaskRunner(max_workers=rounds.MOST_LANES))


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


@task(name="second-opinion", task_run_name="second opinion", cache_policy=NO_CACHE, persist_result=False)
def second_opinion(run: str) -> None:
    """Ask SSL Labs about the names that are public; an answer that does not come leaves their difference unknown."""
    asked = ask_ssllabs(rounds.opened(run))
    get_run_logger().info("asked SSL Labs about %s", counted(asked, "name"))


@task(name="look-again", task_run_name="look again", cache_policy=NO_CACHE, persist_result=False)
def look_again(run: str) -> None:
    """Ask once more, slowly, only where something seems to have changed."""
    asked = rounds.look_again(rounds.opened(run))
    if asked:
        get_run_logger().info("looked again at %s that seemed to have changed", counted(asked, "key"))


@task(name="settle", task_run_name="settle", cache_policy=NO_CACHE, persist_result=False)
def settle(run: str) -> None:
    """Turn coverage into facts, changes and findings."""
    rounds.settle(rounds.opened(run))


def watch(flow: str, run: Run, futures: list[PrefectFuture[None]]) -> None:
    """Show the progress until every shard was asked; one that failed leaves its targets out of sight, not the run."""
    shown = create_progress_artifact(
        100 * progress.share(run.id),
        key=artifact_key(flow, run.scope, "progress"),
        description=f"How far run {run.id[:12]} is",
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


def conclude(here: Surroundings, run: Run) -> State[object]:
    """A state that never says Completed over a blind run."""
    changes = sum(1 for _ in islice(list_changes(here.database, run=run), _MOST_COUNTED + 1))
    answered = run.asked - run.blind
    if run.state == "quarantined":
        return Failed(name="Quarantined", message=run.message)
    if run.state == "failed" or not run.asked or answered < run.floor * run.asked:
        floor = f"the floor is {100 * run.floor:.0f} %"
        return Failed(message=f"only {answered:,} of {run.asked:,} questions were answered ({floor}): {run.message}")
    return Completed(message=f"{answered:,} of {run.asked:,} questions answered, {counted_changes(changes)}")


def counted_changes(changes: int) -> str:
    """So many changes, as far as they were counted."""
    return f"more than {_MOST_COUNTED:,} changes" if changes > _MOST_COUNTED else counted(changes, "change")


def counted(number: int, what: str) -> str:
    """A number of things, in words."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def publish(flow: str, run: Run, page: str, changes: Iterable[ChangeRow], what: str = "", told: str = "") -> None:
    """Keep a run's page, and a table of its changes where there are any, as artifacts with a history.

    Args:
        flow: the flow's name.
        run: the run.
        page: Markdown.
        changes: what the table lists.
        what: tells apart the runs of a flow that makes several.
        told: how both are described; what they are without it.
    """
    create_markdown_artifact(
        page, key=artifact_key(flow, run.scope, what), description=told or f"What run {run.id[:12]} found"
    )
    rows = table_of(changes)
    if rows:
        create_table_artifact(
            rows,
            key=artifact_key(flow, run.scope, f"{what} changes".strip()),
            description=told or f"Changes of run {run.id[:12]}",
        )


def artifact_key(flow: str, scope: str, what: str = "") -> str:
    """What an artifact is called for ever, so that the UI shows its history."""
    return re.sub(r"[^a-z0-9]+", "-", f"{flow} {scope} {what}".strip().lower())
