"""A real ssh server of a lab host, reached on a loopback address of the machine around."""

import contextlib
import secrets
import shlex
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from infra.lab.hosts.lab import LabHost
from infra.lab.namespaces import LabError


@dataclass(frozen=True, slots=True)
class Door:
    """Where to knock, with which key, and which host key to expect."""

    user: str
    address: str
    port: int
    identity: Path
    known_hosts: Path

    @property
    def url(self) -> str:
        """As `roundsman audit` takes it."""
        return f"ssh://{self.user}@{self.address}:{self.port}"


_SETTINGS = """\
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/authorized_keys
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
PidFile none
"""


@contextmanager
def ssh_door(host: LabHost, user: str = "root", address: str = "127.0.0.77") -> Iterator[Door]:
    """Let `user` of a lab host in by a key made for this block; a server is started for each who knocks, as inetd did.

    Its settings lie beside those of the host, which an audit looks at.
    """
    with tempfile.TemporaryDirectory(prefix="roundsman-door-") as name, socket.create_server((address, 0)) as listener:
        folder, inside = Path(name), f"/run/lab/{secrets.token_hex(4)}"
        for key in ("identity", "host_key"):
            _keygen(folder / key)
        settings = _SETTINGS.format(folder=inside)
        texts = {
            "sshd_config": settings,
            "authorized_keys": (folder / "identity.pub").read_text(),
            "host_key": (folder / "host_key").read_text(),
        }
        host.must(f"mkdir -m 755 {inside}")
        for file, text in texts.items():
            mode = 600 if file == "host_key" else 644
            place = f"{inside}/{file}"
            host.must(f"umask 077; printf %s {shlex.quote(text)} >{place}; chmod {mode} {place}")
        port = int(listener.getsockname()[1])
        known = folder / "known_hosts"
        known.write_text(f"[{address}]:{port} {(folder / 'host_key.pub').read_text()}")
        server = _Inetd(listener, host.command(("/usr/sbin/sshd", "-i", "-f", f"{inside}/sshd_config")))
        server.start()
        try:
            yield Door(user, address, port, folder / "identity", known)
        finally:
            server.stop()


class _Inetd(threading.Thread):
    """Hands every connection to a new process as its standard input and output."""

    def __init__(self, listener: socket.socket, command: tuple[str, ...]) -> None:
        super().__init__(name="lab-inetd", daemon=True)
        self._listener, self._command = listener, command
        self._served: list[subprocess.Popen[bytes]] = []
        self._stopped = threading.Event()

    def run(self) -> None:
        """Serve until the listener is shut."""
        while not self._stopped.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                self._served = [each for each in self._served if each.poll() is None]
                self._served.append(
                    subprocess.Popen(
                        self._command, stdin=connection.fileno(), stdout=connection.fileno(), stderr=subprocess.DEVNULL
                    )
                )

    def stop(self) -> None:
        """Let nobody in any more, and end those who are."""
        self._stopped.set()
        # Closing alone does not wake who waits in accept.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self.join(timeout=20)
        for process in self._served:
            process.kill()
            process.wait(timeout=20)


def _keygen(path: Path) -> None:
    argv = ("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "lab", "-f", str(path))
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
    if done.returncode:
        raise LabError(f"ssh-keygen: {done.stderr}")
