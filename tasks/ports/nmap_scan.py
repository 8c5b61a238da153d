"""Ask nmap, and bring its XML, whole or cut off."""

import os
import re
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import mkstemp

import nmap

from estate.errors import CouldNotLook, ToolFailed, ToolNotAllowed, ToolTimedOut
from estate.evidence import Evidence
from estate.ports.shard import SEND_REFUSED
from estate.spans import spell_spans
from tasks.ports.nmap_progress import Progress
from tasks.ports.nmap_question import NmapQuestion
from tasks.rights import Rights, raw_rights
from tasks.supervisor import Ended, supervise
from tasks.tool_output import OnLine
from tasks.tools import find_tool

_VERSION = re.compile(r"^Nmap version (\S+)", re.MULTILINE)
_REFUSED = re.compile(r"sendto in send_ip_packet|Omitting future Sendto error")
_FEW = 50
_NOT_ALLOWED = re.compile(
    r"requires root privileges|Operation not permitted|Couldn't open a raw socket|don't have permission"
)

_LEAST_PER_HOST = {("tcp", False): 100, ("tcp", True): 10, ("udp", False): 1, ("udp", True): 1}
"""The packets/s per host below which nmap may not fall, by protocol and patience.

Left to itself, nmap takes silence for congestion and slows down to some 20 packets/s: 256 dead addresses took it over
200 s for 15 ports, and take 8.5 s at a floor of 1,000/s that is also the pace. At 10 % loss the floor costs no
accuracy: it missed 11 of 1,536 keys, as nmap's default did (13), since nmap sends only one probe more than ever helped.
UDP has no floor to speak of, because hosts refuse one packet a second: at 20/s, 6 of 10 closed ports looked silent.
"""
_UDP_DELAY = ("--scan-delay", "500ms", "--max-scan-delay", "1s")


def nmap_engine() -> tuple[str, str]:
    """The engine's name and version, as the run records them.

    Raises:
        ToolMissing: nmap is not installed.
    """
    return "nmap", _Nmap().version


def nmap_rights() -> Rights:
    """Whether SYN and UDP scans are possible here, and if not, how to make them so.

    Raises:
        ToolMissing: nmap is not installed.
    """
    rights = raw_rights("nmap")
    if rights.raw or not rights.grant.startswith("sudo setcap"):
        return rights
    return Rights(
        False, rights.why, f"{rights.grant} (Roundsman then passes --privileged; by hand, set NMAP_PRIVILEGED=1)"
    )


def ask_nmap(
    question: NmapQuestion,
    folder: Path,
    *,
    cancelled: threading.Event | None = None,
    on_progress: Callable[[float], None] | None = None,
) -> Evidence:
    """Run nmap once, and return its XML with why it ended: hosts that were finished before a kill count.

    No name is looked up, no host is given up for ignoring pings, and down hosts are listed (-n, -Pn, -v). On the
    scanner's own wire nmap asks by ARP or neighbour discovery first if it may, which finds dead hosts in a second.

    Raises:
        ToolMissing: nmap is not installed.
        ToolNotAllowed: it lacks the right for a SYN or UDP scan.
        ToolTimedOut, ToolFailed: it brought nothing.
    """
    rights = nmap_rights()
    if not rights.raw and (question.technique == "syn" or question.protocol == "udp"):
        what = "UDP ports" if question.protocol == "udp" else "a SYN scan"
        raise ToolNotAllowed(f"{rights.why}, which {what} need{'s' * (what[0] == 'a')}; to allow it: {rights.grant}")
    progress = Progress(len(question.addresses), question.versions, on_progress) if on_progress else None
    return _Nmap().scan(question, folder, rights.raw, cancelled, progress.hear if progress else None)


class _Nmap(nmap.PortScanner):  # type: ignore[misc]  # python-nmap ships no types
    """python-nmap finds nmap and its version; the scan is ours.

    Its own puts targets before options, keeps XML in memory, loses it on a timeout, and reads the whole
    report into one dictionary that lacks `timedout`, `extraports` and `<target>`.
    """

    def __init__(self) -> None:
        path = find_tool("nmap")
        try:
            super().__init__(nmap_search_path=(path,))
        except nmap.PortScannerError as error:
            raise ToolFailed(f"{path} does not say that it is nmap: {error}") from None
        self.path = path

    @property
    def version(self) -> str:
        """As nmap spells it, suffixes included."""
        match = _VERSION.search(self.get_nmap_last_output())
        return match[1] if match else ".".join(str(part) for part in self.nmap_version())

    def scan(
        self,
        question: NmapQuestion,
        folder: Path,
        privileged: bool,
        cancelled: threading.Event | None,
        on_line: OnLine | None,
    ) -> Evidence:
        """Run the question under our supervisor."""
        report = _new_file(folder, ".xml")
        asked = _new_file(folder, ".targets")
        asked.write_text("\n".join(question.addresses) + "\n")
        # Named without a folder: nmap expands % in the path of a report.
        argv = (self.path, *_options(question, privileged), "-oX", report.name, *_targets(question, asked))
        try:
            ended = supervise(argv, deadline=question.deadline, cancelled=cancelled, on_line=on_line, cwd=folder)
        finally:
            asked.unlink()
        if ended.reason and not _holds_evidence(report, ended):
            report.unlink()
            raise _explain(ended)
        refused = SEND_REFUSED if _REFUSED.search(ended.stderr_tail) else ""
        return Evidence("nmap", report, ended=ended.reason or refused)


def _options(question: NmapQuestion, privileged: bool) -> tuple[str, ...]:
    protocol = question.protocol
    ports = spell_spans(question.keys.spans(protocol))
    # Hosts of one group are asked side by side, and written when the group is finished.
    group = 256 if len(question.keys) <= 1_024 else 32
    floor = min(question.pace, _LEAST_PER_HOST[protocol, question.thorough] * min(group, len(question.addresses)))
    return (
        *("-n", "-Pn", "-v", "--stats-every", "2s", "--no-stylesheet"),
        "--privileged" if privileged else "--unprivileged",
        *(("-6",) if ":" in question.addresses[0] else ()),
        "-sU" if protocol == "udp" else "-sS" if question.technique == "syn" else "-sT",
        *("-p", ports),
        "-T3" if question.thorough else "-T4",
        *("--max-retries", str(question.retries)),
        *("--max-rate", str(question.pace), "--min-rate", str(floor)),
        *("--min-hostgroup", str(group), "--max-hostgroup", str(group)),
        *(_UDP_DELAY if protocol == "udp" else ()),
        # Probes likely to succeed only: a web server that nmap does not know takes 60 s with all of them, 6 s so.
        *(("-sV", "--version-light") if question.versions and not question.fragile else ()),
        *(("--host-timeout", f"{question.host_timeout * 1000:.0f}ms") if question.host_timeout else ()),
        *(("-e", question.interface) if question.interface else ()),
        *(("-S", question.source) if question.source else ()),
    )


def _targets(question: NmapQuestion, asked: Path) -> tuple[str, ...]:
    return ("--", *question.addresses) if len(question.addresses) <= _FEW else ("-iL", asked.name)


def _new_file(folder: Path, suffix: str) -> Path:
    number, path = mkstemp(prefix="nmap-", suffix=suffix, dir=folder)
    os.close(number)
    return Path(path)


def _holds_evidence(report: Path, ended: Ended) -> bool:
    """Whether a run that did not end well says anything: a kill leaves what was asked, a refusal at least one host."""
    with suppress(OSError), report.open("rb") as file:
        beginning = file.read(1 << 20)
        return b"<nmaprun" in beginning and (ended.exit_code is None or b"<host " in beginning)
    return False


def _explain(ended: Ended) -> CouldNotLook:
    """Say in our words why nmap brought nothing."""
    if ended.why == "deadline":
        return ToolTimedOut("nmap passed its deadline before it began")
    if ended.why == "cancelled":
        return ToolFailed("nmap was cancelled before it began")
    lines = [line for line in ended.stderr_tail.splitlines() if line.strip() and line != "QUITTING!"]
    words = " ".join(lines[-2:])[:400] or "it said nothing"
    if _NOT_ALLOWED.search(ended.stderr_tail):
        return ToolNotAllowed(f"nmap may not send raw packets here: {words}")
    return ToolFailed(f"nmap failed ({ended.reason}): {words}")
