"""`init`, `doctor`, `prune`: set up, check and tidy this machine."""

import getpass
import json
import socket
import subprocess
from pathlib import Path
from typing import Annotated

import typer

from blocks.surroundings import open_here
from deployments.command.checks import check_everything
from deployments.command.options import EstateFile, Json, now, read_moment
from deployments.command.printing import console, print_object, safe
from estate.errors import BadInput
from estate.manifest import load_manifest, starter_manifest
from estate.store.retention import prune as prune_evidence
from estate.store.surroundings import ESTATE_FILE


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(init)
    app.command()(doctor)
    app.command()(prune)


def init(
    own_addresses: Annotated[
        bool, typer.Option("--own-addresses", help="Also put this machine's own addresses into the scope.")
    ] = False,
    authorised_by: Annotated[str | None, typer.Option("--authorised-by", help="Who signs the scope off.")] = None,
    path: Annotated[Path, typer.Option("--path", help="Where to write it.")] = Path(ESTATE_FILE),
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
) -> None:
    """Write an estate.toml for this machine, with every setting explained."""
    if path.exists() and not force:
        raise BadInput(f"{path} is there already; --force writes over it")
    text = starter_manifest(
        socket.gethostname(),
        authorised_by or getpass.getuser(),
        _own_addresses() if own_addresses else (),
        ipv6=_has_ipv6(),
    )
    manifest = load_manifest(text, str(path))
    path.write_text(text, encoding="utf-8")
    scope = manifest.scopes[0]
    networks = ", ".join(str(network) for network in scope.networks)
    console().print(safe(f"Wrote {path}: scope {scope.name}, {networks}, authorised by {scope.authorised_by}.", 300))


def _own_addresses() -> tuple[str, ...]:
    """The addresses of this machine's interfaces, as the kernel lists them."""
    try:
        listed = subprocess.run(
            ["ip", "-json", "address", "show", "up"], capture_output=True, check=True, timeout=10, text=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise BadInput(f"this machine's addresses cannot be listed with `ip`: {error}") from None
    return tuple(
        address["local"]
        for interface in json.loads(listed.stdout)
        for address in interface.get("addr_info", ())
        if address.get("scope") == "global"
    )


def _has_ipv6() -> bool:
    """Whether ::1 is there to be asked."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


def doctor(as_json: Json = False, estate: EstateFile = None) -> int:
    """Check tools, rights, settings and their drift; nothing is sent to any target."""
    checks = check_everything(estate)
    if as_json:
        print_object({"ok": all(check.ok for check in checks)}, {"checks": [check.to_object() for check in checks]})
    else:
        out = console()
        for check in checks:
            mark = "[green]ok  [/]" if check.ok else "[red]look[/]"
            out.print(mark, safe(f"{check.name}: {check.told}", 400))
    return 0 if all(check.ok or not check.needed for check in checks) else 3


def prune(
    before: Annotated[
        str | None, typer.Option("--before", help="Forget evidence older than this (400d, 2026-01-01).")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    as_json: Json = False,
    estate: EstateFile = None,
) -> None:
    """Forget evidence that is older than the retention says; facts, changes and coverage stay."""
    here = open_here(estate)
    days = here.manifest.retention.evidence_days
    if before is None and days is None:
        raise BadInput("nothing says how long evidence is kept: set [retention] evidence_days, or say --before")
    limit = read_moment(before or f"{days}d", now(), "--before")
    pruned = prune_evidence(here.database, here.evidence, limit, now(), dry=dry_run)
    if as_json:
        print_object(
            {
                "before": limit.isoformat(),
                "dry_run": dry_run,
                "documents": pruned.documents,
                "bytes": pruned.bytes,
                "runs": pruned.runs,
                "maps": pruned.maps,
            },
            {},
        )
        return
    verb = "would be removed" if dry_run else "removed"
    console().print(
        safe(
            f"{pruned.documents:,} documents ({pruned.bytes:,} bytes uncompressed) of {pruned.runs:,} runs that looked "
            f"before {limit:%Y-%m-%d %H:%M} UTC {verb}; {pruned.maps:,} unused coverage maps too.",
            300,
        )
    )
