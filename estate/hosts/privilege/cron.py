"""What cron runs as root, and who may write there."""

from collections.abc import Iterator
from dataclasses import dataclass

from estate.findings import Severity
from estate.hosts.checks import Check, Problem
from estate.hosts.host import Host, Unseen, lines
from estate.hosts.privilege.gtfobins import program, words
from estate.hosts.privilege.paths import Paths, Stat, parse_stat, read_paths

_PASSES_ON = words(
    "nice ionice timeout nohup setsid chronic env exec sudo time command eatmydata stdbuf then do else !"
)
_SCRIPTED = words("sh bash dash ash ksh zsh python perl ruby php node lua run-parts . source flock")
_ASKS = words("test [ cd if while")
_LOCK_FIRST = "flock"


@dataclass(frozen=True, slots=True)
class Job:
    """One line of a crontab: whose it is, and each of its commands as words, of which arguments are only paths."""

    file: str
    user: str
    commands: tuple[tuple[str, ...], ...]

    def runs(self) -> Iterator[str]:
        """The paths that it executes."""
        for command in self.commands:
            rest = list(command)
            while rest and program(rest[0]) in _PASSES_ON:
                rest.pop(0)
            if not rest or program(rest[0]) in _ASKS:
                continue
            name = program(rest[0])
            if rest[0].startswith("/"):
                yield rest[0]
            # The first path after an interpreter is its script; after flock it is the lock, and then the command.
            given = [word for word in rest[1:] if word.startswith("/")][name == _LOCK_FIRST :]
            if name in _SCRIPTED:
                yield from given[:1]


@dataclass(frozen=True, slots=True)
class Cron:
    """cron's tables and directories; `path` are the PATH lines with the file that they stand in."""

    jobs: tuple[Job, ...]
    modes: tuple[tuple[str, Stat], ...]
    path: tuple[tuple[str, str], ...]


def read_cron(host: Host) -> Cron:
    """What cron would run.

    Raises:
        Unseen: nothing came.
    """
    rows = lines(host.section("cron", partly=True))
    jobs: list[Job] = []
    modes: list[tuple[str, Stat]] = []
    path: list[tuple[str, str]] = []
    at = ""
    for row in rows[:-1] if host.fault("cron") else rows:
        if row.startswith("= ") and (found := parse_stat(row[2:])) is not None:
            at = found[0]
            modes.append(found)
        elif row.startswith("J ") and len(parts := row.split()) > 1:
            commands: list[tuple[str, ...]] = []
            command: list[str] = []
            for word in (*parts[2:], ";"):
                if word != ";":
                    command.append(word)
                elif command:
                    commands.append(tuple(command))
                    command = []
            jobs.append(Job(at, parts[1].replace("\x01", "\n"), tuple(commands)))
        elif row.startswith("P "):
            path.append((at, row[2:]))
    return Cron(tuple(jobs), tuple(dict.fromkeys(modes)), tuple(path))


def replaceable_job(host: Host) -> Iterator[Problem]:
    """A path that root's jobs run and others can replace, or put there where it is absent."""
    paths = host.read(read_paths)
    unknown = paths.fault
    told: set[str] = set()
    for job in host.read(read_cron).jobs:
        if job.user not in {"root", "0"}:
            continue
        for path in job.runs():
            weak = paths.weak(path)
            if weak is not None and path not in told:
                told.add(path)
                yield Problem(path, Severity.CRITICAL, f"{job.file} runs {path}; {paths.told(weak)}")
            elif weak is None and not paths.known(path):
                unknown = unknown or ("not-asked" if paths.reader == 0 else "no-privilege")
    host.section("cron")
    if unknown:
        raise Unseen(unknown)


def writable_cron(host: Host) -> Iterator[Problem]:
    """A crontab or a directory of them that others than root may write."""
    paths = host.read(read_paths)
    for path, stat in host.read(read_cron).modes:
        if why := _writable(path, stat, paths):
            yield Problem(path, Severity.CRITICAL, f"mode {stat.permissions}: {why}")
    host.section("cron")


def _writable(path: str, stat: Stat, paths: Paths) -> str:
    above, _, name = path.rpartition("/")
    own = above.startswith(("/var/spool/cron", "/etc/crontabs", "/var/cron")) and name != "crontabs"
    if stat.uid != 0 and not (own and paths.names.user(stat.uid) == name):
        return f"{paths.names.user(stat.uid)} owns it"
    if stat.mode & 0o002 and not (stat.directory and stat.mode & 0o1000):
        return "everybody may write"
    # The spool belongs to a group that only the crontab program has, and its entries to themselves (sticky).
    if stat.mode & 0o020 and stat.gid != 0 and not (stat.directory and stat.mode & 0o1000):
        members = paths.names.others_in(stat.gid)
        return f"group {paths.names.group(stat.gid)} ({', '.join(members[:5])}) may write" if members else ""
    return ""


CHECKS = (
    Check(
        "HOST-PRV-011",
        "Others than root can replace what root's cron runs",
        replaceable_job,
        "chown root:root {resource} && chmod go-w {resource}, and the same for the directories above it",
        cis=("2.4.1",),
        controls=("3.3",),
        attack=("T1053.003",),
    ),
    Check(
        "HOST-PRV-012",
        "Others than root can write cron's tables",
        writable_cron,
        "chown root:root {resource} && chmod go-w {resource}",
        cis=("2.4.1.2", "2.4.1.3", "2.4.1.4", "2.4.1.5", "2.4.1.6", "2.4.1.7", "2.4.1.8"),
        controls=("3.3",),
        attack=("T1053.003",),
    ),
)
