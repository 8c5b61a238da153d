"""`init`, `doctor`, `prune`: set up, check and tidy this machine."""

import getpass
import json
import socket
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from blocks.surroundings import open_here
from deployments.command.options import EstateFile, Json, now, read_past
from deployments.command.printing import counted, hint, print_object, safe, show
from deployments.command.tables import plain_table
from estate.errors import BadInput, OutOfScope
from estate.manifest import load_manifest, starter_manifest
from estate.scope.words import read_plain
from estate.store.documents import iso
from estate.store.personal import forget_personal
from estate.store.retention import prune as prune_evidence
from estate.store.surroundings import ESTATE_FILE, Surroundings

_PRECEDENCE = (BadInput.exit_code, OutOfScope.exit_code)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(init)
    app.command()(doctor)
    app.command()(prune)


def init(
    own_addresses: Annotated[
        bool, typer.Option("--own-addresses", help="Also put this machine's own addresses into the scope.")
    ] = False,
    authorised_by: Annotated[
        str | None, typer.Option("--authorised-by", help="Who signs the scope off; you, if nobody is named.")
    ] = None,
    path: Annotated[Path, typer.Option("--path", help="Where to write it.")] = Path(ESTATE_FILE),
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
) -> None:
    """Write a commented estate.toml for this machine."""
    text = starter_manifest(
        socket.gethostname(),
        getpass.getuser() if authorised_by is None else _signature(authorised_by),
        _own_addresses() if own_addresses else (),
        ipv6=_has_ipv6(),
    )
    scope = load_manifest(text, str(path)).scopes[0]
    try:
        with path.open("w" if force else "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise BadInput(f"{path} is there already; --force writes over it") from None
    except OSError as error:
        raise BadInput(f"{path} cannot be written: {error.strerror}") from None
    networks = ", ".join(str(network) for network in scope.networks)
    show(safe(f"Wrote {path}: scope {scope.name}, {networks}, authorised by {scope.authorised_by}.", 600))
    hint("next: `roundsman scan`")


def _signature(text: str) -> str:
    try:
        return read_plain(text)
    except BadInput as error:
        raise BadInput(f"--authorised-by {error}") from None


def _own_addresses() -> tuple[str, ...]:
    """The addresses of this machine's interfaces, as the kernel lists them."""
    import subprocess  # only here

    try:
        listed = subprocess.run(
            ["ip", "-json", "address", "show", "up"], capture_output=True, check=True, timeout=10, text=True
        )
        return tuple(
            address["local"]
            for interface in json.loads(listed.stdout)
            for address in interface.get("addr_info", ())
            if address.get("scope") == "global"
        )
    except (OSError, ValueError, KeyError, subprocess.SubprocessError) as error:
        raise BadInput(f"this machine's addresses cannot be listed with `ip`: {error}") from None


def _has_ipv6() -> bool:
    """Whether ::1 is there to be asked."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


def doctor(as_json: Json = False, estate: EstateFile = None) -> int:
    """Check tools, rights and settings; nothing is sent to targets."""
    from deployments.command.checks import check_everything  # what starts scanners is loaded only here

    checks = check_everything(estate)
    if as_json:
        print_object({"ok": all(check.ok for check in checks)}, {"doctor": [check.to_object() for check in checks]})
    else:
        table = plain_table(("", "what"), ("",))
        for check in checks:
            mark = "[green]ok[/]" if check.ok else "[bold red]fails[/]" if check.needed else "[yellow]note[/]"
            table.add_row(mark, safe(check.name), Text("\n").join(safe(line, 500) for line in check.told.splitlines()))
        show(table)
    failed = {check.code for check in checks if check.needed and not check.ok}
    return next((code for code in _PRECEDENCE if code in failed), max(failed, default=0))


def prune(
    before: Annotated[
        str | None,
        typer.Option("--before", help="Forget evidence older than this (400d, 2026-01-01), not evidence_days."),
    ] = None,
    runs_before: Annotated[
        str | None, typer.Option("--runs-before", help="Forget coverage older than this as well, not runs_days.")
    ] = None,
    personal: Annotated[
        bool, typer.Option("--personal", help="Forget what host audits knew of people instead, by personal_days.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    as_json: Json = False,
    estate: EstateFile = None,
) -> None:
    """Forget old evidence; with --personal, what tells of people.

    Else facts, changes and findings stay for ever.
    """
    here = open_here(estate)
    retention = here.manifest.retention
    if personal:
        if runs_before is not None:
            raise BadInput("--runs-before and --personal do not go together")
        _prune_personal(here, _limit(before, retention.personal_days, "--before"), dry_run=dry_run, as_json=as_json)
        return
    limit = _limit(before, retention.evidence_days, "--before")
    runs_limit = _limit(runs_before, retention.runs_days, "--runs-before")
    if limit is None and runs_limit is None:
        raise BadInput("nothing says how long evidence is kept: set [retention] evidence_days, or say --before")
    pruned = prune_evidence(here.database, here.evidence, limit, now(), dry=dry_run, forget_before=runs_limit)
    if as_json:
        head = {"before": _iso(limit), "runs_before": _iso(runs_limit), "dry_run": dry_run}
        print_object({**head, **asdict(pruned)}, {})
        return
    verb = "would be removed" if dry_run else "removed"
    told = f"{counted(pruned.documents, 'document')} ({pruned.bytes:,} bytes uncompressed) of"
    show(f"{told} {counted(pruned.runs, 'run')} {verb}; {counted(pruned.maps, 'unused coverage map')} too.")
    if runs_limit is not None:
        show(f"Of {counted(pruned.forgotten, 'run')} only the outcome {'would be' if dry_run else 'is'} left.")


def _prune_personal(here: Surroundings, limit: datetime | None, *, dry_run: bool, as_json: bool) -> None:
    if limit is None:
        raise BadInput("nothing says how long it is kept: set [retention] personal_days, or say --before")
    gone = forget_personal(here.database, here.evidence, limit, now(), dry=dry_run)
    if as_json:
        print_object({"personal": True, "before": _iso(limit), "dry_run": dry_run, **asdict(gone)}, {})
        return
    told = f"{counted(gone.documents, 'document')}, {counted(gone.facts, 'past state')}, "
    told += f"{counted(gone.changes, 'change')} and {counted(gone.findings, 'solved finding')}"
    show(f"{told} {'would be' if dry_run else 'were'} removed; what is there today stays known.")


def _limit(said: str | None, days: int | None, option: str) -> datetime | None:
    if said is None and days is None:
        return None
    return read_past(said if said is not None else f"{days}d", now(), option)


def _iso(moment: datetime | None) -> str | None:
    return iso(moment) if moment else None
