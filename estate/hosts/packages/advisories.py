"""The advisories that dnf keeps of its repositories, held against what rpm has installed."""

from dataclasses import dataclass

from estate.hosts.host import Host
from estate.hosts.packages.rows import rows
from estate.hosts.packages.system import read_system
from estate.hosts.versions import BadVersion, Key, rpm_key

_DATABASE = "rpm"


@dataclass(frozen=True, slots=True)
class Advised:
    """The newest version that advisories offer of an installed package; `security` where one on the way is for it."""

    name: str
    installed: str
    candidate: str
    advisory: str
    security: bool


@dataclass(frozen=True, slots=True)
class Advisories:
    """What waits by advisories; `fault` is `stale` where there are none at all, as no repository has told any."""

    updates: tuple[Advised, ...]
    fault: str


@dataclass(frozen=True, slots=True)
class _Row:
    kind: str
    module: str
    full: str
    architecture: str
    advisory: str
    name: str


def read_advisories(host: Host) -> Advisories:
    """Which installed packages an advisory knows a newer version of.

    Raises:
        Unseen: the section is not there.
    """
    listed, fault = rows(host, "advisories")
    installed: dict[tuple[str, str], str] = {}
    for package in host.read(read_system).packages:
        if package.manager == _DATABASE:
            at = (package.name, package.architecture)
            if at not in installed or _key(installed[at]) < _key(package.version):
                installed[at] = package.version
    enabled = _streams(listed)
    found: dict[tuple[str, str], Advised] = {}
    for line in listed:
        fields = line.split("\t")
        if fields[0] == "E" or (fields[0] == "U" and len(fields) != 10):
            fault = fault or "unreadable"
        elif fields[0] == "U":
            row = _row(fields)
            at = (row.name, row.architecture)
            if at in installed and _concerns(row, installed[at], enabled):
                found[at] = _newer(found.get(at), row, installed[at])
    if not any(line.startswith("F\t") for line in listed):
        fault = fault or "not-rated"
    return Advisories(tuple(found.values()), fault)


def _row(fields: list[str]) -> _Row:
    _, kind, _, module, epoch, version, release, architecture, advisory, name = fields
    prefix = f"{epoch}:" if epoch not in {"", "0"} else ""
    return _Row(kind, module, f"{prefix}{version}-{release}", architecture, advisory, name)


def _streams(listed: list[str]) -> frozenset[str]:
    """The module streams that are enabled, as `nginx:1.22`."""
    found, name = set(), ""
    for line in listed:
        mark, _, said = line.partition("\t")
        key, _, value = said.partition("=")
        if mark == "M" and key == "name":
            name = value.strip()
        elif mark == "M" and key == "stream":
            found.add(f"{name}:{value.strip()}")
    return frozenset(found)


def _concerns(row: _Row, installed: str, enabled: frozenset[str]) -> bool:
    """A stream's packages are updates only of that stream's, and others' only of others'."""
    if row.module and row.module not in enabled:
        return False
    if bool(row.module) != (".module" in installed):
        return False
    return _key(installed) < _key(row.full)


def _newer(before: Advised | None, row: _Row, installed: str) -> Advised:
    security = row.kind == "security"
    if before is None:
        return Advised(row.name, installed, row.full, row.advisory, security)
    newest = _key(before.candidate) < _key(row.full)
    # The advisory that is told is a security one if there is any.
    told = row.advisory if (security and not before.security) or (newest and security == before.security) else ""
    return Advised(
        row.name,
        installed,
        row.full if newest else before.candidate,
        told or before.advisory,
        security or before.security,
    )


def _key(version: str) -> Key:
    try:
        return rpm_key(version)
    except BadVersion:
        return ()
