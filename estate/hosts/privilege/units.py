"""What systemd and the kernel start as root, and who may write there."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from estate.findings import Severity
from estate.hosts.checks import Check, Problem
from estate.hosts.host import Host, Unseen, lines
from estate.hosts.privilege.gtfobins import program, words
from estate.hosts.privilege.paths import Stat, parse_stat, read_paths

_PLACES = ("/etc/systemd/", "/run/systemd/", "/usr/local/lib/systemd/", "/usr/lib/systemd/", "/lib/systemd/")
"""From the strongest; a unit of a stronger place hides its namesakes."""
_POLKIT = ("/etc/polkit-1/", "/usr/share/polkit-1/")
"""Its rules are shut away from all but the daemon that reads them, which owns the directory for that."""
_SCRIPTED = words("sh bash dash ash ksh zsh python perl ruby php node lua env nice ionice timeout flock run-parts")


@dataclass(slots=True)
class _Text:
    """What one file says of a unit."""

    file: str
    user: str | None = None
    dynamic: bool | None = None
    rooted: bool = False
    runs: list[tuple[str, ...]] = field(default_factory=list)
    read: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Started:
    """One command of a unit that runs as root: the paths that it executes, and the file that says so."""

    unit: str
    file: str
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Units:
    """What runs as root, and files of start-up that others than root own or may write.

    `helpers` are programs that the kernel starts, by the setting that names them; `docker` are dockerd's words.
    """

    started: tuple[Started, ...]
    writable: tuple[tuple[str, Stat], ...]
    helpers: tuple[tuple[str, str], ...]
    docker: tuple[tuple[str, str], ...]


def read_units(host: Host) -> Units:
    """The units of a host.

    Raises:
        Unseen: nothing came.
    """
    rows = lines(host.section("units", partly=True))
    texts: list[_Text] = []
    masked: set[str] = set()
    writable: list[tuple[str, Stat]] = []
    helpers: list[tuple[str, str]] = []
    for row in rows[:-1] if host.fault("units") else rows:
        name, _, value = row.partition(" ")
        if name == "U":
            texts.append(_Text(value))
        elif name == "Z":
            masked.add(value.rpartition("/")[2])
        elif name == "=" and (found := parse_stat(value)) is not None:
            writable.append(found)
        elif name == "K":
            setting, _, said = value.partition(" ")
            helpers.append((setting, said.lstrip("|").split(" ")[0]))
        elif texts:
            _say(texts[-1], name, value)
    docker = [(text.file, word) for text in texts for run in text.runs for word in run if not word.startswith("/")]
    return Units(tuple(_started(texts, masked)), tuple(dict.fromkeys(writable)), tuple(helpers), tuple(docker))


def _say(text: _Text, name: str, value: str) -> None:
    if name == "User":
        text.user = value.strip()
    elif name == "DynamicUser":
        text.dynamic = value.strip().lower() in {"1", "yes", "true", "on"}
    elif name in {"RootDirectory", "RootImage"}:
        text.rooted = True
    elif name == "EnvironmentFile":
        text.read.append(value.strip().lstrip("-"))
    elif name.startswith("Exec"):
        text.runs.append(tuple(value.split()))


def _started(texts: list[_Text], masked: set[str]) -> Iterator[Started]:
    """Units put together of their strongest file and of what is dropped in beside any of them."""
    files: dict[str, list[_Text]] = {}
    for text in texts:
        above, _, name = text.file.rpartition("/")
        unit = above.rpartition("/")[2].removesuffix(".d") if above.endswith(".d") else name
        files.setdefault(unit, []).append(text)
    for unit, said in files.items():
        if unit in masked:
            continue
        own = sorted((each for each in said if not each.file.endswith(".conf")), key=lambda each: _strength(each.file))
        parts = own[:1] + [each for each in said if each.file.endswith(".conf")]
        user = next((each.user for each in reversed(parts) if each.user is not None), "")
        dynamic = next((each.dynamic for each in reversed(parts) if each.dynamic is not None), False)
        if user not in {"", "root", "0"} or dynamic or any(each.rooted for each in parts):
            continue
        for part in parts:
            for run in part.runs:
                if executed := tuple(_executed(run)):
                    yield Started(unit, part.file, executed)
            if part.read:
                yield Started(unit, part.file, tuple(path for path in part.read if _fixed(path)))


def _strength(file: str) -> int:
    return next((number for number, place in enumerate(_PLACES) if file.startswith(place)), len(_PLACES))


def _executed(run: tuple[str, ...]) -> Iterator[str]:
    if run and run[0].startswith("/") and _fixed(run[0]):
        yield run[0]
    if run and program(run[0]) in _SCRIPTED:
        given = [word for word in run[1:] if word.startswith("/") and _fixed(word)]
        yield from given[program(run[0]) == "flock" :][:1]


def _fixed(path: str) -> bool:
    """Whether a path says where it leads: without specifiers, variables and wildcards."""
    return path.startswith("/") and not any(sign in path for sign in "%$*?[")


def writable_unit(host: Host) -> Iterator[Problem]:
    """A file of the start-up that others than root may write."""
    names = host.read(read_paths).names
    for path, stat in host.read(read_units).writable:
        if path.startswith(_POLKIT) and names.user(stat.uid) == "polkitd":
            continue
        if stat.uid != 0:
            why = f"{names.user(stat.uid)} owns it"
        elif stat.mode & 0o002 and not stat.mode & 0o1000:
            why = "everybody may write"
        elif stat.mode & 0o020 and stat.gid != 0 and (members := names.others_in(stat.gid)):
            why = f"group {names.group(stat.gid)} ({', '.join(members[:5])}) may write"
        else:
            continue
        yield Problem(path, Severity.CRITICAL, f"mode {stat.permissions} {names.owner(stat.uid, stat.gid)}: {why}")
    host.section("units")


def replaceable_program(host: Host) -> Iterator[Problem]:
    """A program of a unit of root's, or one that the kernel starts, that others can replace."""
    paths, units = host.read(read_paths), host.read(read_units)
    unknown = paths.fault
    helpers = (Started(f"kernel.{name}", "/proc/sys/kernel/" + name, (path,)) for name, path in units.helpers)
    told: set[str] = set()
    for started in (*units.started, *helpers):
        for path in started.paths:
            resource = f"{started.unit}:{path}"
            weak = paths.weak(path)
            if weak is not None and resource not in told:
                told.add(resource)
                yield Problem(resource, weak.severity, f"{started.file} names {path}; {paths.told(weak)}", path)
            elif weak is None and path.startswith("/") and not paths.known(path):
                unknown = unknown or ("not-asked" if paths.reader == 0 else "no-privilege")
    host.section("units")
    if unknown:
        raise Unseen(unknown)


CHECKS = (
    Check(
        "HOST-PRV-013",
        "Others than root can write a unit or another file of the start-up",
        writable_unit,
        "chown root:root {resource} && chmod go-w {resource}",
        controls=("3.3",),
        attack=("T1543.002",),
    ),
    Check(
        "HOST-PRV-014",
        "Others than root can replace what a unit of root's runs",
        replaceable_program,
        "chown root:root {rest} && chmod go-w {rest}, and the same for the directories above it; or set User= in "
        "{first}: systemctl edit {first}",
        controls=("3.3",),
        attack=("T1543.002", "T1574.010"),
    ),
)
