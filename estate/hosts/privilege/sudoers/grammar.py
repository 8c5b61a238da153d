"""The grammar of sudoers(5): what one logical line grants, names or sets."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeVar

T = TypeVar("T")
Kind = Literal["User", "Runas", "Host", "Cmnd"]
Binding = Literal["", "@", ":", "!", ">"]

_BLANK = re.compile(r"[ \t]*")
_DEFAULTS = re.compile(r"Defaults(?:([@:!>])[ \t]*|(?=[ \t]|\Z))")
_ALIASES = re.compile(r"(User|Runas|Host|Cmnd|Cmd)_Alias[ \t]+")
_ALIAS = re.compile(r"([A-Z][A-Z0-9_]*)[ \t]*=")
_WORD = re.compile(r'%?:?"(?:\\.|[^"\\])*"|[%+]?:?#?-?(?:\\.|[^\\\s,:=()!"#])+', re.DOTALL)
_ADDRESS = re.compile(r"[0-9A-Fa-f]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(?:/[0-9A-Fa-f:.]+)?")
_TAG = re.compile(r"(NO)?(PASSWD|EXEC|INTERCEPT|SETENV|LOG_INPUT|LOG_OUTPUT|MAIL|FOLLOW)[ \t]*:", re.ASCII)
_OPTION = re.compile(
    r"(ROLE|TYPE|APPARMOR_PROFILE|PRIVS|LIMITPRIVS|CWD|CHROOT|TIMEOUT|NOTBEFORE|NOTAFTER)[ \t]*=[ \t]*"
    r'("(?:\\.|[^"\\])*"|(?:\\.|[^\\\s,])+)'
)
_DIGEST = re.compile(r"(sha(?:224|256|384|512))[ \t]*:[ \t]*([A-Za-z0-9+/=]+)[ \t]*(,[ \t]*(?=sha\d{3}[ \t]*:))?")
_COMMAND = re.compile(r'"(?:\\.|[^"\\])*"|\^(?:\\.|[^\\\n])*?\$(?=[ \t,:]|\Z)|(?:\\.|[^\\\s,:=#])+', re.DOTALL)
_PATTERN = re.compile(r"\^(?:\\.|[^\\\n])*?\$(?=[ \t]*(?:[,:#]|\Z))", re.DOTALL)
_ARGUMENTS = re.compile(r"(?:\\.|[^\\,:#\n])+", re.DOTALL)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_VALUE = re.compile(r'"(?:\\.|[^"\\])*"|(?:\\.|[^\\\s,"])+', re.DOTALL)


class Malformed(ValueError):
    """A line that sudo's grammar does not have."""


@dataclass(frozen=True, slots=True)
class Member:
    """One entry of a list: a name as it is spelled, without quotes and escapes, or the name of an alias."""

    text: str
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Command:
    """A command as it is spelled: `ALL`, an alias, `sudoedit`, or a path; `arguments` is None where any will do."""

    path: str
    arguments: str | None = None
    digests: tuple[str, ...] = ()
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """A command with as whom it runs and its tags, after those that it inherits from its left.

    `users` is None where the rule does not say (root), and empty where the caller stays who it is.
    """

    command: Command
    users: tuple[Member, ...] | None
    groups: tuple[Member, ...]
    tags: tuple[tuple[str, bool], ...]
    options: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Specification:
    """Who may run what on which hosts."""

    users: tuple[Member, ...]
    hosts: tuple[Member, ...]
    entries: tuple[Entry, ...]
    file: str = ""


@dataclass(frozen=True, slots=True)
class Alias:
    """A name for a list; commands stand in `commands`, all else in `members`."""

    kind: Kind
    name: str
    members: tuple[Member, ...] = ()
    commands: tuple[Command, ...] = ()


@dataclass(frozen=True, slots=True)
class Setting:
    """One option of a Defaults line.

    `operator` is `=`, `+=` or `-=`; for flags it is `+` where one is set and `!` where it is unset.
    """

    name: str
    operator: str
    value: str
    binding: Binding = ""
    bound: tuple[Member, ...] = ()
    commands: tuple[Command, ...] = ()
    file: str = ""


Parsed = tuple[Specification | Alias | Setting, ...]


def parse_line(text: str, file: str = "") -> Parsed:
    """What a logical line says.

    Raises:
        Malformed: it is none of sudo's.
    """
    return _Scanner(text.rstrip(), file).line()


class _Scanner:
    def __init__(self, text: str, file: str) -> None:
        self._text, self._file, self._at = text, file, 0

    def line(self) -> Parsed:
        if (found := self._match(_ALIASES)) is not None:
            return self._aliases("Cmnd" if found[1] in {"Cmd", "Cmnd"} else _KINDS[found[1]])
        if (found := self._match(_DEFAULTS)) is not None:
            return self._defaults(_BINDINGS[found[1] or ""])
        return self._specifications()

    def _match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        found = pattern.match(self._text, self._at)
        if found is not None:
            self._at = found.end()
        return found

    def _blank(self) -> None:
        self._match(_BLANK)

    def _take(self, sign: str) -> bool:
        """Whether a sign follows, after blanks; it is passed then."""
        self._blank()
        if not self._text.startswith(sign, self._at):
            return False
        self._at += len(sign)
        return True

    def _done(self) -> bool:
        self._blank()
        return self._at >= len(self._text)

    def _need(self, pattern: re.Pattern[str]) -> re.Match[str]:
        self._blank()
        found = self._match(pattern)
        if found is None or found.end() == found.start():
            raise Malformed(self._text)
        return found

    def _list(self, one: Callable[[], T]) -> tuple[T, ...]:
        found = [one()]
        while self._take(","):
            found.append(one())
        return tuple(found)

    def _negated(self) -> bool:
        negated = False
        while self._take("!"):
            negated = not negated
        return negated

    def _member(self) -> Member:
        negated = self._negated()
        self._blank()
        word = (self._match(_ADDRESS) or self._need(_WORD))[0]
        return Member(plain(word), negated)

    def _aliases(self, kind: Kind) -> Parsed:
        found: list[Alias] = []
        while True:
            name = self._need(_ALIAS)[1]
            if kind == "Cmnd":
                found.append(Alias(kind, name, commands=self._list(self._command)))
            else:
                found.append(Alias(kind, name, self._list(self._member)))
            if self._done():
                return tuple(found)
            if not self._take(":"):
                raise Malformed(self._text)

    def _defaults(self, binding: Binding) -> Parsed:
        bound: tuple[Member, ...] = ()
        commands: tuple[Command, ...] = ()
        if binding == "!":
            commands = self._list(self._bound_command)
        elif binding:
            bound = self._list(self._member)
        found: list[Setting] = []
        while not self._done():
            negated = self._negated()
            name = self._need(_NAME)[0]
            operator = next((sign for sign in ("+=", "-=", "=") if self._take(sign)), "")
            if operator:
                value = plain(self._need(_VALUE)[0])
            else:
                operator, value = "!" if negated else "+", ""
            found.append(Setting(name, operator, value, binding, bound, commands, self._file))
            if not self._take(",") and not self._done():
                raise Malformed(self._text)
        return tuple(found)

    def _bound_command(self) -> Command:
        """A command of a Defaults line has no arguments: what follows is the option."""
        negated = self._negated()
        return Command(self._need(_COMMAND)[0], None, (), negated)

    def _specifications(self) -> Parsed:
        users = self._list(self._member)
        found: list[Specification] = []
        while True:
            hosts = self._list(self._member)
            if not self._take("="):
                raise Malformed(self._text)
            found.append(Specification(users, hosts, self._entries(), self._file))
            if self._done():
                return tuple(found)
            if not self._take(":"):
                raise Malformed(self._text)

    def _entries(self) -> tuple[Entry, ...]:
        found: list[Entry] = []
        users: tuple[Member, ...] | None = None
        groups: tuple[Member, ...] = ()
        tags: dict[str, bool] = {}
        options: dict[str, str] = {}
        while True:
            if self._take("("):
                users, groups = self._runas()
            while True:
                self._blank()
                if (tag := self._match(_TAG)) is not None:
                    tags[tag[2]] = tag[1] is None
                elif (option := self._match(_OPTION)) is not None:
                    options[option[1]] = plain(option[2])
                else:
                    break
            entry = Entry(self._command(), users, groups, tuple(sorted(tags.items())), tuple(sorted(options.items())))
            found.append(entry)
            if not self._take(","):
                return tuple(found)

    def _runas(self) -> tuple[tuple[Member, ...], tuple[Member, ...]]:
        users: tuple[Member, ...] = ()
        groups: tuple[Member, ...] = ()
        if not self._text.startswith((":", ")"), _end(_BLANK.match(self._text, self._at), self._at)):
            users = self._list(self._member)
        if self._take(":") and not self._text.startswith(")", _end(_BLANK.match(self._text, self._at), self._at)):
            groups = self._list(self._member)
        if not self._take(")"):
            raise Malformed(self._text)
        return users, groups

    def _command(self) -> Command:
        self._blank()
        digests: list[str] = []
        while (digest := self._match(_DIGEST)) is not None:
            digests.append(f"{digest[1]}:{digest[2]}")
        negated = self._negated()
        path = self._need(_COMMAND)[0]
        if path.startswith('"'):
            path = path[1:-1]
        arguments: str | None = None
        if path[:1] in {"/", "^"} or path in {"sudoedit", "list"}:
            self._blank()
            told = self._match(_PATTERN) or self._match(_ARGUMENTS)
            arguments = " ".join(told[0].split()) if told is not None and told[0].strip() else None
        return Command(path, arguments, tuple(digests), negated)


_KINDS: dict[str, Kind] = {"User": "User", "Runas": "Runas", "Host": "Host"}
_BINDINGS: dict[str, Binding] = {"": "", "@": "@", ":": ":", "!": "!", ">": ">"}


def _end(found: re.Match[str] | None, otherwise: int) -> int:
    return otherwise if found is None else found.end()


def plain(word: str) -> str:
    """A word without its quotes and escapes."""
    before, quote, rest = word.partition('"')
    if quote and rest.endswith('"') and not before.strip("%:"):
        return before + rest[:-1].replace('\\"', '"')
    return re.sub(r"\\(.)", r"\1", word, flags=re.DOTALL)
