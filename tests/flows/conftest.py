"""What tests of flows may ask for: one Prefect server, our command as operators run it, and a lab that reaches both."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from infra.lab.namespaces import Namespace
from infra.lab.network import OnLinkLab

CHECKOUT = Path(__file__).parents[2]
# What the command would set by itself, and no traffic that a test does not look at.
_CALM = {
    "PREFECT_LOGGING_LEVEL": "CRITICAL",
    "PREFECT_LOGGING_TO_API_ENABLED": "false",
    "PREFECT_SERVER_LOGGING_LEVEL": "ERROR",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_CLIENT_RETRY_EXTRA_CODES": "500",
}


@dataclass(frozen=True, slots=True)
class Ran:
    """A command that ended."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> dict[str, Any]:
        """The one object that `--json` prints."""
        found: dict[str, Any] = json.loads(self.out)
        return found

    @property
    def changes(self) -> set[tuple[str, str, str, str]]:
        """(kind, certainty, asset, key) of each change."""
        return {(one["kind"], one["certainty"], one["asset"], one["key"]) for one in self.said["changes"]}

    @property
    def kinds(self) -> set[str]:
        """The kinds of change."""
        return {kind for kind, *_ in self.changes}


@dataclass(slots=True)
class Running:
    """A command that runs in a process of its own."""

    pid: int
    _connection: socket.socket
    _out: Path
    _err: Path

    def signal(self, number: int) -> None:
        """Send it a signal."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def wait(self, seconds: float = 120) -> Ran:
        """Wait for its end, and end it by force where it does not come."""
        self._connection.settimeout(seconds)
        try:
            code = int(self._connection.recv(32))
        except TimeoutError:
            self.signal(signal.SIGKILL)
            raise
        finally:
            self._connection.close()
        return Ran(code, self._out.read_text(), self._err.read_text())


@dataclass(slots=True)
class Roundsman:
    """The command, in one home with one estate.toml, on this machine or inside a lab."""

    folder: Path
    server: Path
    namespace: str | None = None
    environment: dict[str, str] = field(default_factory=dict)
    covered: dict[str, str] = field(default_factory=dict)
    _count: int = 0

    def describes(self, estate: str) -> None:
        """Write estate.toml."""
        (self.folder / "estate.toml").write_text(estate)

    def start(self, *arguments: str) -> Running:
        """Start the command."""
        self._count += 1
        out, err = self.folder / f"{self._count}.out", self.folder / f"{self._count}.err"
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(str(self.server))
        order = {
            "arguments": arguments,
            "environment": {"ROUNDSMAN_HOME": str(self.folder / "home"), **self.environment},
            "folder": str(self.folder),
            "namespace": self.namespace,
            "covered": self.covered,
            "out": str(out),
            "err": str(err),
        }
        connection.sendall(json.dumps(order).encode() + b"\n")
        return Running(int(connection.recv(32)), connection, out, err)

    def run(self, *arguments: str) -> Ran:
        """Run the command to its end."""
        return self.start(*arguments).wait()

    def flow(self, **parameters: object) -> str:
        """Run the flow as a worker does, and give the id of its run."""
        return self.run("flow", json.dumps(parameters)).out

    def scan(self, *arguments: str) -> Ran:
        """Scan the ports, and be told in JSON."""
        return self.run("scan", "ports", "--json", *arguments)


@dataclass(frozen=True, slots=True)
class Wire:
    """Counts what arrives at a namespace's end of the wire, whoever sent it and however: nothing is too raw."""

    namespace: Namespace
    interface: str

    def watch(self, **rules: str) -> None:
        """Begin to count what these nft rules match, each under its name."""
        counted = "\n".join(f"{rule} counter name {name}" for name, rule in rules.items())
        counters = "\n".join(f"counter {name} {{ }}" for name in rules)
        hook = f'type filter hook ingress device "{self.interface}" priority -10;'
        self.namespace.must(
            ("nft", "-f", "-"), stdin=f"table netdev watch {{ {counters}\nchain seen {{ {hook}\n{counted}\n}}\n}}\n"
        )

    def packets(self, name: str) -> int:
        """How many so far."""
        told = self.namespace.must(("nft", "list", "counter", "netdev", "watch", name))
        return int(told.partition("packets ")[2].split()[0])


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def _started(argv: Sequence[str], environment: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that ends with the block, with all that it started."""
    with log.open("wb") as said:
        process = subprocess.Popen(
            argv,
            cwd=CHECKOUT,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.fixture(scope="session")
def prefect_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The API's address of a real Prefect server."""
    folder = tmp_path_factory.mktemp("prefect")
    port = _free_port()
    url = f"http://127.0.0.1:{port}/api"
    environment = {**_CALM, "PREFECT_HOME": str(folder), "PREFECT_SERVER_UI_API_URL": url}
    environment["PREFECT_SERVER_UI_V2_ENABLED"] = "false"
    argv = (sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port))
    with _started(argv, environment, folder / "server.log") as process:
        deadline = time.monotonic() + 180
        while process.poll() is None and time.monotonic() < deadline:
            with suppress(OSError), urllib.request.urlopen(f"{url}/health", timeout=5) as answer:
                if answer.status == 200:
                    break
            time.sleep(0.2)
        else:
            raise AssertionError((folder / "server.log").read_text())
        yield url


@pytest.fixture(scope="session")
def command_server(prefect_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The Unix socket of `command_server.py`, whose commands talk to the Prefect server."""
    folder = tmp_path_factory.mktemp("command")
    path = folder / "socket"
    environment = {**_CALM, "PREFECT_HOME": str(folder), "PREFECT_API_URL": prefect_server}
    environment["PYTHONPATH"] = str(CHECKOUT)
    argv = (sys.executable, str(Path(__file__).with_name("command_server.py")), str(path))
    with _started(argv, environment, folder / "log") as process:
        deadline = time.monotonic() + 60
        while not path.exists():
            assert process.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield path


@pytest.fixture
def roundsman(command_server: Path, tmp_path: Path) -> Roundsman:
    """The command on this machine, in a home of its own."""
    return Roundsman(tmp_path, command_server)


@pytest.fixture
def roundsman_in(
    command_server: Path, prefect_server: str, tmp_path: Path
) -> Callable[[Namespace], AbstractContextManager[Roundsman]]:
    """The command where a lab's scanner is, in a home of its own."""

    @contextmanager
    def inside(namespace: Namespace) -> Iterator[Roundsman]:
        with reachable(prefect_server, namespace):
            yield Roundsman(tmp_path, command_server, namespace.name)

    return inside


@pytest.fixture
def lab_roundsman(
    roundsman_in: Callable[[Namespace], AbstractContextManager[Roundsman]], onlink_lab: OnLinkLab
) -> Iterator[Roundsman]:
    """The command where the on-link lab's scanner is."""
    with roundsman_in(onlink_lab.scanner) as roundsman:
        yield roundsman


@contextmanager
def reachable(url: str, namespace: Namespace) -> Iterator[None]:
    """Let the namespace reach our loopback's Prefect server at the same address: a socket stays where it was made."""
    port = int(url.rpartition(":")[2].partition("/")[0])
    with namespace.inside():
        listener = socket.create_server(("127.0.0.1", port))
    thread = threading.Thread(target=_relay, args=(listener, port), daemon=True)
    thread.start()
    try:
        yield
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
        listener.close()


def _relay(listener: socket.socket, port: int) -> None:
    with suppress(OSError):
        while True:
            near, _ = listener.accept()
            far = socket.create_connection(("127.0.0.1", port))
            for source, target in ((near, far), (far, near)):
                threading.Thread(target=_pump, args=(source, target), daemon=True).start()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError), closing(target):
        while data := source.recv(65536):
            target.sendall(data)


@pytest.fixture
def wire(onlink_lab: OnLinkLab) -> Wire:
    """The lab's wire, where all its hosts are."""
    return Wire(onlink_lab.target, onlink_lab.interface)
