"""A container: the collector is started in it by the engine, through the command-line client."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

from estate.errors import BadTarget
from estate.hosts.shard import Sudo
from tasks.hosts.shell_line import words
from tasks.hosts.transport import Came, Errand, Outcome, joined

_CONTAINER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,254}\Z")
_KEPT = ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH", "SSH_AUTH_SOCK")
_REASONS = (
    ("unreachable", re.compile(r"cannot connect to the docker daemon|error during connect|i/o timeout", re.IGNORECASE)),
    ("auth-failed", re.compile(r"permission denied while trying to connect|authorization denied", re.IGNORECASE)),
    ("unreachable", re.compile(r"no such container|is not running|is paused|is restarting", re.IGNORECASE)),
    ("not-covered", re.compile(r"hcs(?:shim)?::", re.IGNORECASE)),
    ("refused", re.compile(r"OCI runtime exec failed|executable file not found|no such file", re.IGNORECASE)),
)


@dataclass(frozen=True, slots=True)
class Docker:
    """A running container. Any `sudo` but `no` means its root, to whom the engine lets everybody in who may ask it."""

    container: str
    sudo: Sudo

    @property
    def via(self) -> str:
        """Its name."""
        return "docker"

    @property
    def environment(self) -> Mapping[str, str]:
        """Where the engine is."""
        return {name: os.environ[name] for name in _KEPT if name in os.environ}

    def command(self, errand: Errand) -> tuple[str, ...]:
        """`docker exec -i`."""
        if not _CONTAINER.match(self.container):
            raise BadTarget(f"{self.container!r} is no container's name")
        root = () if self.sudo == "no" else ("--user", "0:0")
        asked = words("no", errand.nonce, errand.level, int(errand.seconds) + 5)
        return "docker", "exec", "-i", *root, self.container, *asked

    def explain(self, came: Came) -> Outcome:
        """The client's words tell whether the engine, the container or its shell is missing."""
        if came.framed:
            return Outcome()
        text = f"{came.ended.stderr_tail}\n{came.said}"
        for error, pattern in _REASONS:
            if pattern.search(text):
                return Outcome(error, joined(text.splitlines()))
        return Outcome("failed", joined([came.ended.reason, *text.splitlines()]))
