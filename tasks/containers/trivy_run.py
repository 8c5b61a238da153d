"""Run Trivy: settings by environment alone, in a directory of its own, one at a time per cache, ended in time."""

import fcntl
import json
import os
import re
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from estate.errors import CouldNotLook, RoundsmanError, ToolMissing, ToolNotAllowed
from estate.text import printable
from tasks.supervisor import Ended, supervise

OLDEST = (0, 59)
"""The oldest Trivy whose words were measured."""
SERVER = "TRIVY_SERVER"
_PASSED = re.compile(
    r"TRIVY_(SERVER|TOKEN|TOKEN_HEADER|USERNAME|PASSWORD|REGISTRY_TOKEN|INSECURE|NON_SSL|CACHE_BACKEND)\Z"
    r"|(AWS|AZURE|GOOGLE)_[A-Z_]+\Z|(HTTPS?|NO)_PROXY\Z|https?_proxy\Z|no_proxy\Z"
    r"|DOCKER_CONFIG\Z|SSL_CERT_(FILE|DIR)\Z|XDG_RUNTIME_DIR\Z"
)
"""What of our environment Trivy may know: ways to registries and to its server."""
_QUIET = {
    "TRIVY_SKIP_DB_UPDATE": "true",
    "TRIVY_SKIP_JAVA_DB_UPDATE": "true",
    "TRIVY_SKIP_CHECK_UPDATE": "true",
    "TRIVY_SKIP_VERSION_CHECK": "true",
    "TRIVY_DISABLE_TELEMETRY": "true",
    "TRIVY_OFFLINE_SCAN": "true",
    "TRIVY_NO_PROGRESS": "true",
}
_WORDS = (
    ("timeout", re.compile(r"context deadline exceeded|timeout exceeded", re.IGNORECASE)),
    ("locked", re.compile(r"cache may be in use by another process", re.IGNORECASE)),
    (
        "no-database",
        re.compile(
            r"skip-db-update|db corrupted|failed to (download|open).*\bdb\b|DB error|database error", re.IGNORECASE
        ),
    ),
    ("auth-failed", re.compile(r"UNAUTHORIZED|DENIED|authentication required|invalid token|\b40[13]\b", re.IGNORECASE)),
    ("not-found", re.compile(r"MANIFEST_UNKNOWN|NAME_UNKNOWN|No such image|not found|no such file", re.IGNORECASE)),
    (
        "unreachable",
        re.compile(r"connection refused|no such host|i/o timeout|x509|no route|dial (tcp|unix)", re.IGNORECASE),
    ),
)
_TICK = 0.2


class TrivyFailed(CouldNotLook):
    """Trivy brought nothing; `word` says why, as an image visit does."""

    def __init__(self, word: str, detail: str) -> None:
        super().__init__(f"Trivy: {word}: {detail}" if detail else f"Trivy: {word}")
        self.word, self.detail = word, detail
        self.retryable = word in {"timeout", "locked", "unreachable", "failed", "truncated"}


class Patience:
    """What is left of a deadline."""

    def __init__(self, seconds: float, cancelled: threading.Event | None) -> None:
        self._until = time.monotonic() + seconds
        self.cancelled = cancelled

    def left(self) -> float:
        """Seconds.

        Raises:
            TrivyFailed: none are left, or nobody wants to know any more.
        """
        if self.cancelled is not None and self.cancelled.is_set():
            raise TrivyFailed("cancelled", "")
        left = self._until - time.monotonic()
        if left <= 0:
            raise TrivyFailed("timeout", "the time that it was given is over")
        return left


def run_trivy(command: tuple[str, ...], settings: Mapping[str, str], cache: Path, patience: Patience) -> Ended:
    """Run one of Trivy's commands; whoever calls holds the cache.

    Args:
        command: `image`, `sbom`, `convert` or `version`, and what it is about where no setting says so.
        settings: variables beyond those that keep it quiet and off the net.
        cache: its cache directory.
        patience: how long it may take.

    Raises:
        TrivyFailed: it ended otherwise than well.
    """
    passed = {name: value for name, value in os.environ.items() if _PASSED.match(name)}
    left = patience.left()
    env = {
        **passed,
        **_QUIET,
        "TRIVY_CACHE_DIR": str(cache),
        "TRIVY_TIMEOUT": f"{max(1, int(left))}s",
        **settings,
    }
    # A .trivyignore or trivy.yaml in the current directory would be obeyed without a word.
    with TemporaryDirectory(prefix="roundsman-trivy-") as empty:
        env.update(TMPDIR=empty, HOME=env.get("HOME", os.environ.get("HOME", "/")))
        argv = ["trivy", *command]
        try:
            ended = supervise(
                argv, deadline=left, cancelled=patience.cancelled, cwd=Path(empty), env=env, tail_bytes=16_384
            )
        except ToolMissing:
            raise TrivyFailed("no-tool", "trivy is not installed: https://trivy.dev/latest/getting-started/") from None
        except (ToolNotAllowed, RoundsmanError) as error:
            raise TrivyFailed("failed", printable(str(error), 300)) from None
    if ended.why:
        raise TrivyFailed("timeout" if ended.why == "deadline" else "cancelled", "")
    if ended.exit_code != 0:
        raise TrivyFailed(*_reason(ended))
    return ended


def trivy_version(cache: Path, patience: Patience) -> str:
    """Trivy's version.

    Raises:
        TrivyFailed: it is missing, too old, or says nothing.
    """
    ended = run_trivy(("version", "--format", "json"), {SERVER: ""}, cache, patience)
    try:
        version = str(json.loads(ended.stdout_tail)["Version"])
        numbers = tuple(map(int, version.removeprefix("v").split("-")[0].split(".")[:2]))
    except (ValueError, KeyError, TypeError):
        # Old versions print lines.
        raise TrivyFailed("too-old", "it does not say its version; at least 0.59 is needed") from None
    if numbers < OLDEST:
        raise TrivyFailed("too-old", f"{printable(version, 30)} is installed; at least 0.59 is needed")
    return printable(version, 30)


@contextmanager
def holding(cache: Path, patience: Patience) -> Iterator[None]:
    """Hold a cache for one run of Trivy, which would wait for another one without any limit of its own.

    With a server there is nothing to hold: it has the cache, and serves many.

    Raises:
        TrivyFailed: somebody else held it for too long.
    """
    cache.mkdir(parents=True, exist_ok=True)
    if os.environ.get(SERVER):
        yield
        return
    with (cache / "roundsman.lock").open("w") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                try:
                    left = patience.left()
                except TrivyFailed as error:
                    if error.word == "cancelled":
                        raise
                    raise TrivyFailed("locked", "another scan holds Trivy's cache") from None
                (patience.cancelled or threading.Event()).wait(min(_TICK, left))
        settle_swap(cache)
        yield


def settle_swap(cache: Path) -> None:
    """Put the former database back where a swap was cut between its two steps."""
    former = cache / "db.former"
    if former.is_dir() and not (cache / "db").exists():
        former.rename(cache / "db")


def _reason(ended: Ended) -> tuple[str, str]:
    """The word and the words of a bad end: from the last FATAL line on."""
    said = ended.stderr_tail
    at = said.rfind("FATAL")
    told = " ".join(said[at if at >= 0 else max(0, len(said) - 1_000) :].split())
    detail = printable(told.partition("FATAL")[2].strip() or told, 300)
    word = next((word for word, pattern in _WORDS if pattern.search(told)), "failed")
    return word, detail or ended.reason
