"""How a container is run: its user, limits, ports, secrets, health, and whether it restarts without end."""

import ipaddress
from collections.abc import Iterator

from estate.containers.engine import Container, Engine
from estate.containers.runtime.check import Check, Problem, need
from estate.findings import Severity

LOW, MEDIUM, HIGH = Severity.LOW, Severity.MEDIUM, Severity.HIGH
_PATIENT = 5
_MAPPED = frozenset({"auto", "private", "keep-id", "nomap"})
"""Podman's words for users of the container's own."""
_DEFAULT_NETWORK = {"docker": "bridge", "podman": "podman"}


def writable_root(container: Container, _engine: Engine) -> Iterator[Problem]:
    """R15."""
    if not container.read_only:
        yield Problem("read-only", LOW, "ReadonlyRootfs is false")


def root_user(container: Container, engine: Engine) -> Iterator[Problem]:
    """R16: with user namespaces or a rootless engine, root inside is nobody outside."""
    mapped = engine.rootless or (engine.userns and container.userns != "host")
    if _is_root(container.user) and not mapped and container.userns.partition(":")[0] not in _MAPPED:
        user = container.user.partition(":")[0].strip()
        yield Problem("user", MEDIUM, f"runs as {user or 'root, since no user is set'}")


def memory(container: Container, _engine: Engine) -> Iterator[Problem]:
    """R17."""
    if container.memory <= 0:
        yield Problem("memory", LOW, "no memory limit")


def cpu(container: Container, _engine: Engine) -> Iterator[Problem]:
    """R18."""
    if not container.cpu:
        yield Problem("cpu", LOW, "no limit of processor time")


def pids(container: Container, _engine: Engine) -> Iterator[Problem]:
    """R19."""
    if container.pids <= 0:
        yield Problem("pids", MEDIUM, "no limit of processes: one fork bomb stops the host")


def restart(container: Container, _engine: Engine) -> Iterator[Problem]:
    """R20."""
    if container.restart in {"always", "unless-stopped"}:
        yield Problem("restart", LOW, f"restart policy {container.restart}, without an end")
    elif container.restart == "on-failure" and not 0 < container.restart_most <= _PATIENT:
        yield Problem("restart", LOW, f"restart policy on-failure:{container.restart_most or 'for ever'}")


def published_everywhere(container: Container, _engine: Engine) -> Iterator[Problem]:
    """R21."""
    for port in sorted({one.port for one in container.published if _is_everywhere(one.address)}):
        yield Problem(port, MEDIUM, f"{port} is published on all addresses of the host")


def low_port(container: Container, _engine: Engine) -> Iterator[Problem]:
    """R22."""
    for one in sorted({one.host_port.partition("-")[0] for one in container.published}):
        if one.isascii() and one.isdecimal() and 0 < int(one) < 1024:
            yield Problem(one, LOW, f"port {one} of the host is a privileged one")


def secrets(container: Container, _engine: Engine) -> Iterator[Problem]:
    """R25: the variable is named, its value is known to nobody."""
    for one in container.secrets:
        how = "its name" if one.because == "name" else f"its value, a {one.because.replace('-', ' ')}"
        yield Problem(one.variable, HIGH, f"{one.variable} holds a secret, as {how} tells")


def health_check(container: Container, _engine: Engine) -> Iterator[Problem]:
    """R26."""
    if not container.has_health_check:
        yield Problem("healthcheck", LOW, "no health check")


def unhealthy(container: Container, _engine: Engine) -> Iterator[Problem]:
    """R27: of one that has ended, the engine still tells the last word, which says nothing any more."""
    if container.health == "unhealthy" and container.state == "running":
        yield Problem("health", MEDIUM, "its health check fails")


def default_bridge(container: Container, engine: Engine) -> Iterator[Problem]:
    """R28: where it is bound, else, before the first start, where it will be."""
    found = container.networks or (("bridge",) if container.network in {"", "default", "bridge"} else ())
    if _DEFAULT_NETWORK.get(engine.kind, "bridge") in found:
        yield Problem("bridge", LOW, "on the default bridge, where every container reaches every other")


def oom(container: Container, _engine: Engine) -> Iterator[Problem]:
    """R37."""
    if container.oom_kill_disabled:
        yield Problem("oom-kill-disable", LOW, "OomKillDisable is true")
    if container.oom_score < 0:
        yield Problem("oom-score-adj", LOW, f"OomScoreAdj is {container.oom_score}")


def sessions(container: Container, _engine: Engine) -> Iterator[Problem]:
    """R38."""
    need(container, "execs")
    for one in sorted({(one.user, one.privileged) for one in container.sessions}):
        user, privileged = one
        if privileged or _is_root(user):
            how = "privileged" if privileged else "as root"
            yield Problem(f"exec:{how}", MEDIUM, f"somebody runs a command inside, {how}")


def crashing(container: Container, _engine: Engine) -> Iterator[Problem]:
    """R39: how often it did, and whether it does so this very moment, is no part of it."""
    if container.restarting or container.restarts > _PATIENT:
        yield Problem("restarts", LOW, "it ends and is restarted again and again")
    if container.oom_killed:
        yield Problem("oom-killed", LOW, "it was killed for want of memory")


def _is_root(user: str) -> bool:
    name = user.partition(":")[0].strip()
    return name in {"", "root"} or (name.isascii() and name.isdecimal() and int(name) == 0)


def _is_everywhere(address: str) -> bool:
    try:
        return not address or ipaddress.ip_address(address.strip("[]")).is_unspecified
    except ValueError:
        return False


CHECKS: tuple[Check, ...] = (
    Check(
        "R15",
        "A container may write its own root",
        writable_root,
        "read_only: true, with tmpfs where needed",
        ("5.13",),
    ),
    Check("R16", "A container runs as root", root_user, "USER in the Dockerfile, or user: in compose.", ("4.1",)),
    Check("R17", "A container may take all memory", memory, "mem_limit: 512m", ("5.11",)),
    Check("R18", "A container may take all processors", cpu, "cpus: 1.0", ("5.12",)),
    Check("R19", "A container may start processes without end", pids, "pids_limit: 200", ("5.29",)),
    Check("R20", "A container is restarted without end", restart, "restart: on-failure:5", ("5.15",)),
    Check("R21", "A port is published on all addresses", published_everywhere, "ports: 127.0.0.1:8080:80", ("5.14",)),
    Check("R22", "A privileged port is published", low_port, "Publish a port above 1023 behind a proxy.", ("5.8",)),
    Check(
        "R25", "A variable of the container holds a secret", secrets, "Use a secret file; change the secret.", ("4.10",)
    ),
    Check("R26", "Nobody checks a container's health", health_check, "HEALTHCHECK in the Dockerfile", ("4.6", "5.27")),
    Check(
        "R27", "A container is unhealthy", unhealthy, "docker inspect says what its health check printed.", ("5.27",)
    ),
    Check("R28", "A container is on the default bridge", default_bridge, "Give it a network of its own.", ("5.30",)),
    Check(
        "R37", "A container is spared when memory is short", oom, "Drop oom_kill_disable and oom_score_adj.", ("5.11",)
    ),
    Check("R38", "Somebody is inside with root's rights", sessions, "Find out who, and why.", ("5.23", "5.24")),
    Check("R39", "A container crashes again and again", crashing, "docker logs says why it ends."),
)
