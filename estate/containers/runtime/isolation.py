"""What a container may do to its host: privileges, capabilities, mounts, namespaces and what confines it."""

import re
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from estate.containers.engine import Container, Engine
from estate.containers.runtime.check import Check, Problem, need
from estate.findings import Severity

LOW, MEDIUM, HIGH, CRITICAL = Severity.LOW, Severity.MEDIUM, Severity.HIGH, Severity.CRITICAL

_WORST = frozenset({"ALL", "SYS_ADMIN", "SYS_MODULE", "SYS_PTRACE", "SYS_RAWIO", "DAC_READ_SEARCH", "BPF"})
"""With one of these a process inside becomes root outside (capabilities(7))."""
_DANGEROUS = frozenset(
    [
        *(
            "NET_ADMIN",
            "NET_BROADCAST",
            "SYS_BOOT",
            "SYS_TIME",
            "SYS_TTY_CONFIG",
            "SYSLOG",
            "AUDIT_CONTROL",
            "AUDIT_READ",
        ),
        *("MAC_ADMIN", "MAC_OVERRIDE", "LINUX_IMMUTABLE", "PERFMON", "CHECKPOINT_RESTORE", "IPC_OWNER", "IPC_LOCK"),
        *("SYS_NICE", "SYS_RESOURCE", "SYS_PACCT", "WAKE_ALARM", "BLOCK_SUSPEND", "LEASE"),
    ]
)
"""What engines grant anyway (MKNOD, NET_RAW …) is not among them: to ask for it once more adds nothing."""
_USUAL = frozenset(
    [
        *("CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_RAW", "NET_BIND_SERVICE", "SETFCAP"),
        *("SETGID", "SETPCAP", "SETUID", "SYS_CHROOT", "AUDIT_WRITE"),
    ]
)
"""What Docker grants to every container (moby oci/caps/defaults.go); Podman spells ALL as this list."""
_SOCKETS = frozenset({"docker.sock", "containerd.sock", "podman.sock", "crio.sock", "cri-dockerd.sock"})
_SOCKET_PLACES = frozenset(
    ["/", "/run", "/run/containerd", "/run/podman", "/run/crio", "/run/docker", "/run/user", "/run/cri-dockerd"]
)
_OF_A_USER = re.compile(r"/run/user/[0-9]+(?:/podman|/docker)?\Z")
_SENSITIVE = (
    *("/boot", "/dev", "/etc", "/lib", "/lib64", "/proc", "/root", "/sys", "/usr", "/bin", "/sbin"),
    *("/var/lib/docker", "/var/lib/kubelet", "/var/lib/containerd", "/var/lib/containers", "/var/lib/crio"),
    "/var/spool/cron",
)
_OF_A_POD = "/var/lib/kubelet/pods/"
"""Where Kubernetes keeps what it mounts into each pod, under an id that is new with every one."""
_SHARED = (
    *("/etc/localtime", "/etc/timezone", "/etc/hosts", "/etc/resolv.conf", "/etc/machine-id", "/etc/os-release"),
    *(
        "/usr/share/zoneinfo",
        "/etc/ssl/certs",
        "/etc/pki/ca-trust",
        "/usr/share/ca-certificates",
        "/usr/lib/os-release",
    ),
    "/usr/local/share/ca-certificates",
)
"""What of the host tells nothing secret and is commonly shared read-only."""
_PARENTS = frozenset(["/docker", "system.slice", "machine.slice", "user.slice", "/libpod_parent", "/machine.slice"])
"""What engines choose by themselves."""
_HARMLESS = frozenset(["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty"])
"""Devices that every container has anyway."""


def privileged(container: Container, _engine: Engine) -> Iterator[Problem]:
    """R01."""
    if container.privileged:
        yield Problem("privileged", CRITICAL, "HostConfig.Privileged is true")


def capabilities(container: Container, _engine: Engine) -> Iterator[Problem]:
    """R02."""
    for name in sorted({plain(one) for one in container.added}):
        if name in _WORST:
            yield Problem(name, CRITICAL, f"CapAdd has {name}")
        elif name in _DANGEROUS and name not in _USUAL:
            yield Problem(name, HIGH, f"CapAdd has {name}")


def not_dropped(container: Container, _engine: Engine) -> Iterator[Problem]:
    """R03: podman spells ALL as the list of the usual ones, so what is left counts where the engine says that."""
    dropped = {plain(one) for one in container.dropped}
    if container.privileged or "ALL" in dropped or dropped >= _USUAL:
        return
    added = {plain(one) for one in container.added}
    if container.effective is not None and {plain(one) for one in container.effective} <= added:
        return
    yield Problem("cap-drop", LOW, f"CapDrop is {', '.join(sorted(dropped)) or 'empty'}, without ALL")


def engine_socket(container: Container, _engine: Engine) -> Iterator[Problem]:
    """R04: whoever reaches the engine is root on the host; read-only changes nothing, since a socket is not written."""
    for source in _binds(container):
        named = PurePosixPath(source).name in _SOCKETS
        if named or source in _SOCKET_PLACES or _OF_A_USER.match(source):
            yield Problem(
                source, CRITICAL, f"{source} is mounted: {'an' if named else 'it leads to an'} engine's socket"
            )
    need(container, "volumes")


def host_paths(container: Container, _engine: Engine) -> Iterator[Problem]:
    """R05: a path that is sensitive, or within one, or above one."""
    for mount in container.mounts:
        source = _clean(mount.source)
        if mount.kind != "bind" or PurePosixPath(source).name in _SOCKETS or source in _HARMLESS:
            continue
        if source.startswith(_OF_A_POD) or (not mount.writable and _within(source, _SHARED)):
            continue
        if _within(source, _SENSITIVE) or any(_within(one, (source,)) for one in _SENSITIVE):
            how = "writable" if mount.writable else "read-only"
            yield Problem(source, HIGH if mount.writable else MEDIUM, f"{source} of the host is mounted, {how}")
    need(container, "volumes")


def host_network(container: Container, _engine: Engine) -> Iterator[Problem]:
    """R06."""
    yield from _host(container.network, "network", HIGH)


def host_pid(container: Container, _engine: Engine) -> Iterator[Problem]:
    """R07."""
    yield from _host(container.pid, "pid", HIGH)


def host_ipc(container: Container, _engine: Engine) -> Iterator[Problem]:
    """R08."""
    yield from _host(container.ipc, "ipc", HIGH)


def host_uts(container: Container, _engine: Engine) -> Iterator[Problem]:
    """R09."""
    yield from _host(container.uts, "uts", MEDIUM)


def host_users(container: Container, _engine: Engine) -> Iterator[Problem]:
    """R10."""
    yield from _host(container.userns, "userns", MEDIUM)


def new_privileges(container: Container, engine: Engine) -> Iterator[Problem]:
    """R11."""
    if engine.no_new_privileges:
        return
    if not any(one.partition("=")[0].partition(":")[0] == "no-new-privileges" for one in _allowed(container)):
        yield Problem("no-new-privileges", MEDIUM, "SecurityOpt has no no-new-privileges")


def _allowed(container: Container) -> Iterator[str]:
    for one in container.security:
        if not one.endswith(("=false", ":false")):
            yield one


def seccomp(container: Container, engine: Engine) -> Iterator[Problem]:
    """R12: by the container's own words, else by what the engine does for all."""
    own = _option(container, "seccomp")
    whole = next((one for one in engine.security if one.partition(",")[0] in {"seccomp", "name=seccomp"}), "")
    if own == "unconfined":
        yield Problem("seccomp", HIGH, "SecurityOpt has seccomp=unconfined")
    elif container.privileged:
        yield Problem("seccomp", HIGH, "a privileged container has no seccomp profile")
    elif not own and whole.endswith("profile=unconfined"):
        yield Problem("seccomp", HIGH, "the engine gives no seccomp profile to anybody")
    elif engine.security and not whole:
        yield Problem("seccomp", HIGH, "the engine has no seccomp")


def apparmor(container: Container, engine: Engine) -> Iterator[Problem]:
    """R13: an engine without AppArmor cannot take it away."""
    if _option(container, "apparmor") == "unconfined":
        yield Problem("apparmor", MEDIUM, "SecurityOpt has apparmor=unconfined")
    elif container.apparmor in {"", "unconfined"} and _has(engine, "apparmor") and container.state == "running":
        yield Problem("apparmor", MEDIUM, "no AppArmor profile, though the engine has AppArmor")


def selinux(container: Container, engine: Engine) -> Iterator[Problem]:
    """R14."""
    if _option(container, "label") == "disable" and _has(engine, "selinux"):
        yield Problem("selinux", MEDIUM, "SecurityOpt has label=disable")


def devices(container: Container, _engine: Engine) -> Iterator[Problem]:
    """R23."""
    for one in sorted({_clean(one) if one.startswith("/") else one for one in container.devices} - _HARMLESS):
        yield Problem(one, MEDIUM, f"the host's device {one} is passed in")


def propagation(container: Container, _engine: Engine) -> Iterator[Problem]:
    """R24."""
    for mount in container.mounts:
        if mount.propagation in {"shared", "rshared"}:
            yield Problem(
                _clean(mount.source), MEDIUM, f"what is mounted in {mount.destination} is mounted on the host"
            )


def cgroup(container: Container, _engine: Engine) -> Iterator[Problem]:
    """R35."""
    parent = container.cgroup_parent
    if parent and parent not in _PARENTS and not parent.startswith(("/kubepods", "kubepods")):
        yield Problem("cgroup-parent", LOW, f"CgroupParent is {parent}")


def shared_namespace(container: Container, _engine: Engine) -> Iterator[Problem]:
    """R36: which container it is shared with has a new id at each deploy, so the kind of namespace is the detail."""
    for kind, word in (("network", container.network), ("pid", container.pid), ("ipc", container.ipc)):
        if word.startswith("container:"):
            yield Problem(kind, LOW, f"the {kind} namespace is another container's")


def unmasked(container: Container, engine: Engine) -> Iterator[Problem]:
    """R40: podman never says it."""
    if container.unmasked and engine.kind == "docker" and not container.privileged:
        yield Problem("systempaths", HIGH, "no path of /proc is masked (systempaths=unconfined)")


def plain(capability: str) -> str:
    """`CAP_SYS_ADMIN` and `sys_admin` as `SYS_ADMIN`."""
    return capability.upper().removeprefix("CAP_")


def _within(path: str, places: Iterable[str]) -> bool:
    return any(path == one or path.startswith(f"{one.rstrip('/')}/") for one in places)


def _host(word: str, kind: str, severity: Severity) -> Iterator[Problem]:
    if word == "host":
        yield Problem(kind, severity, f"the {kind} namespace is the host's")


def _binds(container: Container) -> Iterator[str]:
    for mount in container.mounts:
        if mount.kind == "bind":
            yield _clean(mount.source)


def _clean(path: str) -> str:
    """A path without double slashes and dots, with /var/run as what it leads to."""
    parts: list[str] = []
    for part in path.split("/"):
        if part == ".." and parts:
            parts.pop()
        elif part not in {"", ".", ".."}:
            parts.append(part)
    clean = "/" + "/".join(parts)
    return f"/run{clean.removeprefix('/var/run')}" if clean == "/var/run" or clean.startswith("/var/run/") else clean


def _option(container: Container, name: str) -> str:
    for one in container.security:
        head = one.replace(":", "=", 1)
        if head.startswith(f"{name}="):
            return head.removeprefix(f"{name}=")
    return ""


def _has(engine: Engine, name: str) -> bool:
    return any(one.partition(",")[0] in {name, f"name={name}"} for one in engine.security)


CHECKS: tuple[Check, ...] = (
    Check(
        "R01",
        "A container is privileged",
        privileged,
        "Drop --privileged; grant the one capability or device.",
        ("5.5",),
    ),
    Check("R02", "A container has a dangerous capability", capabilities, "Take it out of cap_add.", ("5.4",)),
    Check(
        "R03",
        "A container keeps capabilities that it may not need",
        not_dropped,
        "cap_drop: [ALL], then add.",
        ("5.4",),
    ),
    Check("R04", "A container reaches an engine's socket", engine_socket, "Do not mount the socket.", ("5.32",)),
    Check("R05", "A path of the host is mounted", host_paths, "Use a volume, or mount one file read-only.", ("5.6",)),
    Check("R06", "A container uses the host's network", host_network, "Use a network of its own.", ("5.10",)),
    Check("R07", "A container sees the host's processes", host_pid, "Drop pid: host.", ("5.16",)),
    Check("R08", "A container shares the host's IPC", host_ipc, "Drop ipc: host.", ("5.17",)),
    Check("R09", "A container may rename the host", host_uts, "Drop uts: host.", ("5.21",)),
    Check("R10", "A container's users are the host's", host_users, "Drop userns_mode: host.", ("5.31",)),
    Check(
        "R11", "A container may gain privileges", new_privileges, "security_opt: [no-new-privileges:true]", ("5.26",)
    ),
    Check("R12", "No seccomp profile filters system calls", seccomp, "Drop seccomp=unconfined.", ("5.22",)),
    Check("R13", "No AppArmor profile confines the container", apparmor, "Drop apparmor=unconfined.", ("5.2",)),
    Check("R14", "SELinux does not label the container", selinux, "Drop label=disable.", ("5.3",)),
    Check("R23", "A device of the host is passed in", devices, "Take it out of devices.", ("5.18",)),
    Check("R24", "Mounts reach the host", propagation, "Use rprivate propagation.", ("5.20",)),
    Check("R35", "A container has another cgroup parent", cgroup, "Drop cgroup_parent.", ("5.25",)),
    Check("R36", "A namespace is shared with another container", shared_namespace, "Separate them."),
    Check("R40", "Paths of /proc are not masked", unmasked, "Drop systempaths=unconfined."),
)
