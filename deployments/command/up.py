"""`up`: Prefect's server, a worker and all deployments on this machine, until somebody presses Ctrl-C."""

import fcntl
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import IO, TYPE_CHECKING, Annotated

import typer

from deployments.command.engine import QUIET, own_home, prepare_prefect
from deployments.command.options import EstateFile, now
from deployments.command.printing import counted, safe, show
from estate.errors import BadInput, CouldNotLook
from estate.manifest import Manifest
from estate.store.database import home
from estate.store.surroundings import find_estate, read_estate

if TYPE_CHECKING:
    from deployments.declaration import Declaration
    from deployments.services import Service

_SERVER = {
    # The newer UI calls an analytics host from the browser, whatever else is set.
    "PREFECT_SERVER_UI_V2_ENABLED": "false",
    "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
    "PREFECT_SERVER_LOGGING_LEVEL": "ERROR",
    "PREFECT_SERVER_DATABASE_TIMEOUT": "60",
    # One by one, as is the default, task runs cost the server five times as much.
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "200",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_READ_BATCH_SIZE": "200",
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_BATCH_SIZE": "200",
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_READ_BATCH_SIZE": "200",
}
_WORKER = {
    "PREFECT_WORKER_QUERY_SECONDS": "2",
    "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",
    "PREFECT_CLIENT_RETRY_EXTRA_CODES": "500",
    # A worker that lost its server must not go on with one of its own.
    "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "false",
}
_LOOK_SECONDS = 1.0
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(up)


def up(
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="The port of the UI on 127.0.0.1.")] = 4200,
    file: Annotated[
        Path | None, typer.Option("--deployments", help="Another file than the prefect.yaml that comes with it.")
    ] = None,
    estate: EstateFile = None,
) -> None:
    """Run server, worker and schedules on this machine; Ctrl-C ends all of it."""
    path = find_estate(estate)
    if path is None:
        raise BadInput("there is no estate.toml here: `roundsman init` writes one")
    manifest = read_estate(path)
    environment = {**QUIET, **own_home(), **os.environ}
    environment |= {"ROUNDSMAN_ESTATE": str(path), "ROUNDSMAN_HOME": str(home().absolute())}
    home().mkdir(parents=True, exist_ok=True)
    prepare_prefect(verbose=False)
    from deployments.declaration import SHIPPED, read_declaration  # two seconds of Prefect

    declaration = read_declaration(file or SHIPPED)
    with (home() / "up.lock").open("a+", encoding="utf-8") as lock:
        if not _is_ours(lock):
            _apply(_running_at(lock), declaration, manifest, path.parent)
            show("It was up already; what it does is now as the files say.")
            return
        with _until_told() as told, ExitStack() as stack:
            try:
                _stand(stack, lock, _Orders(environment, port, declaration, manifest, path.parent), told)
            except KeyboardInterrupt:
                show("Stopping.")
        show("Stopped; nothing is left running.")


class _Orders:
    """What is to be run."""

    def __init__(
        self, environment: Mapping[str, str], port: int, declaration: "Declaration", manifest: Manifest, folder: Path
    ) -> None:
        self.environment = environment
        self.port = port
        self.declaration = declaration
        self.manifest = manifest
        self.folder = folder

    @property
    def pools(self) -> list[str]:
        """Whose rounds are run here."""
        return sorted({each.work_pool.name for each in self.declaration.deployments})


def _stand(stack: ExitStack, lock: IO[str], orders: _Orders, told: threading.Event) -> None:
    """Start everything, and watch it until told to stop; the stack ends it, the worker first."""
    from deployments.abandoned import close_abandoned, skip_missed

    services: list[Service] = []
    api = _given_api()
    if api is None:
        api = f"http://127.0.0.1:{orders.port}/api"
        services.append(_serve(stack, api, orders))
    stack.enter_context(_talking_to(api))
    for server in services:
        # Nobody else's worker can be alive: the server has only just begun.
        close_abandoned(orders.pools)
        skip_missed(orders.pools, now())
        stack.callback(_leave_nothing_running, server, orders.pools)
    _apply(api, orders.declaration, orders.manifest, orders.folder)
    services.extend(_work(stack, api, pool, orders) for pool in orders.pools)
    _write(lock, api)
    stack.callback(_write, lock, "")
    show(f"Up: {api.removesuffix('/api')} shows it. Ctrl-C ends it.")
    while not told.wait(_LOOK_SECONDS):
        for service in services:
            service.see_that_it_runs()


def _serve(stack: ExitStack, api: str, orders: _Orders) -> "Service":
    """Start the server and wait until it answers."""
    from deployments.services import Service, answers

    try:
        socket.create_server(("127.0.0.1", orders.port)).close()
    except OSError as error:
        raise BadInput(
            f"port {orders.port} of 127.0.0.1 is not free ({error.strerror}): choose one by --port"
        ) from None
    show("Starting Prefect's server; the first time takes half a minute.")
    # `PREFECT_API_URL` would make the server ask itself whether it is there.
    own = {name: value for name, value in orders.environment.items() if name != "PREFECT_API_URL"}
    server = Service(
        "server",
        ("prefect", "server", "start", "--host", "127.0.0.1", "--port", str(orders.port)),
        {**_SERVER, "PREFECT_LOGGING_LEVEL": "ERROR", **own, "PREFECT_SERVER_UI_API_URL": api},
        lambda _: None,
    )
    stack.callback(server.stop)
    server.wait_until(lambda: answers(api))
    return server


def _work(stack: ExitStack, api: str, pool: str, orders: _Orders) -> "Service":
    """Start a worker and wait until the server knows that it is there."""
    from deployments.services import Service

    name = socket.gethostname()
    worker = Service(
        "worker",
        ("prefect", "worker", "start", "--type", "process", "--pool", pool, "--name", name),
        {**_WORKER, "PREFECT_LOGGING_LEVEL": "INFO", **orders.environment, "PREFECT_API_URL": api},
        lambda line: show(safe(line, 300)) if line.strip() else None,
    )
    stack.callback(worker.stop)
    worker.wait_until(_heard_of(pool, name))
    return worker


def _heard_of(pool: str, name: str) -> Callable[[], bool]:
    """Whether the worker gave a sign of life after this call."""
    from prefect.client.orchestration import get_client

    def beats() -> set[object]:
        with get_client(sync_client=True) as client:
            return {each.last_heartbeat_time for each in client.read_workers_for_work_pool(pool) if each.name == name}

    before = beats()
    return lambda: bool(beats() - before)


def _leave_nothing_running(server: "Service", pools: list[str]) -> None:
    """Tell the server what ended with its worker; one that is gone itself is told when it comes back."""
    from deployments.abandoned import close_abandoned

    if server.runs:
        close_abandoned(pools)


def _apply(api: str, declaration: "Declaration", manifest: Manifest, folder: Path) -> None:
    from httpx import HTTPError

    from blocks.scope import drift
    from deployments.registration import register_all

    try:
        with _talking_to(api):
            registered = register_all(declaration, manifest, folder)
            drifted = drift(manifest)
    except HTTPError as error:
        raise CouldNotLook(f"Prefect's server at {api} cannot be used: {str(error) or type(error).__name__}") from None
    for each in drifted:
        show(safe(f"note: {each}", 600))
    show(f"{counted(len(registered.deployments), 'deployment')}: {', '.join(registered.deployments)}.")
    if registered.removed:
        show(f"No longer declared, and removed: {', '.join(registered.removed)}.")


def _given_api() -> str | None:
    """The server that the operator's environment or Prefect profile names."""
    from prefect.settings.context import get_current_settings

    return get_current_settings().api.url


@contextmanager
def _talking_to(api: str) -> Iterator[None]:
    from prefect.settings import PREFECT_API_URL, temporary_settings

    with temporary_settings({PREFECT_API_URL: api}):
        yield


@contextmanager
def _until_told() -> Iterator[threading.Event]:
    """Set when somebody wants us to end, who is heard once: what ends must end whole."""
    told = threading.Event()

    def hear(_number: int, _frame: FrameType | None) -> None:
        if not told.is_set():
            told.set()
            raise KeyboardInterrupt

    # Whom nohup started outlives the terminal.
    heard = [number for number in _ENDING if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, hear) for number in heard}
    try:
        yield told
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _is_ours(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    _write(lock, "")
    return True


def _running_at(lock: IO[str]) -> str:
    lock.seek(0)
    api = lock.read().strip()
    if not api:
        raise BadInput("`roundsman up` runs here already, and is just starting or stopping")
    return api


def _write(lock: IO[str], api: str) -> None:
    """Say in the lock's file where we are, for whoever comes second."""
    lock.seek(0)
    lock.truncate()
    lock.write(api)
    lock.flush()
