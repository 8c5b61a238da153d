"""An inspected container, less what nobody needs and any value of its environment: Docker's quirks and Podman's."""

import re
from collections.abc import Iterator

from estate.containers.engine import Container, Engine, Mount, Published, Secret
from estate.containers.secrets import why_secret
from tasks.containers.told import Told

_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,126}\Z")
_ID = re.compile(r"(?:sha256:)?([0-9a-f]{64})\Z")
_SERVICES = (
    ("com.docker.compose.project", "com.docker.compose.service"),
    ("io.podman.compose.project", "com.docker.compose.service"),
)
_SWARM = "com.docker.swarm.service.name"


def engine_of(version: Told, info: Told) -> Engine:
    """The engine by its version and its own description."""
    components = [one["Name"].text for one in version["Components"].each]
    kind = "podman" if any("podman" in name.lower() for name in components) else "docker"
    security = tuple(sorted(info["SecurityOptions"].texts))
    return Engine(
        kind,
        version["Version"].text,
        version["ApiVersion"].text,
        security,
        rootless=_among(security, "rootless"),
        userns=_among(security, "userns"),
        no_new_privileges=_among(security, "no-new-privileges"),
    )


def container_of(told: Told, engine: Engine) -> Container:
    """The container by its inspection alone; what has to be asked beside it is left out."""
    config, host, state = told["Config"], told["HostConfig"], told["State"]
    running = state["Status"].text in {"running", "paused", "restarting"}
    privileged = host["Privileged"].flag
    podman = engine.kind == "podman"
    return Container(
        name=told["Name"].text.removeprefix("/"),
        id=told["Id"].text,
        service=service_of(config["Labels"]),
        image=config["Image"].text or told["ImageName"].text,
        image_id=image_id(told["Image"].text),
        state=state["Status"].text,
        error=state["Error"].text,
        health=state["Health"]["Status"].text or state["Healthcheck"]["Status"].text,
        has_health_check=config["Healthcheck"]["Test"].texts not in {(), ("NONE",)},
        privileged=privileged,
        user=config["User"].text,
        added=host["CapAdd"].texts,
        dropped=host["CapDrop"].texts,
        # Only Podman says what is left; with nothing left it says null.
        effective=told["EffectiveCaps"].texts if podman and isinstance(told.value, dict) else None,
        mounts=tuple(_mounts(told, host)),
        network=host["NetworkMode"].text,
        pid=host["PidMode"].text,
        ipc=host["IpcMode"].text,
        uts=host["UTSMode"].text,
        userns=host["UsernsMode"].text,
        security=host["SecurityOpt"].texts,
        apparmor=told["AppArmorProfile"].text,
        read_only=host["ReadonlyRootfs"].flag,
        memory=host["Memory"].number,
        cpu=any(host[name].text for name in ("NanoCpus", "CpuQuota", "CpuShares", "CpusetCpus")),
        pids=host["PidsLimit"].number,
        restart=host["RestartPolicy"]["Name"].text,
        restart_most=host["RestartPolicy"]["MaximumRetryCount"].number,
        published=tuple(_published(told["NetworkSettings"]["Ports"] if running else host["PortBindings"])),
        # Podman lists every device of the host for a privileged container.
        devices=() if podman and privileged else tuple(_devices(host)),
        secrets=tuple(_secrets(config["Env"])),
        networks=tuple(name for name, _ in told["NetworkSettings"]["Networks"].pairs),
        cgroup_parent=host["CgroupParent"].text,
        oom_kill_disabled=host["OomKillDisable"].flag,
        oom_score=host["OomScoreAdj"].number,
        restarts=told["RestartCount"].number,
        oom_killed=state["OOMKilled"].flag,
        restarting=state["Restarting"].flag,
        unmasked=not podman and (host["MaskedPaths"].is_empty_list or host["ReadonlyPaths"].is_empty_list),
    )


def service_of(labels: Told) -> str:
    """The compose project and service, or the swarm's service; a label that is no such name says nothing."""
    for project, service in _SERVICES:
        found = (labels[project].text, labels[service].text)
        if all(_LABEL.match(one) for one in found):
            return "/".join(found)
    swarm = labels[_SWARM].text
    return f"swarm/{swarm}" if _LABEL.match(swarm) else ""


def image_id(text: str) -> str:
    """An image's id as Docker spells it; Podman leaves out the algorithm."""
    found = _ID.match(text)
    return f"sha256:{found[1]}" if found else text


def checks_health(exec_config: Told, config: Told) -> bool:
    """Whether a command inside is the container's own health check, which the engine starts like anybody's."""
    test = config["Healthcheck"]["Test"].texts
    told = exec_config["ProcessConfig"]
    argv = (told["entrypoint"].text, *told["arguments"].texts)
    if test[:1] == ("CMD-SHELL",):
        return argv[-1:] == test[1:2]
    return len(test) > 1 and argv == test[1:]


def _among(security: tuple[str, ...], name: str) -> bool:
    return any(one.split(",")[0] in {name, f"name={name}"} for one in security)


def _mounts(told: Told, host: Told) -> Iterator[Mount]:
    for one in told["Mounts"].each:
        source = one["Source"].text or one["Name"].text
        yield Mount(
            one["Type"].text, source, one["Destination"].text, one["RW"].flag, one["Propagation"].text, one["Name"].text
        )
    for destination, _ in host["Tmpfs"].pairs:
        yield Mount("tmpfs", "", destination)


def _published(ports: Told) -> Iterator[Published]:
    for port, bindings in ports.pairs:
        for one in bindings.each:
            yield Published(port, one["HostIp"].text, one["HostPort"].text)


def _devices(host: Told) -> Iterator[str]:
    for one in host["Devices"].each:
        yield one["PathOnHost"].text
    for rule in host["DeviceCgroupRules"].texts:
        yield f"rule {rule}"
    for one in host["DeviceRequests"].each:
        yield f"request {one['Driver'].text or 'gpu'}"


def _secrets(env: Told) -> Iterator[Secret]:
    if not isinstance(env.value, list):
        return
    for one in env.value[:5_000]:
        name, found, value = one.partition("=") if isinstance(one, str) else ("", "", "")
        because = why_secret(name[:300], value) if found else ""
        if because:
            yield Secret(Told(name[:300]).text, because)
