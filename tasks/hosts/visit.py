"""Visit one host once: what its collector printed, and how it was reached, as one document of evidence."""

import re
import secrets
import threading
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from signal import SIGXFSZ

from estate.errors import BadInput, CouldNotLook
from estate.evidence import Evidence
from estate.hosts.evidence import spell_visit
from estate.hosts.frames import MOST_BYTES
from estate.hosts.host import Visit
from estate.hosts.shard import Target
from tasks.hosts.collector import collector
from tasks.hosts.docker import Docker
from tasks.hosts.local import Local
from tasks.hosts.openssh import OpenSsh
from tasks.hosts.transport import LONGEST_DETAIL, Came, Errand, Outcome, Transport
from tasks.supervisor import Ended, supervise

_RETRYABLE = frozenset({"unreachable", "timeout"})
_PART = 32_768
"""How much of both ends of a client's log is read."""
_SYSTEM = re.compile(rb"^system=(.*)$", re.MULTILINE)


def visit(target: Target, folder: Path, *, deadline: float, cancelled: threading.Event | None) -> Evidence:
    """Collect from a host, over one connection.

    Args:
        target: the host and the way in.
        folder: where the document is put, under names that nobody else uses.
        deadline: how many seconds the visit may take.
        cancelled: set by another thread to end it.

    Returns:
        Always one document, which says how it went; its companion is what the collector printed, where it did.
    """
    nonce = secrets.token_hex(16)
    told, output = folder / f"{nonce}.json", folder / f"{nonce}.host"
    output.touch()
    transport = transport_to(target)
    begun = Visit(target.asset, datetime.now(UTC), nonce, transport.via)
    errand = Errand(nonce, target.level, deadline, folder / f"{nonce}.log")
    script = folder / f"{nonce}.sh"
    script.write_bytes(collector())
    try:
        ended = supervise(
            transport.command(errand),
            deadline=deadline,
            cancelled=cancelled,
            stdin=script,
            stdout=output,
            most=MOST_BYTES,
            env=transport.environment,
        )
        outcome, why = _judge(transport, errand, ended, output)
    except (BadInput, CouldNotLook) as error:
        outcome, why = Outcome("failed", str(error)[:LONGEST_DETAIL]), "failed"
    finally:
        for left in (script, errand.notes, errand.notes.with_suffix(".config")):
            left.unlink(missing_ok=True)
    told.write_bytes(spell_visit(replace(begun, error=outcome.error, detail=outcome.detail)))
    if outcome.error or not output.stat().st_size:
        output.unlink()
        return Evidence("host", told, ended=why)
    return Evidence("host", told, output, why)


def may_retry(visited: Visit) -> bool:
    """Whether time may heal it: never a refused login or host key, since trying again locks people out."""
    return visited.error in _RETRYABLE


def transport_to(target: Target) -> Transport:
    """The way to a host."""
    match target.via:
        case "local":
            return Local(target.sudo)
        case "docker":
            return Docker(target.container, target.sudo)
        case "ssh":
            return OpenSsh(target)


def _judge(transport: Transport, errand: Errand, ended: Ended, output: Path) -> tuple[Outcome, str]:
    """The visit's outcome, and how its evidence ended."""
    whole = output.read_bytes()
    mark = f"\n@{errand.nonce} ".encode()
    begins = 0 if whole.startswith(mark[1:] + b"B ") else whole.find(mark + b"B ")
    complete = mark + b"Z ok\n" in whole
    notes = b""
    with suppress(OSError):
        notes = errand.notes.read_bytes()
    if len(notes) > 2 * _PART:
        notes = notes[:_PART] + b"\n" + notes[-_PART:]
    came = Came(ended, begins >= 0, whole[:4_096].decode("utf-8", "replace"), notes.decode("utf-8", "replace"))
    outcome = transport.explain(came)
    why = "" if complete else "too-large" if len(whole) >= MOST_BYTES else ended.reason or "truncated"
    if outcome.error == "not-covered":
        return outcome, why
    if begins < 0 and ended.why:
        return Outcome("timeout" if ended.why == "deadline" else "cancelled", outcome.detail), ended.why
    if begins < 0 and (ended.signal == SIGXFSZ or len(whole) >= MOST_BYTES):
        return Outcome("refused", f"it printed {MOST_BYTES:,} bytes and more, and nothing of the collector's"), why
    system = _SYSTEM.search(whole, begins, begins + 4_096) if begins >= 0 else None
    if system is not None and system[1].strip() not in {b"", b"Linux"}:
        named = system[1].decode("ascii", "replace")[:100]
        return Outcome("not-covered", f"not a Linux host, but {named!r}"), why
    return outcome, why
