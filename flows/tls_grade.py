"""Grade the TLS endpoints of a scope and say what changed since the last look."""

from itertools import islice

from prefect import flow, get_run_logger
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed, Failed

from blocks.grading import Grading
from blocks.surroundings import open_here
from estate.errors import NothingToAsk, RoundsmanError
from estate.exports.grades import render_grades
from estate.exports.markdown import MOST_ROWS, render_run
from estate.store.documents import run_object
from estate.store.grades import list_grades
from estate.store.problems import count_open
from estate.store.reading import list_changes
from estate.store.runs import run_named
from estate.store.surroundings import Surroundings
from estate.store.tables import Run
from tasks.rounds import clock
from tasks.steps import THREADS, ask, conclude, look_again, publish, second_opinion, settle, watch
from tasks.tls.rounds import tls_round_of


def _name() -> str:
    """What the flow run is called: the scope, and how much is asked."""
    given = flow_run.parameters.get("grading")
    grading = given if isinstance(given, Grading) else Grading.model_validate(given or {})
    return f"tls-grade {grading.scope or 'of the only scope'}, {grading.profile}"[:120]


@flow(name="tls-grade", flow_run_name=_name, task_runner=THREADS, persist_result=False)
def tls_grade(grading: Grading = Grading()) -> State[object]:  # noqa: B008  # frozen
    """Give every TLS endpoint of a scope the grade that SSL Labs would, with each reason, and say what is different.

    Args:
        grading: What to ask. Leave everything empty to grade every endpoint that is known.
    """
    log = get_run_logger()
    try:
        here = open_here()
        with tls_round_of(here, grading, grading.profile, flow_run.id) as round_:
            run = round_.run
            log.info("run %s asks %s", run.id[:12], run.choice)
            left = round_.shards
            watch("tls-grade", run, ask.map([run.id] * len(left), left) if left else [])
            if here.manifest.ssllabs.enabled and grading.profile == "full":
                second_opinion(run.id)
            look_again(run.id)
            settle(run.id)
        ended = run_named(here.database, run.id)
        _show(here, ended)
        return conclude(here, ended)
    except NothingToAsk as error:
        log.info("%s", error)
        return Completed(message=str(error), data=None)
    except RoundsmanError as error:
        log.error("%s", error)  # noqa: TRY400  # a refusal is no fault of ours whose place in the code anybody wants
        return Failed(message=str(error), data=error)


def _show(here: Surroundings, run: Run) -> None:
    changes = list(islice(list_changes(here.database, run=run), MOST_ROWS + 1))
    page = render_run(run_object(run), changes, count_open(here.database, here.policy, clock()))
    publish("tls-grade", run, f"{page}\n{render_grades(list_grades(here.database, run))}", changes)
