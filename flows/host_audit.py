"""Audit the hosts of a scope from inside and say what changed: packages, accounts, keys, sudo, SUID files, settings."""

from prefect import flow, get_run_logger
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Failed

from blocks.audit import Audit
from blocks.surroundings import open_here
from estate.errors import RoundsmanError
from estate.exports.audits import render_audit
from estate.store.blindness import list_blind
from estate.store.documents import run_object
from estate.store.outcomes import findings_of
from estate.store.problems import count_open
from estate.store.reading import list_changes
from estate.store.runs import run_named
from estate.store.surroundings import Surroundings
from estate.store.tables import Run
from tasks.hosts.rounds import host_round_of
from tasks.rounds import clock
from tasks.steps import THREADS, ask, conclude, look_again, publish, settle, watch


def _name() -> str:
    """What the flow run is called: the scope."""
    given = flow_run.parameters.get("audit")
    audit = given if isinstance(given, Audit) else Audit.model_validate(given or {})
    return f"host-audit {audit.scope or 'of the only scope'}"[:120]


@flow(name="host-audit", flow_run_name=_name, task_runner=THREADS, persist_result=False)
def host_audit(audit: Audit = Audit()) -> State[object]:  # noqa: B008  # frozen
    """Look into every host of a scope, read-only, and say what is wrong there and what is different.

    Args:
        audit: Which hosts. Leave everything empty to audit all that estate.toml declares, or this machine.
    """
    log = get_run_logger()
    try:
        here = open_here()
        with host_round_of(here, audit, flow_run.id) as round_:
            run = round_.run
            log.info("run %s audits %s", run.id[:12], run.choice)
            left = round_.shards
            watch("host-audit", run, ask.map([run.id] * len(left), left) if left else [])
            look_again(run.id)
            settle(run.id)
        ended = run_named(here.database, run.id)
        _show(here, ended)
        return conclude(here, ended)
    except RoundsmanError as error:
        log.error("%s", error)  # noqa: TRY400  # a refusal is no fault of ours whose place in the code anybody wants
        return Failed(message=str(error), data=error)


def _show(here: Surroundings, run: Run) -> None:
    now = clock()
    page = render_audit(
        run_object(run),
        list_changes(here.database, run=run),
        findings_of(here, run, now),
        list_blind(here.database, run),
        count_open(here.database, here.policy, now),
    )
    told = (change for change in list_changes(here.database, run=run) if change["kind"] != "first_observed")
    publish("host-audit", run, page, told)
