"""Containers with planted problems, and decoys that look like them and are none, in a real engine.

What needs more rights than a machine may have (`--privileged`) is created and never started: its inspection is whole.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from infra.lab.docker_engine import DockerEngine, busybox_archive

IMAGE = "lab/app:1.2"
SOUND = (
    *("--user", "1000", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--read-only", "--memory", "64m"),
    *("--cpus", "0.5", "--pids-limit", "50", "--health-cmd", "true", "--network", "none"),
)
"""What a container is started with about which no check has anything to say; later options win over these."""
_SLEEP = "exec sleep 3600"


@dataclass(frozen=True, slots=True)
class Planted:
    """One container of the lab.

    Args:
        name: by which it is found again.
        expected: every key of a problem that has to be found, and none else may be.
        options: of `docker run`, after those that make it sound.
        without: options of the sound ones that are left out, each with its value.
        does: what its shell runs.
        start: whether it is started, or only created.
        image: of what.
        inside: a command that somebody runs in it.
    """

    name: str
    expected: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    does: str = _SLEEP
    start: bool = True
    image: str = IMAGE
    inside: tuple[str, ...] = ()


PLANTS: tuple[Planted, ...] = (
    Planted("privileged", ("R01/privileged", "R12/seccomp"), ("--privileged",), start=False),
    Planted(
        "capable",
        ("R02/NET_ADMIN", "R02/SYS_ADMIN"),
        ("--cap-add", "SYS_ADMIN", "--cap-add", "cap_net_admin"),
        start=False,
    ),
    Planted("undropped", ("R03/cap-drop",), without=("--cap-drop",)),
    Planted("socket", ("R04//run/docker.sock",), ("-v", "/var/run/docker.sock:/x:ro"), start=False),
    Planted("socket-folder", ("R04//run",), ("-v", "/run/:/x"), start=False),
    Planted("whole-host", ("R04//", "R05//"), ("-v", "/:/x:ro"), start=False),
    Planted("host-paths", ("R05//boot", "R05//etc/ssh"), ("-v", "/etc/ssh:/x", "-v", "/boot:/y:ro"), start=False),
    Planted("host-network", ("R06/network",), ("--network", "host"), without=("--network",)),
    Planted("host-spaces", ("R07/pid", "R08/ipc", "R09/uts"), ("--pid", "host", "--ipc", "host", "--uts", "host")),
    Planted("host-users", ("R10/userns",), ("--userns", "host")),
    Planted("gains", ("R11/no-new-privileges",), without=("--security-opt",)),
    Planted(
        "unfiltered",
        ("R12/seccomp", "R13/apparmor", "R40/systempaths"),
        (
            "--security-opt",
            "seccomp=unconfined",
            "--security-opt",
            "apparmor=unconfined",
            "--security-opt",
            "systempaths=unconfined",
        ),
    ),
    Planted("writable", ("R15/read-only",), without=("--read-only",)),
    Planted("root", ("R16/user",), ("--user", "0:1000"), without=("--user",)),
    Planted("unlimited", ("R17/memory", "R18/cpu", "R19/pids"), without=("--memory", "--cpus", "--pids-limit")),
    Planted("for-ever", ("R20/restart",), ("--restart", "unless-stopped")),
    Planted("published", ("R21/80/tcp", "R22/80"), ("-p", "8080:80", "-p", "127.0.0.1:80:81"), start=False),
    Planted("device", ("R23//dev/kmsg",), ("--device", "/dev/kmsg"), start=False),
    Planted(
        "propagates",
        ("R24//srv",),
        ("--mount", "type=bind,source=/srv,target=/x,bind-propagation=rshared"),
        start=False,
    ),
    Planted(
        "secrets",
        ("R25/DATABASE_URL", "R25/MYSQL_PWD"),
        ("-e", "MYSQL_PWD=sesame-opens", "-e", "DATABASE_URL=postgres://app:sesame-opens@db/app"),
    ),
    Planted("unchecked", ("R26/healthcheck",), without=("--health-cmd",)),
    Planted(
        "ill",
        ("R27/health",),
        ("--health-cmd", "false", "--health-interval", "1s", "--health-retries", "1"),
        without=("--health-cmd",),
    ),
    Planted("bridged", ("R28/bridge",), without=("--network",), start=False),
    Planted("old-image", ("R29/image",), image="lab/moving:1"),
    Planted("no-version", ("R31/tag",), image="lab/floating"),
    Planted(
        "drifted",
        ("R15/read-only", "R32//tmp/dropper", "R34//tmp/busybox", "R32//tmp/busybox"),
        without=("--read-only",),
        does="cp /bin/busybox /tmp/busybox; cp /bin/busybox /tmp/dropper; exec /tmp/busybox sleep 3600",
    ),
    Planted("ssh", ("R33/sshd",), does="exec /app/sshd"),
    Planted("elsewhere", ("R35/cgroup-parent",), ("--cgroup-parent", "/elsewhere"), start=False),
    Planted(
        "shares",
        ("R36/network", "R36/pid"),
        ("--network", "container:sound", "--pid", "container:sound"),
        without=("--network",),
    ),
    Planted("spared", ("R37/oom-score-adj",), ("--oom-score-adj", "-500"), start=False),
    Planted("visited", ("R38/exec:as root",), inside=("--user", "0", "visited", "sleep", "3600")),
    Planted("crashing", ("R20/restart", "R39/restarts"), ("--restart", "always"), does="exit 1"),
)
"""Problems, each in a container that is sound but for it."""
DECOYS: tuple[Planted, ...] = (
    Planted("sound"),
    Planted(
        "decoy-mounts",
        options=(
            *(
                "-v",
                "/etc/localtime:/etc/localtime:ro",
                "-v",
                "/srv:/etc-backup",
                "-v",
                "docker.sock:/var/run/docker.sock",
            ),
            *("-v", "/dev/null:/x", "--tmpfs", "/tmp"),
        ),
    ),
    Planted(
        "decoy-names",
        options=(
            *(
                "-e",
                "POSTGRES_PASSWORD_FILE=/run/secrets/db",
                "-e",
                "TOKENIZERS_PARALLELISM=false",
                "-e",
                "MAX_TOKENS=4096",
            ),
            *(
                "-e",
                "GPG_KEY=A035C8C19219BA821ECEA86B64E628F8D684696D",
                "-e",
                "SSH_PUBLIC_KEY=ssh-ed25519 AAAA",
                "-e",
                "PWD=/app",
            ),
            *(
                "-e",
                "DATABASE_URL=postgres://db/app",
                "-e",
                "MYSQL_ALLOW_EMPTY_PASSWORD=yes",
                "-e",
                "SESSION_TOKEN_TTL=3600",
            ),
        ),
    ),
    Planted("decoy-published", options=("-p", "127.0.0.1:8081:80"), start=False),
    Planted("decoy-capability", options=("--cap-add", "NET_BIND_SERVICE", "--cap-add", "CHOWN")),
    Planted("decoy-restart", options=("--restart", "on-failure:3")),
    Planted(
        "decoy-data",
        options=("--tmpfs", "/scratch:exec,mode=777"),
        does="cp /bin/busybox /scratch/tool; exec sleep 3600",
    ),
    Planted("decoy-session", inside=("decoy-session", "sleep", "3600")),
    Planted("decoy-sshd", does="exec /app/sshd-reporter"),
    Planted("decoy-device", options=("--device", "/dev/urandom", "--oom-score-adj", "500")),
    Planted("decoy-ended", does="exit 0"),
)
"""What looks like a problem and is none: nothing may be reported of them."""


def plant(engine: DockerEngine, chosen: Sequence[Planted] = (*DECOYS, *PLANTS)) -> None:
    """Make these containers, in their order.

    Raises:
        LabError: one of them could not be made.
    """
    archive = busybox_archive(
        {f"app/{name}": b"#!/bin/sh\nwhile sleep 3600; do :; done\n" for name in ("sshd", "sshd-reporter")}
    )
    for name in (IMAGE, "lab/moving:1", "lab/floating"):
        engine.load(name, archive)
    for one in chosen:
        _make(engine, one)
    # The tag moves on under what runs.
    engine.load("lab/moving:1", busybox_archive())


def _make(engine: DockerEngine, one: Planted) -> None:
    options: list[str] = []
    pairs = iter(SOUND)
    for option in pairs:
        words = (option,) if option == "--read-only" else (option, next(pairs))
        if option not in one.without:
            options += words
    verb = ("run", "--detach") if one.start else ("create",)
    engine.docker(*verb, "--name", one.name, *options, *one.options, one.image, "sh", "-c", one.does)
    if one.inside:
        engine.docker("exec", "--detach", *one.inside)


def wrongs(found: Mapping[str, Collection[str]]) -> list[str]:
    """What was missed, and what was reported without being there, by the keys of problems of each container."""
    wrong: list[str] = []
    for one in (*DECOYS, *PLANTS):
        keys = {key for key in found.get(one.name, ()) if not key.startswith("container/")}
        wrong += [f"missed: {one.name} {key}" for key in sorted(set(one.expected) - keys)]
        wrong += [f"reported: {one.name} {key}" for key in sorted(keys - set(one.expected))]
    return wrong
