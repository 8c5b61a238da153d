"""zmap's results: who answered, who refused, and, with its metadata, whether silence means anything."""

import csv
from collections.abc import Iterator
from datetime import datetime
from typing import BinaryIO, NoReturn

from estate.assets import canonical_address
from estate.coverage import Keys, Look, Verdict
from estate.errors import BadReport
from estate.observations import NO_ATTRIBUTES, Reading
from estate.ports.zmap_metadata import ZmapMetadata, read_metadata
from estate.text import printable

_LONGEST_LINE = 1 << 17
_YES_NO = {"1": True, "true": True, "0": False, "false": False}
_ANSWERS = frozenset({"synack", "udp"})
_PORT_UNREACHABLE = ("3", "3")

Columns = dict[str, int]


class ZmapReport:
    """Iterate once over the answers of one zmap run, a reading each; the same host may occur many times.

    `asked` are the keys that were asked of every target. `silence` are those whose silence counts as a sweep's, for
    the addresses that `covers` accepts, or None: `reason` says why not. All are final when iteration has ended.

    Raises:
        BadReport: while iterating; it names the line.
    """

    def __init__(self, results: BinaryIO, metadata: ZmapMetadata | None, port: int | None, look: int) -> None:
        self._results = results
        self._metadata = metadata
        self._look = look
        self._line = 0
        self._answers = 0
        self._whole = True
        self._seen: set[str] = set()
        self._protocol = metadata.protocol if metadata else "tcp"
        ports = (port,) if port is not None else metadata.ports if metadata else ()
        self._port = str(ports[0]) if len(ports) == 1 else ""
        self._given = Keys.of(f"{self._protocol}/{number}" for number in ports)

    @property
    def asked(self) -> Keys:
        """The keys that the metadata or the caller name, else those of which answers were seen."""
        return self._given or Keys.of(self._seen)

    @property
    def reason(self) -> str:
        """`sweep`, or why silence does not count."""
        if self._metadata is None:
            return "zmap-no-metadata"
        return self._metadata.fault or ("sweep" if self._whole else "zmap-truncated")

    @property
    def silence(self) -> Keys | None:
        """The keys whose silence is a sweep's."""
        return self.asked if self.reason == "sweep" else None

    @property
    def started(self) -> datetime | None:
        """When the first packet was sent."""
        return self._metadata.started if self._metadata else None

    @property
    def targets(self) -> Keys | None:
        """The addresses that the run sent to, or None where nobody knows."""
        return self._metadata.targets if self._metadata else None

    def covers(self, address: str) -> bool:
        """Whether the run sent to this address, as far as anybody knows: its own lists may have left it out."""
        return self._metadata is None or self._metadata.covers(address)

    def __iter__(self) -> Iterator[Reading]:
        header: list[str] | None = None
        columns: Columns = {}
        for fields in self._lines():
            if header is None:
                columns = self._columns(fields)
                header = fields
                if "saddr" in fields:
                    continue
            elif fields == header and "saddr" in fields:
                continue  # The results of several runs, one after another.
            reading = self._read(columns, fields)
            if reading is not None:
                yield reading
        # zmap counted what it wrote: fewer lines than that, and the file lost some.
        if self._metadata is not None and self._answers < self._metadata.answered:
            self._whole = False

    def _lines(self) -> Iterator[list[str]]:
        while line := self._results.readline(_LONGEST_LINE):
            self._line += 1
            if not line.endswith(b"\n"):
                if len(line) >= _LONGEST_LINE:
                    self._refuse(f"longer than {_LONGEST_LINE:,} bytes")
                return  # Cut off by a kill: 10.0.0.5 may have been going to be 10.0.0.57.
            text = line.decode("latin-1").rstrip("\r\n")
            if '"' in text:
                try:
                    yield next(csv.reader([text]), [])
                except csv.Error as error:
                    self._refuse(str(error))
            elif text:
                yield text.split(",")

    def _columns(self, fields: list[str]) -> Columns:
        columns = {name: index for index, name in enumerate(fields)} if "saddr" in fields else {"saddr": 0}
        if "saddr" not in fields:
            if canonical_address(fields[0]) is None:
                self._refuse("neither a header with the column saddr nor an address: these are no results of zmap")
            if len(fields) > 1:
                self._refuse("several columns without a header that names them")
        if "sport" not in columns and not self._port:
            self._refuse(
                "nothing says which port was asked of whom: name it (`read --port 443`, `import --ports 443`), "
                "or bring zmap's metadata (--metadata)"
            )
        told_apart = "success" in columns or "classification" in columns
        if not told_apart and self._metadata is not None and not self._metadata.only_successes:
            self._refuse("refusals were not filtered out, and no column (success, classification) tells them apart")
        return columns

    def _read(self, columns: Columns, fields: list[str]) -> Reading | None:
        if len(fields) != max(len(columns), 1):
            self._refuse(f"{len(fields)} fields where {len(columns)} are named")
        row = {name: fields[index] for name, index in columns.items()}
        address = canonical_address(row["saddr"])
        if address is None:
            self._refuse(f"{printable(row['saddr'], 60)!r} is no address")
        word = row.get("classification", "")
        answered: bool | None = word in _ANSWERS if word else True
        if "success" in row:
            answered = _YES_NO.get(row["success"])
            if answered is None:
                self._refuse(f"success is {printable(row['success'], 20)!r}")
        if answered:
            self._answers += row.get("repeat", "0") in {"0", "false"}
            return Reading(address, {self._key(row): NO_ATTRIBUTES}, (), self._look)
        if word == "rst":
            return self._refusal(address, "reset", self._key(row))
        unreachable = (row.get("icmp_type"), row.get("icmp_code")) == _PORT_UNREACHABLE
        if self._protocol == "udp" and unreachable and (row.get("sport") or self._port):
            return self._refusal(address, "port-unreach", self._key(row))
        return None

    def _refusal(self, address: str, reason: str, key: str) -> Reading:
        return Reading(address, {}, (Look(Verdict.NEGATIVE, reason, Keys.of((key,))),), self._look)

    def _key(self, row: dict[str, str]) -> str:
        port = row.get("sport") or self._port
        if not (port.isascii() and port.isdecimal() and len(port) <= 5 and int(port) <= 65535):
            self._refuse(f"{printable(port, 20)!r} is no port")
        protocol = "udp" if self._metadata is None and row.get("classification") == "udp" else self._protocol
        key = f"{protocol}/{int(port)}"
        if self._given and key not in self._given:
            self._refuse(f"{key} was not asked: these results and this metadata are not of one run")
        self._seen.add(key)
        return key

    def _refuse(self, why: str) -> NoReturn:
        raise BadReport(f"line {self._line}: {why}")


def read_zmap(
    results: BinaryIO, metadata: BinaryIO | None = None, *, port: int | None = None, look: int = 0
) -> ZmapReport:
    """Read zmap's CSV, or its plain list of addresses, together with its metadata (`-m`).

    Args:
        results: CSV with a header (`-O csv`), or one address a line, which are successes.
        metadata: without it silence proves nothing.
        port: the port that was asked, where neither a column nor the metadata says so.
        look: the number of the look within the run.

    Raises:
        BadReport: the metadata is of something else.
    """
    return ZmapReport(results, read_metadata(metadata) if metadata is not None else None, port, look)
