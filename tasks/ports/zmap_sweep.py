"""Sweep wide networks with zmap: every port at the full pace, one after another, each cooling down beside the next."""

import re
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import mkdtemp

from estate.errors import BadReport, CouldNotLook, ToolFailed, ToolMissing, ToolNotAllowed, ToolTimedOut
from estate.evidence import Evidence
from estate.ports.zmap_metadata import read_metadata
from tasks.ports.zmap_question import ZmapQuestion
from tasks.rights import Rights, raw_rights
from tasks.supervisor import Ended, supervise

_VERSION = re.compile(r"^zmap v?(\d\S*)", re.MULTILINE)
_NO_CONFIGURATION = ("-C", "/dev/null")
_SENT_ALL = "zmap: senders finished"
_ELIGIBLE = re.compile(r"constraint: (\d+) addresses .* can be scanned")
_NOT_ALLOWED = re.compile(r"Operation not permitted|don't have permission|must be root", re.IGNORECASE)
# How many zmaps may cool down at once; each is some 10 MB and next to no work.
_LANES = 16
_TICK = 0.05
_ATTEMPTS = 2


def zmap_rights() -> Rights:
    """Whether zmap may send here, and if not, how to let it.

    Raises:
        ToolMissing: zmap is not installed.
    """
    return raw_rights("zmap")


def zmap_engine() -> tuple[str, str] | None:
    """The engine's name and version, or None where it is missing or may not send."""
    try:
        if not zmap_rights().raw:
            return None
        # Its configuration may be another version's, over which zmap refuses even to say its own.
        ended = supervise(("zmap", *_NO_CONFIGURATION, "--version"), deadline=5)
    except ToolMissing:
        return None
    match = _VERSION.search(ended.stdout_tail + ended.stderr_tail)
    return ("zmap", match[1]) if match else None


def ask_zmap(
    question: ZmapQuestion,
    folder: Path,
    *,
    cancelled: threading.Event | None = None,
    on_progress: Callable[[float], None] | None = None,
) -> tuple[Evidence, ...]:
    """Sweep the networks: a CSV of answers for each port, refusals included, with zmap's metadata as companion.

    Debian's zmap asks one port a run. A run begins to send when the one before has sent everything, so that the
    pace holds in sum, and waits for late answers while others send; answers cannot be mistaken, since each run knows
    its own by their port and by a key that nobody else has. A run that failed, or whose metadata says that something
    was not sent or was dropped, is made once more at the end; both count as evidence.

    Raises:
        ToolMissing: zmap is not installed.
        ToolNotAllowed: it may not send raw packets.
        ToolTimedOut, ToolFailed: it brought nothing.
    """
    rights = zmap_rights()
    if not rights.raw:
        raise ToolNotAllowed(f"{rights.why}, which a sweep needs; to allow it: {rights.grant}")
    sweep = _Sweep(question, Path(mkdtemp(prefix="zmap-", dir=folder)), on_progress)
    done: list[_Run] = []
    with ThreadPoolExecutor(_LANES, thread_name_prefix="zmap") as pool:
        try:
            for attempt in range(_ATTEMPTS):
                again = [run.port for run in done if not run.whole] if attempt else question.ports
                if done and done[0].refused:
                    break
                done += sweep.ask(again, attempt, pool, cancelled)
        except BaseException:
            sweep.stop.set()
            raise
    evidence = tuple(run.evidence for run in done if run.evidence is not None)
    if not evidence:
        raise _explain([run.ended for run in done if run.ended is not None], cancelled)
    return evidence


@dataclass(slots=True)
class _Run:
    """One zmap: one port."""

    port: int
    results: Path
    metadata: Path
    sent: threading.Event = field(default_factory=threading.Event)
    ended: Ended | None = None

    @property
    def whole(self) -> bool:
        """Whether everything was sent and nothing dropped."""
        if self.ended is None or self.ended.reason:
            return False
        with suppress(OSError, BadReport), self.metadata.open("rb") as file:
            return not read_metadata(file).fault
        return False

    @property
    def refused(self) -> bool:
        """Whether zmap gave up by itself without a word on what it did."""
        if self.ended is None or not self.ended.exit_code:
            return False
        return not self.metadata.exists() or not self.metadata.stat().st_size

    @property
    def evidence(self) -> Evidence | None:
        """What it brought; a run that was refused or never began brought nothing."""
        if self.ended is None or not self.results.exists() or self.refused:
            return None
        return Evidence("zmap", self.results, self.metadata if self.metadata.exists() else None, self.ended.reason)


class _Sweep:
    """The runs of one question, which share a pace, a deadline and a folder."""

    def __init__(self, question: ZmapQuestion, folder: Path, report: Callable[[float], None] | None) -> None:
        self.stop = threading.Event()
        self._question = question
        self._folder = folder
        self._report = report
        self._until = time.monotonic() + question.deadline
        self._addresses = question.addresses
        self._sent = 0
        (folder / "asked").write_text("\n".join(question.networks) + "\n")
        (folder / "excluded").write_text("".join(f"{word}\n" for word in question.exclusions))

    def ask(
        self, ports: Iterable[int], attempt: int, pool: ThreadPoolExecutor, cancelled: threading.Event | None
    ) -> list[_Run]:
        """Ask each port; the runs have ended when this returns."""
        runs: list[_Run] = []
        futures: list[Future[None]] = []
        for port in ports:
            if self.stop.is_set() or time.monotonic() > self._until:
                break
            run = _Run(port, self._folder / f"{port}-{attempt}.csv", self._folder / f"{port}-{attempt}.json")
            runs.append(run)
            futures.append(pool.submit(self._run, run))
            self._await_sent(run, attempt, cancelled)
            if run.refused and len(runs) == 1:
                break  # What is wrong is wrong for all.
        for future in futures:
            while not future.done():
                self._look_at(cancelled)
                time.sleep(_TICK)
            future.result()
        return runs

    def _await_sent(self, run: _Run, attempt: int, cancelled: threading.Event | None) -> None:
        begun, needed = time.monotonic(), self._addresses / self._question.pace
        while not run.sent.wait(_TICK):
            self._look_at(cancelled)
            if not attempt:
                self._say(self._sent + min((time.monotonic() - begun) / needed, 1.0))
        if not attempt:
            self._sent += 1
            self._say(self._sent)

    def _look_at(self, cancelled: threading.Event | None) -> None:
        if cancelled is not None and cancelled.is_set():
            self.stop.set()

    def _say(self, ports: float) -> None:
        if self._report is not None:
            self._report(ports / len(self._question.ports))

    def _run(self, run: _Run) -> None:
        def hear(line: str) -> None:
            if _SENT_ALL in line:
                run.sent.set()
            elif (match := _ELIGIBLE.search(line)) and int(match[1]) != self._addresses:
                raise ToolFailed(f"zmap was about to ask {match[1]} addresses instead of {self._addresses}")

        try:
            left = max(self._until - time.monotonic(), 0.1)
            argv = ("zmap", *self._options(run))
            run.ended = supervise(argv, deadline=left, cancelled=self.stop, on_line=hear, cwd=self._folder)
        finally:
            run.sent.set()

    def _options(self, run: _Run) -> tuple[str, ...]:
        """Short options, since 3.0 renamed the long ones; without the configuration and the exclusions of /etc/zmap."""
        asked = self._question
        return (
            *(*_NO_CONFIGURATION, "--disable-syslog", "-q", "-v", "4", "-T", "1"),
            *("-p", str(run.port), "-r", str(asked.pace), "-c", str(asked.cooldown), "-e", str(asked.seed)),
            *("-i", asked.interface, "-S", asked.source, "-G", asked.gateway_mac),
            *("-w", "asked", "-b", "excluded", "-o", run.results.name, "-m", run.metadata.name),
            *("-O", "csv", "-f", "saddr,sport,classification,success,repeat"),
            *("--output-filter", "success = 1 || success = 0"),
        )


def _explain(ended: list[Ended], cancelled: threading.Event | None) -> CouldNotLook:
    """Say in our words why zmap brought nothing."""
    if cancelled is not None and cancelled.is_set():
        return ToolFailed("zmap was cancelled before it began")
    if not ended or ended[0].why == "deadline":
        return ToolTimedOut("zmap passed its deadline before it began")
    words = " ".join(line for line in ended[0].stderr_tail.splitlines() if "[FATAL]" in line or "[ERROR]" in line)
    words = words.replace("[FATAL] ", "").strip()[-400:] or "it said nothing"
    if _NOT_ALLOWED.search(words):
        return ToolNotAllowed(f"zmap may not send raw packets here: {words}")
    return ToolFailed(f"zmap failed ({ended[0].reason}): {words}")
