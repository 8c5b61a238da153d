"""Look at the certificates of a scope and say what changed, and which end soon."""

from itertools import islice

from prefect import flow, get_run_logger
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed, Failed

from blocks.grading import Certificates
from blocks.surroundings import open_here
from estate.errors import NothingToAsk, RoundsmanError
from estate.exports.expiries import render_expiries
from estate.exports.markdown import MOST_ROWS, render_run
from estate.store.documents import run_object
from estate.store.grades import list_certificates
from estate.store.problems import count_open
from estate.store.reading import list_changes
from estate.store.runs import run_named
from estate.store.surroundings import Surroundings
from estate.store.tables import Run
from tasks.rounds import clock
from tasks.steps import THREADS, ask, conclude, look_again, publish, settle, watch
from tasks.tls.rounds import tls_round_of


def _name() -> str:
    """What the flow run is called: the scope."""
    given = flow_run.parameters.get("certificates")
    certificates = given if isinstance(given, Certificates) else Certificates.model_validate(given or {})
    return f"certificate-expiry {certificates.scope or 'of the only scope'}"[:120]


@flow(name="certificate-expiry", flow_run_name=_name, task_runner=THREADS, persist_result=False)
def certificate_expiry(certificates: Certificates = Certificates()) -> State[object]:  # noqa: B008  # frozen
    """See which certificate every TLS endpoint of a scope shows, in one handshake each, and say what is different.

    Args:
        certificates: What to ask. Leave everything empty to ask every endpoint that is known.
    """
    log = get_run_logger()
    try:
        here = open_here()
        with tls_round_of(here, certificates, "certificate", flow_run.id) as round_:
            run = round_.run
            log.info("run %s asks %s", run.id[:12], run.choice)
            left = round_.shards
            watch("certificate-expiry", run, ask.map([run.id] * len(left), left) if left else [])
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
    expiries = render_expiries(list_certificates(here.database, run), run.looked_at)
    publish("certificate-expiry", run, f"{page}\n{expiries}", changes)
