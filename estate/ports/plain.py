"""Hosts that a report describes in the plainest way, recognised as a whole: nearly all of a large scan is made of them.

A parser that is called for every tag spends most of its time being called. What nmap writes of a host without probed
services or scripts is always the same handful of tags, so one regular expression recognises it, character by
character, and hands it on; whatever differs in the least goes to the parser, tag by tag, and means the same.
"""

import re

from estate.observations import NO_ATTRIBUTES
from estate.ports.markup import Malformed, Markup
from estate.ports.tags import PORT_KEYS, Group, Tags, Told

_TEXT = '[^"<&\n\r\t]*+'
_WORD = "[a-z-]*+"
_STATE = "[a-z|]++"
_NUMBER = "[0-9]*+"
_PROTOCOL = "(?:tcp|udp|sctp)"
_REASON = rf'<extrareasons reason="({_WORD})" count="{_NUMBER}" proto="({_PROTOCOL})" ports="([0-9,-]++)"/>\n'
_EXTRA = rf'<extraports state="({_STATE})" count="{_NUMBER}">\n{_REASON}</extraports>\n'
_EXTRAS = re.sub(
    r"\((?!\?)", "(?:", rf'<extraports state="{_STATE}" count="{_NUMBER}">\n(?:{_REASON})++</extraports>\n'
)
_PORT = (
    rf'<port protocol="{_PROTOCOL}" portid="[0-9]++"><state state="{_STATE}" reason="{_WORD}" reason_ttl="{_NUMBER}"/>'
    rf'(?:<service name="{_TEXT}" method="table" conf="{_NUMBER}"/>)?+</port>\n'
)
_MAC_AND_NAMES = (
    rf'(?:<address addr="[0-9A-F:]*+" addrtype="mac"(?: vendor="{_TEXT}")?+/>\n)?+'
    rf'(?:<hostnames>\n(?:<hostname name="{_TEXT}" type="PTR"/>\n)*+</hostnames>\n)?+'
)
_HOST = re.compile(
    rf'<host(?: starttime="{_NUMBER}" endtime="{_NUMBER}")?+>'
    rf'<status state="(up|down)" reason="({_WORD})" reason_ttl="{_NUMBER}"/>\n'
    rf'<address addr="([0-9a-f.:]++)" addrtype="ipv[46]"/>\n{_MAC_AND_NAMES}'
    rf"(<ports>(?:{_EXTRA})?+((?:{_EXTRAS})*+)((?:{_PORT})*+)</ports>\n)?+"
    rf'(?:<times srtt="-?{_NUMBER}" rttvar="-?{_NUMBER}" to="-?{_NUMBER}"/>\n)?+'
    r"</host>\n?+"
)
_HINTS = re.compile(
    rf'(?:<hosthint><status state="up" reason="{_WORD}" reason_ttl="{_NUMBER}"/>\n'
    rf'<address addr="[0-9a-f.:]++" addrtype="ipv[46]"/>\n{_MAC_AND_NAMES}</hosthint>\n)++'
)
"""What `-v` says of hosts as soon as they are known to be up, long before their ports: it proves nothing yet."""
_IN_EXTRAS = re.compile(
    r'<extraports state="([a-z|]+)"|<extrareasons reason="([a-z-]*)" count="[0-9]*" proto="([a-z]+)" ports="([^"]+)"'
)
_IN_PORT = re.compile(r'<port protocol="([a-z]+)" portid="([0-9]+)"><state state="([a-z|]+)" reason="([a-z-]*)"')
_OPEN_TCP = re.compile('"tcp" portid="([0-9]+)"><state state="open"')
_OPENING = re.compile("<host(?:hint)?+[ >]")
_TCP = PORT_KEYS["tcp"]
_MARK = "roundsman-mark"
_LONGEST = 1 << 20
_KEPT = 2_000
"""What many hosts say alike is found among what the first of them said; where each says something else, all is new."""


class PlainHosts:
    """Stands before a parser and takes the plain hosts out of what it is fed."""

    def __init__(self, tags: Tags, markup: Markup) -> None:
        self._tags = tags
        self._markup = markup
        self._held = ""
        self._between_hosts = self._mark_seen = False
        tags.also(_MARK, self._see_mark)

    def feed(self, text: str, final: bool) -> None:
        """Take in a piece of the report; a host that it cuts in two is kept until the rest of it comes."""
        text, self._held = self._held + text, ""
        fed = search = self._take_hosts(text, 0) if self._between_hosts else 0
        last_end = max(text.rfind("</host>"), text.rfind("</hosthint>"))
        while (opening := _OPENING.search(text, search)) is not None:
            at = opening.start()
            host = _HOST.match(text, at) or _HINTS.match(text, at)
            if host is not None:
                search = host.end()
                if at > fed or not self._between_hosts:
                    self._parse(text[fed:at])
                    fed = at
                    self._between_hosts = self._stands_between_hosts()
                if self._between_hosts:
                    fed = self._take_hosts(text, at)
                    search = max(search, fed)
            elif at > last_end and len(text) - at < _LONGEST and not final:
                text, self._held = text[:at], text[at:]
                break
            else:
                search = at + 1
        if fed < len(text):
            self._parse(text[fed:])

    def _take_hosts(self, text: str, at: int) -> int:
        """Take the plain hosts and hints that follow one another from here on, and say where they end."""
        start = at
        while (host := _HOST.match(text, at) or _HINTS.match(text, at)) is not None:
            if host.re is _HOST and not self._take(host):
                break
            at = host.end()
        self._markup.lines_not_parsed += text.count("\n", start, at)
        return at

    def _parse(self, text: str) -> None:
        self._between_hosts = False
        self._markup.parse(text)

    def _stands_between_hosts(self) -> bool:
        """Whether a tag at this place would be one of the report's own: not in a comment, nor inside another host."""
        if self._tags.depth != 1:
            return False
        self._mark_seen = False
        self._markup.parse(f"<{_MARK}/>")
        return self._mark_seen

    def _see_mark(self, _: dict[str, str]) -> None:
        self._mark_seen = True

    def _take(self, host: re.Match[str]) -> bool:
        status, reason, address, ports, *_ = host.groups("")
        same = (status, reason, ports)
        told = self._tags.told.get(same)
        if told is None:
            try:
                told = self._understand(host)
            except Malformed:
                return False  # The parser will come to it, and say at which line.
            if len(self._tags.told) < _KEPT:
                self._tags.told[same] = told
        self._tags.take(address, told)
        return True

    def _understand(self, host: re.Match[str]) -> Told:
        status, status_reason, _, ports, state, reason, protocol, ranges, extras, listed = host.groups("")
        groups: dict[Group, list[str]] = {(protocol, state, reason): [ranges]} if ranges else {}
        if extras:
            for named, reason, protocol, ranges in _IN_EXTRAS.findall(extras):
                if named:
                    state = named
                else:
                    groups.setdefault((protocol, state, reason), []).append(ranges)
        numbers = _OPEN_TCP.findall(listed)
        present = dict.fromkeys([_TCP[number] for number in numbers], NO_ATTRIBUTES)
        if len(numbers) < listed.count("<port "):
            for protocol, number, state, reason in _IN_PORT.findall(listed):
                key = PORT_KEYS[protocol][number]
                if state == "open":
                    present[key] = NO_ATTRIBUTES
                else:
                    groups.setdefault((protocol, state, reason), []).append(number)
        return self._tags.understand(status, status_reason, groups, present, saw_ports=bool(ports))
