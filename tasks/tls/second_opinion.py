"""Which names of a round SSL Labs is asked about as well, and its answers as evidence of the round."""

import json
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from estate.errors import OutOfScope
from estate.evidence import Evidence
from estate.scope import Scope
from estate.store.runs import evidence_of, shards_of
from estate.tls.shard import Endpoint, TlsShard
from estate.tls.ssllabs import MEDIA, PORT, secret_because
from tasks.names import resolve
from tasks.rounds import Round, store
from tasks.tls.ssllabs import SslLabs

Resolve = Callable[[str], Sequence[str]]


def names_to_ask(scope: Scope, endpoints: Sequence[Endpoint], resolver: Resolve = resolve) -> dict[str, str]:
    """The names of these endpoints, each with why it is never sent, or with nothing where it may be."""
    asked = {one.name: one for one in endpoints if one.name and one.port == PORT and one.starttls is None}
    return {name: may_not_ask(scope, name, resolver) for name in sorted(asked)}


def may_not_ask(scope: Scope | None, name: str, resolver: Resolve = resolve) -> str:
    """Why SSL Labs is not asked about a name now; empty where it may be.

    The scope has to list the name itself, and to admit whatever it resolves to: SSL Labs looks there in our stead.
    """
    if scope is None or name not in scope.names:
        return f"scope {scope.name!r} does not list the name {name}" if scope else "the round has no scope"
    addresses = tuple(resolver(name))
    why = secret_because(name, addresses)
    if why:
        return why
    try:
        scope.admit_name(name, addresses, datetime.now(UTC))
    except OutOfScope as error:
        return str(error)
    return ""


def ask_ssllabs(round_: Round, resolver: Resolve = resolve) -> int:
    """Ask about each name once, and keep the answer with every shard that has endpoints of it.

    Returns:
        How many names were asked about.
    """
    from blocks.ssllabs import registered_email  # noqa: PLC0415  # a Prefect block, for who wants a second opinion

    settings = round_.here.manifest.ssllabs
    until = time.monotonic() + 60 * settings.patience_minutes
    api = SslLabs(settings.url, registered_email(settings), settings.max_age_hours, until, round_.making.stop)
    kept = evidence_of(round_.here.database, round_.seq)
    answers: dict[str, Evidence] = {}
    with TemporaryDirectory(prefix="roundsman-") as folder:
        for shard in shards_of(round_.here.database, round_.seq):
            plan: TlsShard = round_.plan_of(shard.plan)
            if any(row.media == MEDIA for row in kept.get(shard.number, ())):
                continue
            for name in plan.second:
                round_.making.check()
                if name not in answers:
                    why = may_not_ask(round_.scope, name, resolver)
                    answers[name] = _unsent(name, why, Path(folder)) if why else api.ask(name, Path(folder))
                store(round_, shard.number, 0, answers[name])
    return len(answers)


def _unsent(name: str, why: str, folder: Path) -> Evidence:
    path = folder / f"unsent-{len(list(folder.iterdir()))}.json"
    path.write_text(json.dumps({"asked": name, "failed": f"not sent: {why}"[:900], "report": None}), "utf-8")
    return Evidence(MEDIA, path)
