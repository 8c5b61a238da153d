"""Hosts that a report describes in the plainest way, recognised as a whole: nearly all of a large scan is made of them.

A parser that is called for every tag spends most of its time being called. What nmap writes of a host without probed
services or scripts is always the same handful of tags, so one regular expression recognises it, character by
character, and hands it on; whatever differs in the least goes to the parser, tag by tag, and means the same.
"""

import re

from estate.observations import NO_ATTRIBUTES, Attributes
from estate.ports.markup import Malformed, Markup
from estate.ports.tags import PORT_KEYS, Group, Tags

_TEXT = '[^"<&\n\r\t]*+'
_WORD = "[a-z-]*+"
_STATE = "[a-z|]++"
_NUMBER = "[0-9]*+"
_PROTOCOL = "(?:tcp|udp|sctp)"
_EXTRA = (
    rf'<extraports state="{_STATE}" count="{_NUMBER}">\n'
    rf'(?:<extrareasons reason="{_WORD}" count="{_NUMBER}" proto="{_PROTOCOL}" ports="[0-9,-]++"/>\n)++'
    r"</extraports>\n"
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
    rf"(<ports>((?:{_EXTRA})*+)((?:{_PORT})*+)</ports>\n)?+"
    rf'(?:<times srtt="-?{_NUMBER}" rttvar="-?{_NUMBER}" to="-?{_NUMBER}"/>\n)?+'
    r"</host>\n?+"
)
_HINTS = re.compile(
    rf'(?:<hosthint><status state="up" reason="{_WORD}" reason_ttl="{_NUMBER}"/>\n'
    rf'<address addr="[0-9a-f.:]++" addrtype="ipv[46]"/>\n{_MAC_AND_NAMES}</hosthint>\n)++'
)
"""What `-v` says of hosts as soon as they are known to be up, long before their ports: it proves nothing yet."""
_IN_EXTRA = re.compile(
    r'<extraports state="([a-z|]+)"|<extrareasons reason="([a-z-]*)" count="[0-9]*" proto="([a-z]+)" ports="([^"]+)"'
)
_IN_PORT = re.compile(r'<port protocol="([a-z]+)" portid="([0-9]+)"><state state="([a-z|]+)" reason="([a-z-]*)"')
_OPENING = re.compile("<host(?:hint)?+[ >]")
_MARK = "roundsman-mark"
_LONGEST = 1 << 20


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
        fed = search = 0
        last_end = max(text.rfind("</host>"), text.rfind("</hosthint>"))
        while (opening := _OPENING.search(text, search)) is not None:
            at = opening.start()
            host = _HOST.match(text, at) or _HINTS.match(text, at)
            if host is not None:
                if at > fed or not self._between_hosts:
                    self._parse(text[fed:at])
                    fed = at
                    self._between_hosts = self._stands_between_hosts()
                if self._between_hosts and (host.re is _HINTS or self._take(host)):
                    fed = search = host.end()
                    self._markup.lines_not_parsed += text.count("\n", at, fed)
                    continue
            elif at > last_end and len(text) - at < _LONGEST and not final:
                text, self._held = text[:at], text[at:]
                break
            search = at + 1 if host is None else host.end()
        if fed < len(text):
            self._parse(text[fed:])

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
        status, reason, address, ports, extras, listed = host.groups("")
        try:
            groups, present = _read_ports(extras, listed)
            self._tags.take_host(status, reason, address, groups, present, saw_ports=bool(ports))
        except Malformed:
            return False  # The parser will come to it, and say at which line.
        return True


def _read_ports(extras: str, listed: str) -> tuple[dict[Group, list[str]], dict[str, Attributes]]:
    groups: dict[Group, list[str]] = {}
    present: dict[str, Attributes] = {}
    state = ""
    for named, reason, protocol, ports in _IN_EXTRA.findall(extras):
        if named:
            state = named
        else:
            groups.setdefault((protocol, state, reason), []).append(ports)
    for protocol, number, named, reason in _IN_PORT.findall(listed):
        key = PORT_KEYS[protocol][number]
        if named == "open":
            present[key] = NO_ATTRIBUTES
        else:
            groups.setdefault((protocol, named, reason), []).append(number)
    return groups, present
