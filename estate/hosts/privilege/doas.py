"""doas's rules (doas.conf(5)), as grants like those of sudo."""

import re
from collections.abc import Iterator

from estate.hosts.privilege.sudoers.grammar import Command, Member
from estate.hosts.privilege.sudoers.policy import Grant

_TOKEN = re.compile(r'"((?:\\.|[^"\\])*)"|((?:\\.|[^\s"\\#{}])+)|([{}])|(#.*)|\s+', re.DOTALL)
_EVERYWHERE = (Member("ALL"),)
_ANYBODY = (Member("ALL"),)


class Malformed(ValueError):
    """A line that doas's grammar does not have."""


def doas_grants(text: str, file: str) -> Iterator[Grant | None]:
    """What each line permits; None for a line that is none of doas's. What is denied is not told."""
    for line in text.replace("\\\n", " ").split("\n"):
        try:
            if (grant := _grant(_tokens(line), file)) is not None:
                yield grant
        except Malformed:
            yield None


def _tokens(line: str) -> list[str]:
    found: list[str] = []
    at = 0
    while at < len(line):
        token = _TOKEN.match(line, at)
        if token is None:
            raise Malformed(line)
        at = token.end()
        word = token[1] if token[1] is not None else token[2] or token[3]
        if word is not None:
            found.append(re.sub(r"\\(.)", r"\1", word))
    return found


def _grant(tokens: list[str], file: str) -> Grant | None:
    if not tokens:
        return None
    action, *rest = tokens
    if action not in {"permit", "deny"}:
        raise Malformed(action)
    tags: dict[str, bool] = {}
    while rest and rest[0] in {"nopass", "persist", "keepenv", "nolog", "setenv"}:
        option = rest.pop(0)
        if option == "nopass":
            tags["PASSWD"] = False
        elif option == "keepenv":
            tags["SETENV"] = True
        elif option == "setenv":
            if "}" not in rest:
                raise Malformed(option)
            rest = rest[rest.index("}") + 1 :]
    if not rest:
        raise Malformed(action)
    who = rest.pop(0)
    users, command = _ANYBODY, Command("ALL")
    if rest[:1] == ["as"] and len(rest) > 1:
        users, rest = (Member(rest[1]),), rest[2:]
    if rest[:1] == ["cmd"] and len(rest) > 1:
        path, rest = rest[1], rest[2:]
        arguments = None
        if rest[:1] == ["args"]:
            arguments, rest = " ".join(rest[1:]) or '""', []
        command = Command(path, arguments)
    if rest:
        raise Malformed(action)
    principal = f"%{who[1:]}" if who.startswith(":") else who
    if action == "deny":
        return None
    return Grant(principal, _EVERYWHERE, users, (), tuple(sorted(tags.items())), (), command, file)
