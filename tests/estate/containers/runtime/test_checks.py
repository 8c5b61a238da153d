"""Every check of running containers fires where it should, and is quiet where something only looks like it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from estate.containers.engine import Container, Engine, Mount, Process, Published, Secret, Session, Written
from estate.containers.runtime import BY_ID, CHECKS, RULES
from estate.containers.runtime.check import Problem, Unseen
from estate.containers.runtime.unscanned import Scans


def run(check: str, container: Container, engine: Engine) -> list[Problem]:
    return list(BY_ID[check].run(container, engine))


def bind(source: str, **changed: object) -> Mount:
    return Mount("bind", source, "/inside", **changed)  # type: ignore[arg-type]  # named as they are


ANOTHER = "sha256:" + "c" * 64
FIRES: list[tuple[str, dict[str, object], list[tuple[str, str]]]] = [
    ("R01", {"privileged": True}, [("privileged", "critical")]),
    ("R02", {"added": ("CAP_SYS_ADMIN", "net_admin")}, [("NET_ADMIN", "high"), ("SYS_ADMIN", "critical")]),
    ("R02", {"added": ("ALL",)}, [("ALL", "critical")]),
    ("R03", {"dropped": ()}, [("cap-drop", "low")]),
    ("R03", {"dropped": ("NET_RAW",), "effective": ("CHOWN",)}, [("cap-drop", "low")]),
    ("R04", {"mounts": (bind("/var/run/docker.sock", writable=False),)}, [("/run/docker.sock", "critical")]),
    ("R04", {"mounts": (bind("/run//./"),)}, [("/run", "critical")]),
    ("R04", {"mounts": (bind("/"),)}, [("/", "critical")]),
    ("R04", {"mounts": (bind("/run/user/1000/podman"),)}, [("/run/user/1000/podman", "critical")]),
    ("R04", {"mounts": (bind("/srv/proxy/containerd.sock"),)}, [("/srv/proxy/containerd.sock", "critical")]),
    ("R05", {"mounts": (bind("/etc"),)}, [("/etc", "high")]),
    ("R05", {"mounts": (bind("/srv/../etc/ssh", writable=False),)}, [("/etc/ssh", "medium")]),
    ("R05", {"mounts": (bind("/var"),)}, [("/var", "high")]),
    ("R05", {"mounts": (bind("/"),)}, [("/", "high")]),
    ("R05", {"mounts": (bind("/etc/localtime"),)}, [("/etc/localtime", "high")]),
    ("R06", {"network": "host"}, [("network", "high")]),
    ("R07", {"pid": "host"}, [("pid", "high")]),
    ("R08", {"ipc": "host"}, [("ipc", "high")]),
    ("R09", {"uts": "host"}, [("uts", "medium")]),
    ("R10", {"userns": "host"}, [("userns", "medium")]),
    ("R11", {"security": ()}, [("no-new-privileges", "medium")]),
    ("R11", {"security": ("no-new-privileges=false",)}, [("no-new-privileges", "medium")]),
    ("R12", {"security": ("seccomp=unconfined",)}, [("seccomp", "high")]),
    ("R12", {"security": ("seccomp:unconfined",)}, [("seccomp", "high")]),
    ("R12", {"privileged": True}, [("seccomp", "high")]),
    ("R13", {"security": ("apparmor=unconfined",)}, [("apparmor", "medium")]),
    ("R13", {"apparmor": ""}, [("apparmor", "medium")]),
    ("R15", {"read_only": False}, [("read-only", "low")]),
    ("R16", {"user": ""}, [("user", "medium")]),
    ("R16", {"user": "root:app"}, [("user", "medium")]),
    ("R16", {"user": "000"}, [("user", "medium")]),
    ("R17", {"memory": 0}, [("memory", "low")]),
    ("R18", {"cpu": False}, [("cpu", "low")]),
    ("R19", {"pids": -1}, [("pids", "medium")]),
    ("R20", {"restart": "always", "restart_most": 0}, [("restart", "low")]),
    ("R20", {"restart": "on-failure", "restart_most": 0}, [("restart", "low")]),
    ("R20", {"restart": "on-failure", "restart_most": 50}, [("restart", "low")]),
    (
        "R21",
        {"published": (Published("80/tcp", "", "8080"), Published("80/tcp", "::", "8080"))},
        [("80/tcp", "medium")],
    ),
    ("R22", {"published": (Published("80/tcp", "127.0.0.1", "80"),)}, [("80", "low")]),
    ("R22", {"published": (Published("80/tcp", "127.0.0.1", "80-90"),)}, [("80", "low")]),
    ("R23", {"devices": ("/dev/sda", "rule a *:* rwm")}, [("/dev/sda", "medium"), ("rule a *:* rwm", "medium")]),
    ("R24", {"mounts": (bind("/mnt/x", propagation="rshared"),)}, [("/mnt/x", "medium")]),
    ("R25", {"secrets": (Secret("DB_PASSWORD", "name"),)}, [("DB_PASSWORD", "high")]),
    ("R26", {"has_health_check": False}, [("healthcheck", "low")]),
    ("R27", {"health": "unhealthy"}, [("health", "medium")]),
    ("R28", {"networks": ("bridge", "lab")}, [("bridge", "low")]),
    ("R28", {"networks": (), "network": "default"}, [("bridge", "low")]),
    ("R29", {"tag_id": ANOTHER}, [("image", "medium")]),
    ("R30", {"registry_digest": ANOTHER}, [("registry", "medium")]),
    ("R31", {"image": "127.0.0.1:5000/app"}, [("tag", "low")]),
    ("R31", {"image": "app:latest"}, [("tag", "low")]),
    ("R32", {"written": (Written("/usr/bin/xmrig", "added", True),)}, [("/usr/bin/xmrig", "high")]),
    ("R33", {"processes": (Process("root", "sshd", "/usr/sbin/sshd"),)}, [("sshd", "medium")]),
    ("R34", {"processes": (Process("app", "x", "/tmp/x"), Process("app", "sh", "/dev/shm/y"))}, []),
    ("R35", {"cgroup_parent": "/elsewhere"}, [("cgroup-parent", "low")]),
    ("R36", {"network": "container:abc", "pid": "container:abc"}, [("network", "low"), ("pid", "low")]),
    ("R37", {"oom_kill_disabled": True}, [("oom-kill-disable", "low")]),
    ("R37", {"oom_score": -500}, [("oom-score-adj", "low")]),
    ("R38", {"sessions": (Session("root"),)}, [("exec:as root", "medium")]),
    ("R38", {"sessions": (Session("1000", privileged=True),)}, [("exec:privileged", "medium")]),
    ("R39", {"restarts": 6}, [("restarts", "low")]),
    ("R39", {"restarting": True}, [("restarts", "low")]),
    ("R39", {"oom_killed": True}, [("oom-killed", "low")]),
    ("R40", {"unmasked": True}, [("systempaths", "high")]),
]
FIRES = [
    (check, changed, problems or [("/dev/shm/y", "high"), ("/tmp/x", "high")]) for check, changed, problems in FIRES
]
QUIET: list[tuple[str, dict[str, object]]] = [
    ("R02", {"added": ("NET_BIND_SERVICE", "CHOWN", "CAP_SETUID")}),
    ("R03", {"dropped": ("CAP_ALL",)}),
    ("R03", {"dropped": (), "added": ("NET_BIND_SERVICE",), "effective": ("CAP_NET_BIND_SERVICE",)}),
    ("R04", {"mounts": (bind("/srv/docker.sock.d"), Mount("volume", "docker.sock", "/x"), bind("/run/app"))}),
    ("R05", {"mounts": (bind("/etcetera"), bind("/srv/etc"), bind("/dev/null"), bind("/home/me/project"))}),
    ("R05", {"mounts": (bind("/etc/localtime", writable=False), bind("/etc/ssl/certs", writable=False))}),
    ("R05", {"mounts": (bind("/var/lib/kubelet/pods/1-2/volumes/x"), Mount("volume", "/etc", "/x"))}),
    ("R05", {"mounts": (bind("/run/docker.sock"),)}),
    ("R06", {"network": "hosting"}),
    ("R12", {"security": ("seccomp={}",)}),
    ("R13", {"apparmor": "", "state": "created"}),
    ("R14", {"security": ("label=disable",)}),
    ("R16", {"user": "rooter"}),
    ("R16", {"user": "0", "userns": "auto:size=65536"}),
    ("R21", {"published": (Published("80/tcp", "127.0.0.1", "8080"), Published("81/tcp", "no address", "1"))}),
    (
        "R22",
        {"published": (Published("80/tcp", "", "8080"), Published("81/tcp", "", ""), Published("82/tcp", "", "x"))},
    ),
    ("R23", {"devices": ("/dev/null",)}),
    ("R24", {"mounts": (bind("/mnt/x", propagation="rslave"),)}),
    ("R27", {"health": "unhealthy", "state": "exited"}),
    ("R28", {"networks": ("none",), "network": "default"}),
    ("R29", {"tag_id": ANOTHER, "image": "lab/app@sha256:" + "b" * 64}),
    ("R29", {"tag_id": ""}),
    ("R31", {"image": "127.0.0.1:5000/app:1"}),
    ("R31", {"image": "app@sha256:" + "b" * 64}),
    ("R31", {"image": "a" * 12}),
    ("R32", {"written": (Written("/var/log/app.log", "added", False),)}),
    ("R33", {"processes": (Process("app", "sshd-reporter"),)}),
    ("R33", {"processes": (Process("root", "sshd"),), "state": "exited"}),
    ("R34", {"processes": (Process("app", "x", "/tmpfs/x"),)}),
    ("R35", {"cgroup_parent": "system.slice"}),
    ("R36", {"network": "containers"}),
    ("R37", {"oom_score": 500}),
    ("R38", {"sessions": (Session("1000"), Session("rooter"))}),
    ("R39", {"restarts": 5}),
    ("R40", {"unmasked": True, "privileged": True}),
]


@pytest.mark.parametrize(("check", "changed", "problems"), FIRES)
def test_a_check_fires(sound, engine, check, changed, problems):
    found = run(check, replace(sound, **changed), engine)
    assert sorted((one.detail, one.severity.value) for one in found) == problems
    assert all(one.evidence for one in found)


@pytest.mark.parametrize(("check", "changed"), QUIET)
def test_what_only_looks_like_a_problem_is_none(sound, engine, check, changed):
    assert run(check, replace(sound, **changed), engine) == []


@pytest.mark.parametrize("check", [check.id for check in CHECKS if check.id != "R41"])
def test_a_sound_container_passes_every_check(sound, engine, check):
    assert run(check, sound, engine) == []


def test_every_check_of_the_table_is_there_and_fires_somewhere():
    ids = [check.id for check in CHECKS]
    assert ids == [f"R{number:02}" for number in range(1, 42)]
    assert {check for check, _, _ in FIRES} | {"R14", "R41"} == set(ids)
    assert all(rule.title and rule.remediation for rule in RULES.values())


def test_selinux_counts_only_where_the_engine_has_it(sound, engine):
    off = replace(sound, security=("label=disable",))
    assert [one.detail for one in run("R14", off, replace(engine, security=("name=selinux",)))] == ["selinux"]


def test_what_the_engine_does_for_all_counts_for_each(sound, engine):
    assert run("R11", replace(sound, security=()), replace(engine, no_new_privileges=True)) == []
    assert run("R16", replace(sound, user=""), replace(engine, rootless=True)) == []
    assert run("R16", replace(sound, user=""), replace(engine, userns=True)) == []
    assert len(run("R16", replace(sound, user="", userns="host"), replace(engine, userns=True))) == 1
    assert run("R13", replace(sound, apparmor=""), replace(engine, security=("name=seccomp",))) == []


@pytest.mark.parametrize("security", ["name=seccomp,profile=unconfined", "name=apparmor"])
def test_an_engine_without_seccomp_has_it_for_no_container(sound, engine, security):
    weak = replace(engine, security=(security,))
    assert [one.detail for one in run("R12", sound, weak)] == ["seccomp"]


def test_podman_has_its_own_default_network_and_hides_masked_paths(sound, engine):
    podman = replace(engine, kind="podman")
    assert [one.detail for one in run("R28", replace(sound, networks=("podman",)), podman)] == ["bridge"]
    assert run("R28", replace(sound, networks=("lab",), network="bridge"), podman) == []
    assert run("R40", replace(sound, unmasked=True), podman) == []


@pytest.mark.parametrize(
    ("check", "what"),
    [
        *(("R04", "volumes"), ("R05", "volumes"), ("R29", "image"), ("R30", "registry")),
        *(("R32", "diff"), ("R33", "top"), ("R34", "top"), ("R38", "execs")),
    ],
)
def test_what_could_not_be_asked_is_unseen_and_not_passed(sound, engine, check, what):
    with pytest.raises(Unseen, match="busy"):
        run(check, replace(sound, unseen=((what, "busy"),)), engine)


def test_files_whose_mode_is_unknown_leave_the_check_blind_beside_what_was_found(sound, engine):
    written = (Written("/bin/x", "added", True), Written("/bin/y", "added"))
    checking = iter(BY_ID["R32"].run(replace(sound, written=written), engine))
    assert next(checking).detail == "/bin/x"
    with pytest.raises(Unseen):
        next(checking)


def test_a_paused_container_is_asked_for_its_processes(sound, engine):
    with pytest.raises(Unseen):
        run("R33", replace(sound, state="paused", unseen=(("top", "busy"),)), engine)


def test_an_image_that_was_never_scanned_or_long_ago_is_told(sound, engine):
    at = datetime(2026, 3, 1, tzinfo=UTC)

    def told(*days: int) -> list[str]:
        last = dict.fromkeys([sound.image_id][: len(days)], at - timedelta(days=sum(days)))
        return [one.evidence for one in Scans(last, at, 30).run(sound, engine)]

    assert told(30) == []
    assert told(31) == ["lab/app:1.2 was last scanned more than 30 days ago"]
    assert told() == ["lab/app:1.2 runs, and nobody ever scanned that image"]
    with pytest.raises(Unseen, match="not-asked"):
        run("R41", sound, engine)
