"""Audit the hosts of a scope from inside and say what changed: packages, accounts, keys, sudo, SUID files, settings."""

from datetime import UTC, datetime

from prefect import flow, get_run_logger
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Failed

from blocks.audit import Audit
from blocks.surroundings import open_here
from estate.errors import RoundsmanError
from estate.exports.audits import render_audit
from estate.exports.markdown import table_of
from estate.store.blindness import list_blind
from estate.store.documents import run_object
from estate.store.problems import Selection, count_open, list_findings
from estate.store.reading import list_changes
from estate.store.runs import run_named
from estate.store.scans import scan_named
from estate.store.surroundings import Surroundings
from estate.store.tables import Run
from tasks.hosts.rounds import host_round_of
from tasks.steps import THREADS, artifact_key, ask, conclude, look_again, settle, watch


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
    now = datetime.now(UTC)
    wanted = Selection(run_seq=run.seq, aspect=scan_named(run.scan).aspect)
    create_markdown_artifact(
        render_audit(
            run_object(run),
            list_changes(here.database, run=run),
            list_findings(here.database, here.policy, now, wanted),
            list_blind(here.database, run),
            count_open(here.database, here.policy, now),
        ),
        key=artifact_key("host-audit", run.scope),
        description=f"What run {run.id[:12]} found",
    )
    rows = table_of(change for change in list_changes(here.database, run=run) if change["kind"] != "first_observed")
    if rows:
        create_table_artifact(
            rows, key=artifact_key("host-audit", run.scope, "changes"), description=f"Changes of run {run.id[:12]}"
        )
