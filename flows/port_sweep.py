"""Sweep the ports of a scope and say what changed since the last look."""

from itertools import islice
from urllib.parse import urlsplit

from prefect import flow, get_run_logger
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.settings.context import get_current_settings
from prefect.states import Failed

from blocks.surroundings import open_here
from blocks.sweep import Sweep
from estate.errors import RoundsmanError
from estate.exports.markdown import MOST_ROWS, render_run
from estate.store.documents import run_object
from estate.store.problems import count_open
from estate.store.reading import list_changes
from estate.store.runs import run_named
from estate.store.surroundings import Surroundings
from estate.store.tables import Run
from tasks import rounds
from tasks.steps import THREADS, ask, conclude, counted, counted_changes, look_again, publish, settle, watch


def _name() -> str:
    """What the flow run is called: the scope and how much of it is asked."""
    given = flow_run.parameters.get("sweep")
    sweep = given if isinstance(given, Sweep) else Sweep.model_validate(given or {})
    part = f", {counted(len(sweep.only), 'target')}" if sweep.only else ""
    return f"port-sweep {sweep.scope or 'of the only scope'}{part}, {sweep.ports or 'ports of the scope'}"[:120]


@flow(name="port-sweep", flow_run_name=_name, task_runner=THREADS, persist_result=False)
def port_sweep(sweep: Sweep = Sweep()) -> State[object]:  # noqa: B008  # frozen
    """Ask every host of a scope which ports answer, and say what is different from last time, and how sure that is.

    Args:
        sweep: What to ask. Left as it is, all of the scope is asked for the ports that it names.
    """
    log = get_run_logger()
    try:
        here = open_here()
        with rounds.round_of(here, sweep, flow_run.id, _own_port()) as round_:
            run = round_.run
            log.info("run %s asks with %s", run.id[:12], run.choice)
            rounds.ask_canaries(round_)
            left = round_.shards
            watch("port-sweep", run, ask.map([run.id] * len(left), left) if left else [])
            rounds.ask_canaries(round_)
            look_again(run.id)
            settle(run.id)
        ended = run_named(here.database, run.id)
        _show(here, ended)
        return conclude(here, ended)
    except RoundsmanError as error:
        log.error("%s", error)  # noqa: TRY400  # a refusal is no fault of ours whose place in the code anybody wants
        return Failed(message=str(error), data=error)


def _own_port() -> int | None:
    """The port of the temporary server that Prefect started for this run, if it did."""
    if get_current_settings().api.url is not None:
        return None
    with get_client(sync_client=True) as client:
        return urlsplit(str(client.api_url)).port


def _show(here: Surroundings, run: Run) -> None:
    """The artifacts."""
    changes = list(islice(list_changes(here.database, run=run), MOST_ROWS + 1))
    found = f"Run {run.id[:12]} of {run.looked_at:%Y-%m-%d %H:%M} UTC is {run.state}: {counted_changes(len(changes))}"
    page = render_run(run_object(run), changes, count_open(here.database, here.policy, rounds.clock()))
    publish("port-sweep", run, page, changes, told=found)
