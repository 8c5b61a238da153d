"""What lies in the homes of a host: keys that may log in, keys that log in elsewhere, trust, and credentials."""

from dataclasses import dataclass

from estate.hosts.access.authorized import Entry, read_entry
from estate.hosts.access.seen import seen_lines
from estate.hosts.host import Host, Unseen

_NONE_OF_IT = {"denied": "no-privilege", "cut": "cut", "far": "not-asked"}


@dataclass(frozen=True, slots=True)
class Place:
    """A file or directory: whose account it was found under, what is known of its content, and its stat.

    `kind`: `plain` or `encrypted` for a private key, `all` or `some` for trust in other hosts.
    """

    user: str
    path: str
    mode: int
    uid: int
    gid: int
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Key:
    """A key that may log in as `user`, and the file that says so."""

    user: str
    path: str
    entry: Entry


@dataclass(frozen=True, slots=True)
class Ways:
    """Everything found, and `unseen`: the reasons why that is not all."""

    homes: tuple[Place, ...]
    directories: tuple[Place, ...]
    files: tuple[Place, ...]
    keys: tuple[Key, ...]
    private: tuple[Place, ...]
    trusts: tuple[Place, ...]
    credentials: tuple[Place, ...]
    enclosing: tuple[Place, ...]
    unseen: tuple[str, ...]

    def whole(self) -> None:
        """Say so where this is not all.

        Raises:
            Unseen: a home or a file could not be looked into.
        """
        for reason in self.unseen:
            raise Unseen(reason)


def read_ways(host: Host) -> Ways:
    """Read the section `keys`; what was cut off counts as unseen.

    Raises:
        Unseen: nothing of it came.
    """
    places: dict[str, list[Place]] = {tag: [] for tag in "HDFPRCE"}
    keys: list[Key] = []
    unseen: dict[str, None] = {}
    user, path = "", ""
    for line in seen_lines(host, "keys"):
        tag, _, rest = line.partition(" ")
        if line.startswith("@"):
            user, path = line[1:], ""
        elif line.startswith("!"):
            unseen.setdefault(_NONE_OF_IT.get(tag[1:], "failed"))
        elif tag == "K":
            if path and (entry := read_entry(rest)) is not None:
                keys.append(Key(user, path, entry))
        elif tag in places:
            kind, _, stat = rest.partition(" ") if tag in {"P", "R"} else ("", "", rest)
            place = place_of(user, stat, kind)
            path = place.path if place is not None and tag == "F" else ""
            places[tag] += [place] if place is not None else []
    if host.fault("keys"):
        unseen.setdefault(host.fault("keys"))
    homes, directories, files, private, trusts, credentials, around = (tuple(found) for found in places.values())
    return Ways(homes, directories, files, tuple(keys), private, trusts, credentials, around, tuple(unseen))


def place_of(user: str, text: str, kind: str = "") -> Place | None:
    """`MODE UID GID PATH`, as stat tells it."""
    words = text.split(" ", 3)
    if len(words) != 4:
        return None
    mode, uid, gid = _number(words[0], 8), _number(words[1], 10), _number(words[2], 10)
    return None if mode is None or uid is None or gid is None else Place(user, words[3], mode, uid, gid, kind)


def _number(text: str, radix: int) -> int | None:
    digits = "01234567" if radix == 8 else "0123456789"
    return int(text, radix) if text and len(text) < 12 and all(character in digits for character in text) else None
