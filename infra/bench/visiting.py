"""Fifty hosts audited at once over loopback: hosts per second against what plain ssh reaches on the same machine."""

import shlex
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from io import BytesIO
from os import cpu_count
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from socket import create_server
from statistics import median
from tempfile import mkdtemp
from threading import Event

from estate.hosts.evidence import read_collected, read_visit
from estate.hosts.shard import HostShard, Target
from infra.bench.measuring import Failed, Figure
from infra.lab.hosts import LabHost, lab_host
from tasks.hosts.asker import AT_ONCE, HostAsker
from tasks.hosts.collector import collector

_OF_NOTHING = 0.5
_OF_THE_SAME = 0.7
_MOST_ADDRESSES = 16
"""Of one sshd, whose MAX_LISTEN_SOCKS it is."""
_NONCE = "0123456789abcdef" * 2
_TRUE = ("true",)
_PIPE = ("sh", "-s", "--", _NONCE)
# A server that stands for several hosts; who logs in lands in the lab host.
_SETTINGS = """\
{listen}
HostKey {folder}/host
AuthorizedKeysFile {folder}/id.pub
PermitRootLogin prohibit-password
StrictModes no
UsePAM no
UseDNS no
PidFile none
MaxStartups 200
ForceCommand exec {inside} /bin/sh -c "$SSH_ORIGINAL_COMMAND"
"""
_WITH_US = ("setpriv", "--pdeathsig", "TERM")
# It wants a folder of its own in /run, which not every machine has.
_START = 'mount -t tmpfs run /run && mkdir -m 755 /run/sshd && exec "$(command -v sshd)" -D -e -f "$1"'


def visiting(folder: Path, *, quick: bool) -> Iterator[Figure]:
    """Audit a small host and a plain Debian at many addresses, beside plain ssh clients that do nothing or the same."""
    many, turns = (12, 1) if quick else (50, 3)
    (folder / "collector").write_bytes(collector())
    for name in ("host", "id"):
        keygen = ("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name))
        subprocess.run(keygen, check=True, timeout=60)
    with lab_host("busybox") as host, _served(host, folder, many) as targets:
        alone = _seconds(lambda: _audit(targets[:1], folder))
        true, ours = _in_turns(turns, lambda: _plain(targets, folder, _TRUE), lambda: _audit(targets, folder))
        yield Figure(
            f"{many} small hosts at once, audited per second ÷ plain `ssh host true`",
            true / ours,
            _OF_NOTHING,
            f"{many / ours:.1f} and {many / true:.1f} a second; one alone {alone:.1f} s; {_cost(host)}",
        )
    # Sixteen times what a Debian's collector takes is minutes of our few processors: once is enough.
    few = min(many, AT_ONCE)
    with lab_host("clean") as host, _served(host, folder, few) as targets:
        nothing, same, ours = _in_turns(
            1,
            lambda: _plain(targets, folder, _TRUE),
            lambda: _plain(targets, folder, _PIPE),
            lambda: _audit(targets, folder),
        )
        yield Figure(
            f"{few} Debian hosts at once, audited per second ÷ plain `ssh host sh -s <collector`",
            same / ours,
            _OF_THE_SAME,
            f"{few / ours:.1f} and {few / same:.1f} a second ({few / nothing:.1f} of `true`); {_cost(host)}",
        )


@contextmanager
def _served(host: LabHost, folder: Path, many: int) -> Iterator[tuple[Target, ...]]:
    """The host behind many addresses."""
    with create_server(("127.0.1.1", 0)) as chosen:
        port = int(chosen.getsockname()[1])
    addresses = [f"127.0.1.{number}" for number in range(1, many + 1)]
    key = (folder / "host.pub").read_text()
    (folder / "known_hosts").write_text("".join(f"[{address}]:{port} {key}" for address in addresses))
    with ExitStack() as servers:
        for first in range(0, many, _MOST_ADDRESSES):
            servers.enter_context(_server(host, folder, port, addresses[first : first + _MOST_ADDRESSES]))
        yield tuple(
            Target(
                address,
                "ssh",
                address=address,
                port=port,
                user="root",
                identity=str(folder / "id"),
                known_hosts=str(folder / "known_hosts"),
                config="/dev/null",
            )
            for address in addresses
        )


@contextmanager
def _server(host: LabHost, folder: Path, port: int, addresses: Sequence[str]) -> Iterator[None]:
    listen = "\n".join((f"Port {port}", *(f"ListenAddress {address}" for address in addresses)))
    settings, log = folder / f"sshd_config.{addresses[0]}", folder / f"sshd_log.{addresses[0]}"
    settings.write_text(_SETTINGS.format(listen=listen, folder=folder, inside=shlex.join(host.command(()))))
    argv = (*_WITH_US, "unshare", "--mount", "--propagation", "private", "sh", "-c", _START, "sh", str(settings))
    with log.open("wb") as said, subprocess.Popen(argv, stderr=said) as server:
        try:
            until = time.monotonic() + 30
            while log.read_text().count("Server listening") < len(addresses):
                if server.poll() is not None or time.monotonic() > until:
                    raise Failed(f"sshd does not listen: {log.read_text()}")
                time.sleep(0.05)
            yield
        finally:
            server.terminate()


def _audit(targets: Sequence[Target], folder: Path) -> None:
    """Visit every host as an audit does; all must be complete."""
    shard = HostShard(tuple(targets))
    for evidence in HostAsker(None, Event()).ask(shard, Path(mkdtemp(dir=folder)), lambda _share: None):
        visit = read_visit(BytesIO(evidence.path.read_bytes()))
        output = evidence.companion.read_bytes() if evidence.companion is not None else b""
        if not read_collected(BytesIO(output), visit.nonce).complete:
            raise Failed(f"{visit.asset}: {visit.error or evidence.ended} {visit.detail}")


def _plain(targets: Sequence[Target], folder: Path, command: tuple[str, ...]) -> None:
    """Run a command on every host by plain ssh clients, as many at once as an audit has."""

    def run(target: Target) -> None:
        options = (
            "-F",
            "none",
            "-i",
            target.identity,
            "-o",
            f"UserKnownHostsFile={target.known_hosts}",
            "-o",
            "BatchMode=yes",
        )
        argv = ("ssh", *options, "-p", str(target.port), f"{target.user}@{target.address}", *command)
        with (folder / "collector").open("rb") as script:
            done = subprocess.run(argv, stdin=script, capture_output=True, check=False, timeout=600)
        if done.returncode:
            raise Failed(
                f"ssh to {target.address} ended with {done.returncode}: {done.stderr.decode(errors='replace')}"
            )

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(run, targets))


def _in_turns(turns: int, *works: Callable[[], object]) -> list[float]:
    """The median seconds of each; in turns, so that what else this machine does weighs on all alike."""
    took = [[_seconds(work) for work in works] for _ in range(turns)]
    return [median(each) for each in zip(*took, strict=True)]


def _cost(host: LabHost) -> str:
    before = getrusage(RUSAGE_CHILDREN)
    host.run(_PIPE, stdin=collector())
    after = getrusage(RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return (
        f"the collector alone takes {seconds:.2f} s of one of the {cpu_count()} processors that hosts and audit share"
    )


def _seconds(work: Callable[[], object]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began
