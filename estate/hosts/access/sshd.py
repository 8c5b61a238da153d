"""The ssh server's settings in force: as it says itself, or else as its files and defaults have it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from estate.hosts.access import sshd_files
from estate.hosts.access.seen import seen_lines
from estate.hosts.access.texts import seen_texts
from estate.hosts.host import Host

DEFAULTS: Mapping[str, str] = {
    "permitrootlogin": "prohibit-password",
    "passwordauthentication": "yes",
    "kbdinteractiveauthentication": "yes",
    "permitemptypasswords": "no",
    "usepam": "no",
    "strictmodes": "yes",
    "maxauthtries": "6",
    "logingracetime": "120",
    "x11forwarding": "no",
    "hostbasedauthentication": "no",
    "ignorerhosts": "yes",
    "permituserenvironment": "no",
    "gatewayports": "no",
    "loglevel": "INFO",
    "authenticationmethods": "any",
}
"""Those of OpenSSH since 7.0; which algorithms it offers by itself depends on the version, and is not guessed."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings by their name in lower case; `whose` is empty for everybody's, else a user or a Match's criteria."""

    values: Mapping[str, str] = field(default_factory=dict)
    whose: str = ""

    def get(self, name: str) -> str:
        """A setting's value, in lower case; its default where it is not set, and nothing where that is not known."""
        return self.values.get(name, DEFAULTS.get(name, "")).lower()

    def over(self, other: "Settings") -> "Settings":
        """These settings, and the other ones where these say nothing."""
        return Settings({**other.values, **self.values}, self.whose)


@dataclass(frozen=True, slots=True)
class Server:
    """What an ssh server does.

    Args:
        there: whether there is one at all.
        asked: whether it said so itself, with every default.
        settings: what holds for everybody.
        users: what holds for some of those who may log in, where there are Match blocks and it could be asked.
        blocks: what each Match block of the files changes.
        unseen: why these may not be its settings, or not all; empty where they are.
    """

    there: bool
    asked: bool
    settings: Settings
    users: tuple[Settings, ...]
    blocks: tuple[Settings, ...]
    unseen: str


def read_server(host: Host) -> Server:
    """Read the section `sshd`.

    Raises:
        Unseen: nothing of it came.
    """
    texts = seen_texts(host, "sshd")
    lines = sshd_files.settings(texts)
    told, users = _told(seen_lines(host, "sshd"))
    everybodys = _first((line.name, line.value) for line in lines if not line.match)
    criteria = dict.fromkeys(line.match for line in lines if line.match)
    blocks = tuple(_first(((line.name, line.value) for line in lines if line.match == each), each) for each in criteria)
    unseen = host.fault("sshd") or ("no-privilege" if texts.denied else "")
    if told is None and not unseen and not texts.files and "absent" not in texts.said:
        unseen = "unreadable"
    return Server("absent" not in texts.said, told is not None, told or everybodys, users, blocks, unseen)


def _told(lines: Iterable[str]) -> tuple[Settings | None, tuple[Settings, ...]]:
    """What `sshd -T` said, for everybody and for each user."""
    blocks: list[tuple[str, list[tuple[str, str]]]] = []
    open_ = False
    for line in lines:
        if line.startswith("!"):
            word, _, name = line[1:].partition(" ")
            if word == "unknown" and open_:
                blocks.pop()
            open_ = word in {"global", "user"}
            if open_:
                blocks.append((name, []))
        elif open_ and not line.startswith("\t"):
            name, _, value = line.partition(" ")
            blocks[-1][1].append((name.lower(), value.strip()))
    everybody = next((found for name, found in blocks if not name), None)
    users = tuple(_first(found, name) for name, found in blocks if name)
    return None if everybody is None else _first(everybody), users


def _first(pairs: Iterable[tuple[str, str]], whose: str = "") -> Settings:
    found: dict[str, str] = {}
    for name, value in pairs:
        found.setdefault(sshd_files.SAME.get(name, name), value)
    return Settings(found, whose)
