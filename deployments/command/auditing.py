"""`audit` and `host-setup`: one host from inside, no estate needed, and what a host needs to be audited in full."""

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from blocks.surroundings import open_here
from deployments.command.leaving import leaving_at_once
from deployments.command.options import EstateFile, FailOn, FailOnOption, Json, now
from deployments.command.outcome import tell
from deployments.command.permission import addresses_of, permit
from deployments.command.printing import reader_may_leave
from estate.assets import canonical_address, canonical_target
from estate.errors import BadInput, BadTarget
from estate.store.runs import run_named
from estate.store.surroundings import Surroundings
from estate.store.tables import Run

if TYPE_CHECKING:
    from estate.hosts.shard import Target

_WAY = re.compile(
    r"ssh://(?:(?P<user>[A-Za-z_][A-Za-z0-9_.-]{0,63})@)?"
    r"(?P<host>\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._-]{1,253})(?::(?P<port>[0-9]{1,5}))?/?\Z"
)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(audit)
    app.command("host-setup")(host_setup)


def audit(
    where: Annotated[str, typer.Argument(help="local, or ssh://USER@HOST[:PORT].")],
    identity: Annotated[Path | None, typer.Option("--identity", help="The private key's file.")] = None,
    known_hosts: Annotated[
        Path | None, typer.Option("--known-hosts", help="Host keys to believe, instead of your own known_hosts.")
    ] = None,
    config: Annotated[Path | None, typer.Option("--config", help="An ssh_config file: jump hosts and such.")] = None,
    sudo: Annotated[
        str, typer.Option("--sudo", help="no, pinned (the collector that sudoers names) or full (a root shell).")
    ] = "no",
    i_may_scan_this: Annotated[
        bool, typer.Option("--i-may-scan-this", help="Say so where no scope covers it; kept with your name.")
    ] = False,
    fail_on: FailOnOption = FailOn.NEVER,
    as_json: Json = False,
    estate: EstateFile = None,
) -> int:
    """Audit one host: packages, accounts and settings; read only.

    Keys, sudo and SUID files are among it.
    """
    from estate.hosts.shard import Target

    if sudo not in {"no", "pinned", "full"}:
        raise BadInput(f"--sudo {sudo[:20]!r}: it is no, pinned or full")
    here = open_here(estate)
    files = {"identity": identity, "known_hosts": known_hosts, "config": config}
    paths = {name: _file(name, path) for name, path in files.items()}
    if where == "local":
        from tasks.hosts.rounds import this_machine

        if any(paths.values()):
            raise BadInput("--identity, --known-hosts and --config belong to ssh://…, not to local")
        machine = this_machine(here, here.default_zone or "default")
        targets = [Target(machine.asset, "local", sudo=sudo)]  # type: ignore[arg-type]  # one of the three
    else:
        user, host, port = read_way(where)
        addresses = (host,) if canonical_address(host) else addresses_of(host)
        permit(here, host, addresses, said=i_may_scan_this, may_ask=not as_json)
        asset = here.manifest.declared.asset_for(host, here.default_zone or "default").key
        targets = [
            Target(asset, "ssh", host, address, port, user, sudo, **paths)  # type: ignore[arg-type]  # as above
            for address in addresses
        ]
    return tell(here, _visit(here, targets), as_json=as_json, fail_on=fail_on)


def host_setup(
    user: Annotated[str, typer.Option("--user", help="Who logs in on the host.")] = "roundsman",
    key: Annotated[Path | None, typer.Option("--key", help="The scanner's public key, such as id_ed25519.pub.")] = None,
    sources: Annotated[
        list[str] | None, typer.Option("--from", help="An address or network that the scanner comes from; repeat.")
    ] = None,
    cloud: Annotated[
        bool, typer.Option("--cloud", help="Let the pinned collector ask the cloud's metadata service too.")
    ] = False,
    collector: Annotated[
        bool, typer.Option("--collector", help="Print the collector itself, to be installed on hosts.")
    ] = False,
) -> int:
    """Print what a host needs so that all of it can be seen.

    And what stays out of sight without that.
    """
    from tasks.hosts.collector import collector as script
    from tasks.hosts.setup import host_setup as steps

    try:
        public = key.read_text("utf-8").strip() if key else ""
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"--key: {key} cannot be read: {error}") from None
    told = script() if collector else steps(user, key=public, sources=tuple(sources or ()), cloud=cloud).encode()
    with reader_may_leave():
        sys.stdout.buffer.write(told)
    return 0


def read_way(text: str) -> tuple[str, str, int]:
    """User, host and port of `ssh://USER@HOST[:PORT]`; an empty user and port 0 are left to ssh's configuration.

    Raises:
        BadTarget: it is no such thing.
    """
    matched = _WAY.match(text)
    if matched is None:
        raise BadTarget(f"{text[:80]!r} is neither local nor ssh://USER@HOST[:PORT]")
    port = int(matched["port"] or 0)
    if matched["port"] and not 1 <= port <= 65_535:
        raise BadTarget(f"{matched['port']} is not a port")
    return matched["user"] or "", canonical_target(matched["host"].strip("[]")), port


def _file(name: str, path: Path | None) -> str:
    if path is None:
        return ""
    if not path.is_file():
        raise BadInput(f"--{name.replace('_', '-')}: {path} is not there")
    return str(path.resolve())


def _visit(here: Surroundings, targets: "list[Target]") -> Run:
    """Make the run without Prefect: one host needs no engine, and its answer comes in seconds."""
    from tasks import rounds
    from tasks.hosts.rounds import Ways, open_round

    with leaving_at_once(), open_round(here, None, Ways(tuple(targets)), now()) as round_:
        rounds.ask_shard(round_, 0)
        rounds.settle(round_)
        return run_named(here.database, round_.run.id)
