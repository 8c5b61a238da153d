"""Look at a container engine: scan its images, read how its containers are run, and say what is different."""

from collections.abc import Iterator
from contextlib import suppress

from prefect import flow, get_run_logger
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed, Failed

from blocks.containers import Containers
from blocks.surroundings import open_here
from estate.errors import NothingToAsk, RoundsmanError
from estate.exports.markdown import render_run
from estate.store.documents import run_object
from estate.store.problems import count_open
from estate.store.reading import list_changes
from estate.store.runs import run_named
from estate.store.surroundings import Surroundings
from estate.store.tables import Run
from tasks.containers.rounds import container_round_of, image_round_of
from tasks.containers.steps import refresh_database
from tasks.rounds import Round, clock
from tasks.steps import THREADS, ask, conclude, look_again, publish, settle, watch


def _name() -> str:
    """What the flow run is called: what is looked at."""
    given = flow_run.parameters.get("containers")
    containers = given if isinstance(given, Containers) else Containers.model_validate(given or {})
    return f"container-scan {containers.what}"


@flow(name="container-scan", flow_run_name=_name, task_runner=THREADS, persist_result=False)
def container_scan(containers: Containers = Containers()) -> State[object]:  # noqa: B008  # frozen
    """Scan every image that a container engine has, look at how its containers are run, and say what is different.

    Args:
        containers: What to look at. Leave everything empty for images and containers.
    """
    log = get_run_logger()
    try:
        here = open_here()
        ended = [_make(here, round_) for round_ in _rounds(here, containers)]
        if not ended:
            return Completed(message="the engine has neither images nor containers")
        states = [conclude(here, run) for run in ended]
        for run in ended:
            log.info("run %s of %s: %s", run.id[:12], run.scan, run.state)
        return next((state for state in states if state.is_failed()), states[-1])
    except RoundsmanError as error:
        log.error("%s", error)  # noqa: TRY400  # a refusal is no fault of ours whose place in the code anybody wants
        return Failed(message=str(error), data=error)


def _rounds(here: Surroundings, containers: Containers) -> Iterator[Round]:
    """Images first, so that containers can be told which of them are scanned."""
    if containers.refresh:
        refresh_database()
    if containers.what != "containers":
        with suppress(NothingToAsk), image_round_of(here, containers, flow_run.id) as round_:
            yield round_
    if containers.what != "images" and not containers.only:
        with suppress(NothingToAsk), container_round_of(here, containers, flow_run.id) as round_:
            yield round_


def _make(here: Surroundings, round_: Round) -> Run:
    run = round_.run
    left = round_.shards
    watch("container-scan", run, ask.map([run.id] * len(left), left) if left else [])
    look_again(run.id)
    settle(run.id)
    ended = run_named(here.database, run.id)
    _show(here, ended)
    return ended


def _show(here: Surroundings, run: Run) -> None:
    count = count_open(here.database, here.policy, clock())
    page = render_run(run_object(run), list_changes(here.database, run=run), count)
    publish("container-scan", run, page, list_changes(here.database, run=run), run.scan)
