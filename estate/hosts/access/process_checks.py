"""Who listens, what runs from where no program belongs, and who guesses: HOST-ACC-022 to 025."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from estate.findings import Severity
from estate.hosts.access.listeners import Listener, Program, read_listeners, read_programs, seen_listeners
from estate.hosts.access.seen import seen_lines
from estate.hosts.access.shadow import read_openers
from estate.hosts.access.sshd import read_server
from estate.hosts.access.sshd_judged import passwords_open
from estate.hosts.checks import Check, Inventoried, Inventory, Problem, attributes
from estate.hosts.host import Host, Unseen

OPEN_BY_NATURE: Mapping[tuple[str, int], tuple[str, Severity]] = {
    ("tcp", 23): ("telnet", Severity.HIGH),
    ("tcp", 512): ("rexec", Severity.HIGH),
    ("tcp", 513): ("rlogin", Severity.HIGH),
    ("tcp", 514): ("rsh", Severity.HIGH),
    ("udp", 69): ("TFTP", Severity.HIGH),
    ("tcp", 2375): ("Docker without TLS", Severity.HIGH),
    ("tcp", 2379): ("etcd", Severity.MEDIUM),
    ("tcp", 6379): ("Redis", Severity.HIGH),
    ("tcp", 9200): ("Elasticsearch", Severity.MEDIUM),
    ("tcp", 10255): ("the kubelet's read-only port", Severity.MEDIUM),
    ("tcp", 11211): ("memcached", Severity.HIGH),
    ("udp", 11211): ("memcached", Severity.HIGH),
    ("tcp", 27017): ("MongoDB", Severity.HIGH),
    ("tcp", 873): ("rsync", Severity.MEDIUM),
    ("tcp", 111): ("rpcbind", Severity.LOW),
    ("udp", 111): ("rpcbind", Severity.LOW),
    ("tcp", 21): ("FTP", Severity.LOW),
}
"""Services that ask nobody who they are, or in clear, by the port on which they are."""
_BY_PROGRAM: Mapping[str, tuple[str, Severity]] = {
    "redis-server": ("Redis", Severity.HIGH),
    "valkey-server": ("Valkey", Severity.HIGH),
    "memcached": ("memcached", Severity.HIGH),
    "mongod": ("MongoDB", Severity.HIGH),
    "in.telnetd": ("telnet", Severity.HIGH),
    "telnetd": ("telnet", Severity.HIGH),
    "in.tftpd": ("TFTP", Severity.HIGH),
    "in.rlogind": ("rlogin", Severity.HIGH),
    "in.rshd": ("rsh", Severity.HIGH),
}
_ASKS = frozenset({"sshd", "wg", "tailscaled"})
"""Programs that ask who is there, on whatever port."""
_TEMPORARY = re.compile(r"/(tmp|var/tmp|dev/shm|dev/mqueue|run/shm|run/user/\d+|run/lock)/")
_REPLACED = re.compile(r"/(usr|bin|sbin|lib|lib64|opt|srv|snap|nix|gnu|var/lib|app)/")
_HOMES = re.compile(r"/(home|root)/")
_HELD_BY_RUNTIMES = re.compile(r"/memfd:(runc_cloned|crun_cloned|lxc_cloned|youki)")
"""Container runtimes run from memory for a moment, so that a container cannot write their file: CVE-2019-5736."""


def open_services(host: Host) -> Iterator[Problem]:
    """Sockets for everybody on the network, of services that hardly ask who is there."""
    for listener in host.read(seen_listeners):
        found = None if listener.loopback else _service(listener)
        if found is not None:
            name, severity = found
            place = f"{listener.proto}/{listener.port}"
            by = f" of {listener.process}" if listener.process else ""
            yield Problem(place, severity, f"{name}: {place} on {listener.address}{by}", listener.process)
    host.section("sockets")


def _service(listener: Listener) -> tuple[str, Severity] | None:
    if listener.process in _ASKS:
        return None
    return _BY_PROGRAM.get(listener.process) or OPEN_BY_NATURE.get((listener.proto, listener.port))


def inventory_listeners(host: Host) -> Iterator[Inventoried]:
    """Every listening socket as `tcp/8443@address`, with whose it is where that may be seen."""
    for each in host.read(read_listeners):
        yield (
            f"{each.proto}/{each.port}@{each.address}",
            attributes(
                reach="loopback" if each.loopback else "network",
                process=each.process or None,
                exe=each.exe or None,
                user=each.user or None,
                package=each.package or None,
            ),
        )


def strange_programs(host: Host) -> Iterator[Problem]:
    """Programs from directories that anybody may write to, from memory, or whose file was taken away."""
    try:
        listening = {each.exe for each in host.read(seen_listeners)}
    except Unseen:
        listening = set()
    told: set[str] = set()
    for program in read_programs(host, "exes").values():
        found = _strange(program, listening=program.exe in listening)
        if found is not None and program.exe not in told:
            told.add(program.exe)
            yield Problem(program.exe, found[0], f"{program.exe} {found[1]}, run by {program.user}", program.user)
    host.section("exes")


def _strange(program: Program, *, listening: bool) -> tuple[Severity, str] | None:
    severity = Severity.CRITICAL if listening else Severity.HIGH
    if program.exe.startswith("/memfd:"):
        return None if _HELD_BY_RUNTIMES.match(program.exe) else (severity, "runs from memory, without a file")
    if _TEMPORARY.match(program.exe):
        if program.exe.startswith("/tmp/.mount_"):  # noqa: S108  # where AppImages mount themselves
            return Severity.LOW, "is an AppImage in a temporary directory"
        return severity, "runs from a temporary directory"
    if not program.gone or _REPLACED.match(program.exe):
        return None
    if _HOMES.match(program.exe):
        return (Severity.MEDIUM, "listens, and its file is gone") if listening else None
    return severity, "runs, and its file is gone"


@dataclass(frozen=True, slots=True)
class Guesses:
    """Where passwords were guessed from in the last two days, and who came in from there by one."""

    sources: tuple[str, ...]
    entered: tuple[tuple[str, str], ...]


def read_guesses(host: Host) -> Guesses:
    """Read the section `logins`.

    Raises:
        Unseen: nothing came.
    """
    sources: list[str] = []
    entered: list[tuple[str, str]] = []
    for line in seen_lines(host, "logins"):
        tag, _, rest = line.partition(" ")
        source, _, user = rest.partition(" ")
        if tag == "F" and source:
            sources.append(source)
        elif tag == "A" and source and user:
            entered.append((source, user))
    return Guesses(tuple(sorted(sources)), tuple(sorted(set(entered))))


def guessed_passwords(host: Host) -> Iterator[Problem]:
    """Guessing that may come to something, and guessing that did."""
    try:
        server = host.read(read_server)
        if not server.there:
            return
        possible = bool(server.unseen) or passwords_open(server.settings) or bool(server.users or server.blocks)
    except Unseen:
        possible = True
    guesses = host.read(read_guesses)
    for source, user in guesses.entered:
        evidence = f"{user} came in by a password from {source}, where 20 or more were guessed wrong in a day"
        yield Problem(f"{source}:{user}", Severity.CRITICAL, evidence, user)
    if guesses.sources and possible and _anybody_opens(host):
        yield Problem("ssh", Severity.MEDIUM, "20 or more passwords in a day are guessed from one address")
    host.section("logins")


def _anybody_opens(host: Host) -> bool:
    try:
        return bool(host.read(read_openers))
    except Unseen:
        return True


def changed_host_key(host: Host) -> Iterator[Problem]:
    """Another key than the one we know: somebody else's machine, or a new one under an old name."""
    if host.visit.error == "host-key-changed":
        yield Problem("host", Severity.CRITICAL, "the host showed another ssh key than the one that is known")
    host.section("who", partly=True)


INVENTORY = (Inventory("listener", "access", inventory_listeners),)
CHECKS = (
    Check(
        "HOST-ACC-022",
        "Passwords are being guessed over ssh",
        guessed_passwords,
        "Let only keys in (PasswordAuthentication no), and keep guessers away with a firewall or fail2ban; if somebody"
        " came in: change the password of {rest}, and look at what was done.",
        controls=("8.11",),
        attack=("T1110.001",),
    ),
    Check(
        "HOST-ACC-023",
        "A service that asks nobody who they are listens to the network",
        open_services,
        "ss -lntup   # look for {resource}, and stop it, or bind it to 127.0.0.1 in its own settings",
        cis=("2.1.22",),
        controls=("4.8",),
        attack=("T1049", "T1571"),
    ),
    Check(
        "HOST-ACC-024",
        "A program runs from where no program belongs",
        strange_programs,
        "ls -l /proc/[0-9]*/exe | grep -F -- {resource}   # keep a copy (`cp /proc/PID/exe`), then isolate the host",
        controls=("10.5",),
        attack=("T1036", "T1564", "T1070.004"),
    ),
    Check(
        "HOST-ACC-025",
        "The host shows another ssh key than before",
        changed_host_key,
        "Compare the fingerprint on the host's own console (`ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub`) before"
        " anything is trusted; only then put it into known_hosts.",
        attack=("T1557",),
    ),
)
