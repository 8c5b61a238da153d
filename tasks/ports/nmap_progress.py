"""How far an nmap run is, from what it prints with --stats-every."""

import re
from collections.abc import Callable

_STATS = re.compile(r"Stats: .*; (\d+) hosts completed \((\d+) up\), (\d+) undergoing (.+)\Z")
_TIMING = re.compile(r"(.+) Timing: About ([\d.]+)% done")
# What share of a group's time a scan of ports takes before the services are asked; a guess that only moves the bar.
_SCAN_SHARE = 0.8


class Progress:
    """Turns lines into shares between 0 and 1 that never fall."""

    def __init__(self, hosts: int, versions: bool, report: Callable[[float], None]) -> None:
        """Take how many hosts are asked, and whether their services are."""
        self._hosts = hosts
        self._versions = versions
        self._report = report
        self._completed = 0
        self._undergoing = 0
        self._said = 0.0

    def hear(self, line: str) -> None:
        """Take one line of nmap's output."""
        if match := _STATS.search(line):
            self._completed, self._undergoing = int(match[1]), int(match[3])
        elif match := _TIMING.match(line):
            self._advance(self._completed + self._undergoing * self._phase(match[1], float(match[2]) / 100))

    def _phase(self, task: str, share: float) -> float:
        if not self._versions:
            return share
        return _SCAN_SHARE + (1 - _SCAN_SHARE) * share if "Service" in task or "NSE" in task else _SCAN_SHARE * share

    def _advance(self, hosts: float) -> None:
        share = min(hosts / self._hosts, 1.0)
        if share > self._said:
            self._said = share
            self._report(share)
