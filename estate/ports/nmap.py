"""nmap's XML report, and masscan's, read as a stream: what it proves of each host, and whether it is whole."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import BinaryIO

from estate.coverage import Keys
from estate.errors import BadReport
from estate.observations import Reading
from estate.ports.markup import Limits, Markup
from estate.ports.plain import PlainHosts
from estate.ports.tags import Tags
from estate.text import printable

__all__ = ["Limits", "NmapReader", "ReportHead", "ReportTail"]

_DEFAULT_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class ReportHead:
    """What a report says of itself; `asked` is its own claim, which knows nothing of hosts that are missing."""

    scanner: str
    version: str
    args: str
    asked: Keys
    started: datetime | None
    versions_probed: bool


@dataclass(frozen=True, slots=True)
class ReportTail:
    """How a report ended: `reason` says why it is not complete, `skipped` are targets that were never asked."""

    complete: bool
    exit: str
    reason: str
    hosts_up: int
    hosts_total: int
    skipped: tuple[str, ...]


class NmapReader:
    """Iterate over the readings of one report, in one pass and with bounded memory.

    Hosts before a cut or a fault count; what comes after is not there, and `tail` says so. Of masscan's `-oX`, and of
    whatever else writes this format, only what answered counts. The notes of a reading are its other addresses
    (`address`) and the names under which the report's maker asked for it (`asked-as`).

    Raises:
        BadReport: this is no such report, an attack, or past the limits; on creation where the start shows it.
    """

    tail = ReportTail(False, "", "unread", 0, 0, ())

    def __init__(self, stream: BinaryIO, *, look: int = 0, limits: Limits = _DEFAULT_LIMITS) -> None:
        self._limits = limits
        self._tags = Tags(look)
        self._markup = Markup(stream, self._first, self._tags.end, limits)
        self._markup.feed = PlainHosts(self._tags, self._markup).feed
        self._tags.parser = self._markup.parser
        while not self._tags.begun and self._advance():
            pass
        if self._tags.root is None and self._markup.fault.startswith("malformed"):
            raise BadReport("this is no XML report of nmap (-oX) or masscan")

    @property
    def head(self) -> ReportHead:
        """What the report says of itself; `versions_probed` may turn true with the first service that was probed."""
        root = self._tags.root or {}
        started = root.get("start", "")
        return ReportHead(
            printable(root.get("scanner", "nmap")),
            printable(root.get("version", "")),
            printable(root.get("args", ""), 8192),
            self._tags.asked,
            datetime.fromtimestamp(int(started), UTC) if _number(started) else None,
            self._tags.probed,
        )

    def __iter__(self) -> Iterator[Reading]:
        more = True
        while more:
            ready, self._tags.ready = self._tags.ready, []
            yield from ready
            more = self._advance()
        yield from self._tags.ready
        self._tags.ready = []
        self.tail = self._end()

    def _first(self, name: str, attributes: dict[str, str]) -> None:
        if name != "nmaprun":
            self._markup.refuse(f"<{printable(name, 40)}> begins no XML report of nmap (-oX) or masscan")
        self._markup.parser.StartElementHandler = self._tags.start
        self._tags.start(name, attributes)

    def _advance(self) -> bool:
        more = self._markup.advance()
        tags, limits = self._tags, self._limits
        for size, limit, what in (
            (tags.depth, limits.max_depth, "nested elements"),
            (tags.hosts, limits.max_hosts, "hosts"),
            (len(tags.skipped), limits.max_skipped, "skipped targets"),
            (tags.ports_listed(), limits.max_ports_per_host, "ports of one host"),
            (tags.characters_held, limits.max_text_per_host, "characters of one host"),
        ):
            if size > limit:
                self._markup.refuse(f"more than {limit:,} {what}")
        return more

    def _end(self) -> ReportTail:
        finished = self._tags.finished or {}
        outcome = printable(finished.get("exit", ""), 40)
        reason = self._markup.fault
        if not reason and self._tags.finished is None:
            reason = "no-finished"
        elif not reason and outcome not in {"", "success"}:
            reason = f"{outcome}: {printable(finished.get('errormsg', 'no message'))}"
        return ReportTail(
            not reason,
            outcome,
            reason,
            _number(self._tags.counts.get("up", "")),
            _number(self._tags.counts.get("total", "")),
            tuple(self._tags.skipped),
        )


def _number(text: str) -> int:
    """A count or a time as nmap writes it; whatever else stands there is 0."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 10 else 0
