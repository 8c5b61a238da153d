"""The tags of an nmap report, turned into readings host by host; it runs for every tag, so it is written for speed."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from estate.assets import canonical_address
from estate.coverage import NOTHING, Keys, Look, Verdict
from estate.errors import BadTarget
from estate.observations import NO_ATTRIBUTES, Attributes, Reading, Whole
from estate.ports.markup import Malformed
from estate.ports.verdicts import answers, away, judge, weigh
from estate.spans import parse_spans
from estate.text import printable

if TYPE_CHECKING:
    from pyexpat import XMLParserType

EVERY_PORT = Keys.parse("tcp/* udp/* sctp/*")
_OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_IPV4 = re.compile(rf"{_OCTET}(?:\.{_OCTET}){{3}}\Z")
_PROBED = (
    ("devicetype", "devicetype"),
    ("extrainfo", "extrainfo"),
    ("ostype", "ostype"),
    ("product", "product"),
    ("service", "name"),
    ("tunnel", "tunnel"),
    ("version", "version"),
)
_KEPT_LOOKS = 2_000
_NEGATIVE = Verdict.NEGATIVE
_OF_NO_PORT = Look(Verdict.BLIND, "", NOTHING)
_ONE_PROBE = re.compile(r"(?:^|\s)--?max-retries[\s=]0(?:\s|$)")
_VERSIONS = re.compile(r"-s[A-Z]*V[A-Z]*\Z")
_NO_PING = frozenset({"-Pn", "-PN", "-P0", "-PD"})
_NO_PORTS = frozenset({"-sn", "-sP", "-sL"})

Group = tuple[str, str, str]
"""(protocol, state, reason) of ports that are not open."""
Counted = tuple[str, str, list[str]]
"""(state, count, reasons) of ports that are not listed."""


class Told(NamedTuple):
    """What a host says of its ports, whoever it is: see `Reading`."""

    present: Mapping[str, Attributes]
    looks: tuple[Look, ...]
    whole: Whole | None


class _PortKeys(dict[str, str]):
    """From a port's number as it is written to its key, made once."""

    def __init__(self, protocol: str) -> None:
        super().__init__()
        self._protocol = protocol

    def __missing__(self, number: str) -> str:
        if not (number.isascii() and number.isdecimal() and len(number) <= 5 and int(number) <= 65535):
            raise Malformed
        key = self[number] = f"{self._protocol}/{int(number)}"
        return key


PORT_KEYS = {protocol: _PortKeys(protocol) for protocol in ("tcp", "udp", "sctp")}


class Tags:
    """The handlers of an XML parser, and what they have understood so far.

    `ready` collects the readings of finished hosts; whoever drives the parser takes them away. `characters_held`
    and `ports_listed` say how large the host at hand has grown. `told` is for whoever understands many hosts alike:
    it is emptied where the report begins to speak of another scan.
    """

    def __init__(self, look: int) -> None:
        self.parser: XMLParserType | None = None
        self.ready: list[Reading] = []
        self.hosts = self.depth = 0
        self.root: dict[str, str] | None = None
        self.asked = NOTHING
        self.probed = False
        self.finished: dict[str, str] | None = None
        self.counts: dict[str, str] = {}
        self.skipped: list[str] = []
        self._look = look
        self._words: frozenset[str] = frozenset()
        self._one_probe = self._foreign = False
        self._types: dict[str, str] = {}
        self._looks: dict[tuple[Group, str], Look] = {}
        self.told: dict[tuple[str, str, str], Told] = {}
        self._judged: dict[Group, tuple[str, Verdict, str]] = {}
        self._others: dict[str, Callable[[dict[str, str]], None]] = {
            "address": self._address,
            "cpe": self._cpe,
            "extraports": self._extraports,
            "extrareasons": self._extrareasons,
            "finished": self._finished,
            "host": self._host,
            "hostname": self._hostname,
            "hosts": self.counts.update,
            "nmaprun": self._nmaprun,
            "ports": self._ports,
            "scaninfo": self._scaninfo,
            "status": self._status,
            "target": self._target,
        }
        self._host({})
        self._open = self.begun = False

    def ports_listed(self) -> int:
        """How many ports and ranges of ports the host at hand has listed."""
        return len(self._present) + sum(map(len, self._rest.values()))

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Take in a start tag."""
        self.depth += 1
        if name == "port":
            self._protocol = protocol = attributes.get("protocol", "")
            self._number = number = attributes.get("portid", "")
            self._key = PORT_KEYS[protocol][number] if protocol in PORT_KEYS else ""
        elif name == "state":
            if self._key:
                state = attributes.get("state", "")
                if state == "open":
                    self._present[self._key] = NO_ATTRIBUTES
                else:
                    group = (self._protocol, state, attributes.get("reason", ""))
                    self._rest.setdefault(group, []).append(self._number)
        elif name == "service":
            if attributes.get("method") == "probed":
                self._service(attributes)
        elif (handle := self._others.get(name)) is not None:
            handle(attributes)
        else:
            self.begun = True

    def end(self, name: str) -> None:
        """Take in an end tag."""
        self.depth -= 1
        if name == "host" and self._open:
            self._close_host()

    def also(self, name: str, handle: Callable[[dict[str, str]], None]) -> None:
        """Have one more kind of tag handled."""
        self._others[name] = handle

    def _nmaprun(self, attributes: dict[str, str]) -> None:
        self.root = attributes
        self._words = frozenset(attributes.get("args", "").split())
        self._one_probe = _ONE_PROBE.search(attributes.get("args", "")) is not None
        self._foreign = attributes.get("scanner", "nmap") != "nmap"
        self.probed = any(word == "-A" or _VERSIONS.match(word) for word in self._words)

    def _scaninfo(self, attributes: dict[str, str]) -> None:
        protocol = attributes.get("protocol", "")
        if protocol in PORT_KEYS:
            self._looks.clear()
            self._judged.clear()
            self.told.clear()
            self._types[protocol] = "flags" if attributes.get("scanflags") else attributes.get("type", "")
            if attributes.get("services"):
                self.asked |= _keys(protocol, attributes["services"])

    def _target(self, attributes: dict[str, str]) -> None:
        if attributes.get("status") == "skipped":
            self.skipped.append(printable(attributes.get("specification", "")))

    def _finished(self, attributes: dict[str, str]) -> None:
        self.finished = attributes

    def _host(self, attributes: dict[str, str]) -> None:
        self.begun = self._open = True
        self._timed_out = attributes.get("timedout") == "true"
        self._status_word, self._status_reason = "up", ""
        self._subject = ""
        self._notes: list[tuple[str, str]] = []
        self._present: dict[str, Attributes] = {}
        self._rest: dict[Group, list[str]] = {}
        self._counted: list[Counted] = []
        self._state = ""
        self._ranged = True
        self._saw_ports = False
        self._values: dict[str, str] = {}
        self._cpe_parts: list[str] = []
        self._key = self._number = self._protocol = ""
        self.characters_held = 0

    def take(self, address: str, told: Told) -> None:
        """Take in a host that came without its tags, of which this much is understood already."""
        self.begun = True
        self.hosts += 1
        subject = address if _IPV4.match(address) else canonical_address(address)
        if subject:
            self.ready.append(Reading(subject, told.present, told.looks, self._look, (), told.whole))

    def _status(self, attributes: dict[str, str]) -> None:
        self._status_word = attributes.get("state", "")
        self._status_reason = attributes.get("reason", "")

    def _address(self, attributes: dict[str, str]) -> None:
        if not self._open or attributes.get("addrtype") == "mac":
            return
        text = attributes.get("addr", "")
        address = text if _IPV4.match(text) else canonical_address(text)
        if not self._subject:
            self._subject = address or ""
        elif address and address != self._subject:
            if ":" in self._subject and ":" not in address:
                self._subject, address = address, self._subject
            self._note("address", address)

    def _hostname(self, attributes: dict[str, str]) -> None:
        # A name from reverse DNS is what somebody else calls the address; only the one that was asked for counts.
        if self._open and attributes.get("type") == "user" and attributes.get("name"):
            self._note("asked-as", attributes["name"])

    def _note(self, name: str, value: str) -> None:
        self.characters_held += len(name) + len(value)
        self._notes.append((name, printable(value)))

    def _ports(self, _: dict[str, str]) -> None:
        self._saw_ports = True

    def _extraports(self, attributes: dict[str, str]) -> None:
        self._state = attributes.get("state", "")
        self._counted.append((self._state, attributes.get("count", ""), []))
        self._ranged = False
        self.characters_held += 100

    def _extrareasons(self, attributes: dict[str, str]) -> None:
        reason = attributes.get("reason", "")
        ports = attributes.get("ports", "")
        self.characters_held += 100 + len(ports)
        if ports:
            if not self._ranged:
                self._counted.pop()
                self._ranged = True
            self._rest.setdefault((attributes.get("proto", ""), self._state, reason), []).append(ports)
        elif not self._ranged:
            self._counted[-1][2].append(reason)

    def _service(self, attributes: dict[str, str]) -> None:
        self.probed = True
        if self._key not in self._present or attributes.get("name") == "tcpwrapped" or self.parser is None:
            return
        self._values = {
            ours: printable(attributes[theirs]) for ours, theirs in _PROBED if attributes.get(theirs, "").strip()
        }
        self.characters_held += sum(map(len, self._values.values()))
        self.parser.EndElementHandler = self._end_in_service

    def _cpe(self, _: dict[str, str]) -> None:
        if self.parser is not None and self.parser.EndElementHandler == self._end_in_service:
            self._cpe_parts = []
            self.parser.CharacterDataHandler = self._cpe_text

    def _cpe_text(self, text: str) -> None:
        self.characters_held += len(text)
        self._cpe_parts.append(text)

    def _end_in_service(self, name: str) -> None:
        self.depth -= 1
        if self.parser is None:
            return
        if name == "cpe":
            self.parser.CharacterDataHandler = None
            if "".join(self._cpe_parts).strip():
                self._values.setdefault("cpe", printable("".join(self._cpe_parts)))
        elif name == "service":
            self.parser.EndElementHandler = self.end
            if self._key in self._present:
                self._present[self._key] = tuple(sorted(self._values.items()))

    def _close_host(self) -> None:
        self._open = False
        self.hosts += 1
        if self._subject:
            told = self.understand(
                self._status_word,
                self._status_reason,
                self._rest,
                self._present,
                saw_ports=self._saw_ports,
                counted=self._counted,
                timed_out=self._timed_out,
            )
            reading = Reading(self._subject, told.present, told.looks, self._look, tuple(self._notes), told.whole)
            self.ready.append(reading)
        self._present = {}  # What stands between hosts must not change a reading that is already given away.

    def understand(
        self,
        status: str,
        status_reason: str,
        rest: Mapping[Group, Sequence[str]],
        present: dict[str, Attributes],
        *,
        saw_ports: bool,
        counted: Sequence[Counted] = (),
        timed_out: bool = False,
    ) -> Told:
        """What a host says of its ports, all in all."""
        looks: list[Look] = []
        whole = None
        if self._foreign:
            return Told(present, (), None)
        # Nearly every host lists all that was asked: what answers, and what is left as one group.
        seen, left = (len(rest) == 1 and self.asked.split(present)) or (None, NOTHING)
        for group, texts in rest.items():
            text = texts[0] if len(texts) == 1 else ",".join(texts)
            if seen is not None and str(left) == f"{group[0]}/{text}":
                look = Look(*self._judge(group)[1:], left)
                whole = Whole(self.asked, seen, present)
            else:
                look = self._looks.get((group, text)) or self._understand(group, text)
            if look is not _OF_NO_PORT:
                looks.append(look)
        if present and "window" in self._types.values():
            self._doubt_open(present, looks)
        if counted or timed_out or status != "up" or not saw_ports:
            self._look_closer(looks, status, status_reason, present, counted, saw_ports=saw_ports, timed_out=timed_out)
        if len(looks) > 1 or (looks and looks[0].verdict is not _NEGATIVE):
            looks = weigh(
                looks,
                answered=bool(present) or answers(status_reason),
                connect="connect" in self._types.values(),
                one_probe=self._one_probe,
            )
        return Told(present, tuple(looks), whole)

    def _understand(self, group: Group, text: str) -> Look:
        """The look that these ports of one group make; many hosts share it."""
        protocol, verdict, word = self._judge(group)
        look = Look(verdict, word, _keys(protocol, text)) if protocol in PORT_KEYS else _OF_NO_PORT
        if len(self._looks) < _KEPT_LOOKS:
            self._looks[group, text] = look
        return look

    def _judge(self, group: Group) -> tuple[str, Verdict, str]:
        judged = self._judged.get(group)
        if judged is None:
            protocol, state, reason = group
            if not protocol and len(self.asked.families) == 1:
                protocol = self.asked.families[0]
            judged = (protocol, *judge(state, reason, self._types.get(protocol, "")))
            if len(self._judged) < _KEPT_LOOKS:
                self._judged[group] = judged
        return judged

    def _doubt_open(self, present: dict[str, Attributes], looks: list[Look]) -> None:
        """Take back what a window scan calls open: it only infers that from the look of a reset."""
        doubted = [key for key in present if self._types.get(key.partition("/")[0]) == "window"]
        for key in doubted:
            del present[key]
        if doubted:
            looks.append(Look(Verdict.BLIND, "window-scan", Keys.of(doubted)))

    def _look_closer(
        self,
        looks: list[Look],
        status: str,
        status_reason: str,
        present: Mapping[str, Attributes],
        counted: Sequence[Counted],
        *,
        saw_ports: bool,
        timed_out: bool,
    ) -> None:
        """Add what counts alone, the host's status and its time-out say of the ports that it does not list."""
        asked = self.asked or EVERY_PORT
        left = asked - Keys.of(present) if present else asked
        for look in looks:
            left -= look.keys
        if not left:
            return
        if status == "down":
            looks.append(away(status_reason, left, pinged=not self._words & _NO_PING))
        elif status != "up":
            looks.append(Look(Verdict.BLIND, "not-scanned", left))
        elif timed_out:
            looks.append(Look(Verdict.BLIND, "host-timeout", left))
        elif not saw_ports:
            looks.append(Look(Verdict.BLIND, "not-scanned" if self._words & _NO_PORTS else "no-ports", left))
        elif len(counted) == 1 and counted[0][1] == str(len(left)):
            # Before 7.9x there were only counts; they speak where nothing else can be meant.
            state, _, reasons = counted[0]
            types = {self._types.get(family, "") for family in left.families}
            verdict, word = min(judge(state, reason, kind) for reason in reasons or [""] for kind in types)
            looks.append(Look(verdict, word, left))


def _keys(protocol: str, text: str) -> Keys:
    try:
        return Keys.ranges(protocol, parse_spans(text))
    except BadTarget:
        raise Malformed from None
