"""What tests of visits ask for: a visit that is read back, and an ssh server that behaves as told."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

import asyncssh
import pytest

from estate.evidence import Evidence
from estate.hosts.evidence import read_collected, read_visit
from estate.hosts.frames import Collected
from estate.hosts.host import Visit
from estate.hosts.shard import Target
from tasks.hosts import collector as collector_parts
from tasks.hosts.visit import visit


@dataclass(frozen=True)
class Visited:
    """One visit with what it says."""

    evidence: Evidence
    told: Visit
    collected: Collected

    @property
    def who(self) -> dict[str, str]:
        """The collector's first section."""
        lines = self.collected.sections["who"].body.decode().splitlines()
        return dict(line.split("=", 1) for line in lines if "=" in line)


@pytest.fixture
def visited(tmp_path: Path) -> Callable[..., Visited]:
    """Visit a target, and read the evidence as a shard does."""
    folder = tmp_path / "visits"
    folder.mkdir()

    def go(target: Target, deadline: float = 60, cancelled: threading.Event | None = None) -> Visited:
        evidence = visit(target, folder, deadline=deadline, cancelled=cancelled)
        assert evidence.media == "host"
        with ExitStack() as opened:
            told = read_visit(opened.enter_context(evidence.path.open("rb")))
            output = opened.enter_context(evidence.companion.open("rb")) if evidence.companion else None
            return Visited(evidence, told, read_collected(output, told.nonce))

    return go


@pytest.fixture(scope="module")
def small_collector() -> Iterator[bytes]:
    """The collector without what takes it long on a large machine: who asks, and that this was all."""
    parts = Path(collector_parts.__file__).parent
    nothing = "".join(f"{group}_sections() {{ :; }}\n" for group in ("packages", "privilege", "access", "hardening"))
    script = b"#!/bin/sh\n" + (parts / "head.sh").read_bytes() + nothing.encode() + (parts / "tail.sh").read_bytes()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tasks.hosts.visit.collector", lambda: script)
        for module in ("shell_line", "setup"):
            patch.setattr(f"tasks.hosts.{module}.digest", lambda: sha256(script).hexdigest())
        yield script


T = TypeVar("T")
Handler = Callable[[asyncssh.SSHServerProcess[bytes]], Awaitable[None]]


async def runs_it(process: asyncssh.SSHServerProcess[bytes]) -> None:
    """What sshd does: the command runs in a shell."""
    shell = await asyncio.create_subprocess_exec(
        *("/bin/sh", "-c", process.command or ""),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    stdout, stderr = await shell.communicate(await process.stdin.read())
    process.stdout.write(stdout)
    process.stderr.write(stderr)
    process.exit(shell.returncode or 0)


class Door(asyncssh.SSHServer):
    """One connection's way in."""

    def __init__(self, servers: "SshServers", banner: str) -> None:
        self.servers = servers
        self.banner = banner

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self.connection = conn
        self.servers.connections += 1

    def begin_auth(self, username: str) -> bool:
        if self.banner:
            self.connection.send_auth_banner(self.banner)
        return True


class SshServers:
    """Servers on loopback in a thread of their own, with the files by which a client trusts them and is trusted."""

    runs_it = staticmethod(runs_it)

    def __init__(self, folder: Path, loop: asyncio.AbstractEventLoop) -> None:
        self.folder = folder
        self.connections = 0
        self._loop = loop
        self._open: list[asyncssh.SSHAcceptor | asyncio.Server] = []
        self.host_key = asyncssh.generate_private_key("ssh-ed25519")
        client_key = asyncssh.generate_private_key("ssh-ed25519")
        client_key.write_private_key(folder / "id")
        (folder / "id").chmod(0o600)
        client_key.write_public_key(folder / "authorized_keys")
        (folder / "config").write_text("")

    def target(self, port: int, **changed: object) -> Target:
        """A target that trusts the servers' key at this port."""
        line = self.host_key.export_public_key().decode()
        with (self.folder / "known_hosts").open("a") as known:
            known.write(f"[127.0.0.1]:{port} {line}")
        told: dict[str, object] = {
            "address": "127.0.0.1",
            "port": port,
            "user": "scan",
            "identity": str(self.folder / "id"),
            "known_hosts": str(self.folder / "known_hosts"),
            "config": str(self.folder / "config"),
        }
        return Target("h", "ssh", **{**told, **changed})  # type: ignore[arg-type]  # named as they are

    def start(self, handler: Handler = runs_it, banner: str = "", **options: object) -> Target:
        """A server whose commands are handled so."""

        async def listen() -> asyncssh.SSHAcceptor:
            told: dict[str, object] = {
                "server_host_keys": [self.host_key],
                "authorized_client_keys": str(self.folder / "authorized_keys"),
                "server_factory": lambda: Door(self, banner),
                "process_factory": handler,
                "encoding": None,
                "login_timeout": 60,
            }
            return await asyncssh.listen("127.0.0.1", 0, **{**told, **options})

        acceptor = self.run(listen())
        self._open.append(acceptor)
        return self.target(acceptor.get_port())

    def start_plain(self, handler: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]) -> Target:
        """A server that may not speak ssh at all."""
        server = self.run(asyncio.start_server(handler, "127.0.0.1", 0))
        self._open.append(server)
        return self.target(server.sockets[0].getsockname()[1])

    def run(self, wanted: Coroutine[None, None, T]) -> T:
        """Do something in the servers' thread."""
        return asyncio.run_coroutine_threadsafe(wanted, self._loop).result(30)

    def close(self) -> None:
        """Stop listening, and let go of whoever is still connected."""
        for one in self._open:
            self._loop.call_soon_threadsafe(one.close)
        self.run(_end_others())


async def _end_others() -> None:
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    # What they closed is let go of in the loop's next rounds.
    await asyncio.sleep(0.05)


@pytest.fixture
def ssh(tmp_path: Path) -> Iterator[SshServers]:
    """Servers in this process, to which the real client connects."""
    folder = tmp_path / "ssh"
    folder.mkdir()
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    servers = SshServers(folder, loop)
    try:
        yield servers
    finally:
        servers.close()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
