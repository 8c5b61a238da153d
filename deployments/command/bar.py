"""How far a scan is: a bar with rate and time left on standard error, where somebody looks at it."""

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

_TICK_SECONDS = 0.25
_NOT_YET = 0.994
"""99 % is the most that is shown before all was asked."""


@contextmanager
def shown(questions: int, *, quiet: bool) -> Iterator[None]:
    """Show how far the run of this process is, until the block ends; then no trace of it is left.

    Args:
        questions: how many (asset, key) pairs are asked.
        quiet: show nothing; so does a standard error that is no terminal.
    """
    if quiet or not sys.stderr.isatty():
        yield
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        TaskProgressColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    own_server = "" if os.environ.get("PREFECT_API_URL") else " and its server, some 20 s"
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(f"starting Prefect{own_server}", total=None, rate="")
        ended = threading.Event()
        thread = threading.Thread(target=_follow, args=(bar, task, questions, ended), daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()


def _follow(bar: "Progress", task: "TaskID", questions: int, ended: threading.Event) -> None:
    began: float | None = None
    while not ended.wait(_TICK_SECONDS):
        # Loaded by the flow, and only by it.
        progress = sys.modules.get("tasks.progress")
        for done in (progress.running() if progress else {}).values():
            if began is None:
                began = time.monotonic()
                bar.reset(task, total=1.0, description="asking", rate="")
            if done >= 1:
                bar.tasks[0].total = None  # nobody knows how long; `update` takes None for "as it was"
                bar.update(task, description="looking again, settling", rate="")
                continue
            rate = questions * done / max(time.monotonic() - began, _TICK_SECONDS)
            bar.update(task, completed=min(done, _NOT_YET), rate=f"{rate:,.0f} questions/s" if done else "")
