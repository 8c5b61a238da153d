"""Who listens on a host: sockets, the programs behind them, and the packages that these are from."""

import ipaddress
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from estate.hosts.access.accounts import seen_accounts
from estate.hosts.access.seen import seen_lines
from estate.hosts.host import Host, Unseen
from estate.hosts.who import read_who

_LOCAL = re.compile(r"(.*):(\d{1,5}|\*)\Z")
_HEX = re.compile(r"([0-9A-Fa-f]{8}|[0-9A-Fa-f]{32}):([0-9A-Fa-f]{4})\Z")
_BIG_ENDIAN = frozenset({"s390x", "s390", "ppc64", "ppc", "mips", "mips64", "sparc64", "parisc", "parisc64", "armeb"})
_EPHEMERAL = (32768, 60999)
_GONE = " (deleted)"


@dataclass(frozen=True, slots=True)
class Program:
    """A process's program.

    `exe` is its path as the process sees it; `gone` where that file is no longer there; `user` is who it runs as;
    `package` is empty where none owns it, or where it is not this machine's own file (a container's).
    """

    exe: str
    gone: bool
    user: str
    package: str = ""

    @property
    def name(self) -> str:
        """The file's name."""
        return self.exe.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Listener:
    """A socket that waits for others.

    `address` is `*` where it is all of IPv6 and IPv4, else an address, with its interface where it is bound to one.
    `program` is None where the kernel listens, or where who asked may not see whose it is. `uid` made the socket.
    """

    proto: str
    address: str
    port: int
    uid: int
    program: Program | None

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach it."""
        bare, _, interface = self.address.partition("%")
        return interface == "lo" or (bare != "*" and _address(bare).is_loopback)

    @property
    def process(self) -> str:
        """The program's name, or nothing."""
        return self.program.name if self.program else ""

    @property
    def exe(self) -> str:
        """The program's path, or nothing."""
        return self.program.exe if self.program else ""

    @property
    def user(self) -> str:
        """As whom the program runs, or nothing."""
        return self.program.user if self.program else ""

    @property
    def package(self) -> str:
        """The package that the program is from, or nothing."""
        return self.program.package if self.program else ""


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    address = ipaddress.ip_address(text)
    return getattr(address, "ipv4_mapped", None) or address


def read_listeners(host: Host) -> tuple[Listener, ...]:
    """Every listening socket, once, in order of protocol, port and address; programs are seen by root alone.

    Raises:
        Unseen: the list did not come, or is not whole.
    """
    fault = host.fault("sockets")
    if fault not in {"", "no-privilege"}:
        raise Unseen(fault)
    return seen_listeners(host)


def seen_listeners(host: Host) -> tuple[Listener, ...]:
    """Those listening sockets that came.

    UDP ports that the system hands out by itself are left out: they are the near ends of questions, and new each time.

    Raises:
        Unseen: nothing came.
    """
    holders: dict[int, set[int]] = {}
    sockets: list[tuple[str, str, int, int, int]] = []
    first, last = _EPHEMERAL
    lines = [line.split(" ") for line in seen_lines(host, "sockets")]
    for words in lines:
        if words[0] == "!range":
            found = [int(word) for word in " ".join(words[1:]).split() if word.isdecimal() and len(word) < 6]
            first, last = (found[0], found[1]) if len(found) == 2 else (first, last)
        elif words[0] in {"s", "h"} and len(words) == 5 and (socket := _socket(host, words)) is not None:
            sockets.append(socket)
        elif words[0] == "i" and len(words) == 3 and words[1].isdecimal() and words[2].isdecimal():
            holders.setdefault(int(words[1][:20]), set()).add(int(words[2][:10]))
    programs = read_programs(host, "sockets")
    made = {
        (proto, address, port): Listener(proto, address, port, uid, _of(holders.get(inode, ()), programs))
        for proto, address, port, uid, inode in sockets
        if proto == "tcp" or not first <= port <= last or (inode == 0)
    }
    return tuple(made[key] for key in sorted(made, key=lambda key: (key[0], key[2], key[1])))


def _of(pids: Iterable[int], programs: Mapping[int, Program]) -> Program | None:
    """Of several processes with one socket, the same one each time, and root's before others'."""
    found = [programs[pid] for pid in pids if pid in programs]
    return min(found, key=lambda each: (each.user != "root", each.exe, each.user)) if found else None


def read_programs(host: Host, section: str) -> Mapping[int, Program]:
    """Programs by the process's id, which means nothing beyond this collection."""
    names = _names(host)
    lines = seen_lines(host, section)
    owners: dict[str, str] = {}
    for line in lines:
        words = line.split(" ", 2)
        if words[0] == "o" and len(words) == 3:
            owners.setdefault(_merged(words[2]), words[1])
    found: dict[int, Program] = {}
    for line in lines:
        words = line.split(" ", 4)
        if words[0] != "x" or len(words) != 5 or not (words[1].isdecimal() and len(words[1]) < 11) or not words[4]:
            continue
        exe = words[4].removesuffix(_GONE)
        package = owners.get(_merged(exe), "") if words[3] == "own" else ""
        found[int(words[1])] = Program(exe, words[4].endswith(_GONE), names.get(words[2], words[2]), package)
    return found


def _merged(path: str) -> str:
    """A path under which both spellings of /usr/bin/x and /bin/x are found."""
    return path.removeprefix("/usr")


def _names(host: Host) -> dict[str, str]:
    try:
        return {str(account.uid): account.name for account in reversed(host.read(seen_accounts))}
    except Unseen:
        return {}


def _socket(host: Host, words: list[str]) -> tuple[str, str, int, int, int] | None:
    """Protocol, address, port, uid, inode; as ss tells it (`s`) or the kernel's own tables do (`h`)."""
    local = _of_ss(words[2]) if words[0] == "s" else _of_kernel(words[2], _big_endian(host), words[1].endswith("6"))
    numbers = [word for word in words[3:] if word.isdecimal() and word.isascii() and len(word) < 20]
    if local is None or len(numbers) != 2 or local[1] == 0:
        return None
    return words[1].removesuffix("6"), *local, int(numbers[0]), int(numbers[1])


def _big_endian(host: Host) -> bool:
    try:
        return host.read(read_who).machine in _BIG_ENDIAN
    except Unseen:
        return False


def _of_ss(text: str) -> tuple[str, int] | None:
    found = _LOCAL.match(text)
    if found is None or found[2] == "*" or int(found[2]) > 65535:
        return None
    bare, _, interface = found[1].replace("[", "").replace("]", "").partition("%")
    try:
        shown = bare if bare == "*" else str(_address(bare))
    except ValueError:
        return None
    return (f"{shown}%{interface}" if interface else shown), int(found[2])


def _of_kernel(text: str, big: bool, six: bool) -> tuple[str, int] | None:
    """An address in the kernel's words of four bytes, each in the machine's own order."""
    found = _HEX.match(text)
    if found is None:
        return None
    raw = bytes.fromhex(found[1])
    if not big:
        raw = b"".join(raw[at : at + 4][::-1] for at in range(0, len(raw), 4))
    shown = "*" if six and raw == bytes(16) else str(_address(str(ipaddress.ip_address(raw))))
    return shown, int(found[2], 16)
