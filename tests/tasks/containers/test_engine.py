"""A look at a real Docker engine brings what its containers are, and no value of any variable."""

import logging
import threading
import time

import pytest

from estate.containers.engine import Engine, Mount, Process, Published, Secret, Session, Written
from estate.errors import ToolFailed
from infra.lab.docker_engine import busybox_archive, docker_engine
from tasks.containers.engine import list_images, look

TOKEN = "ghp_" + "a1B2" * 9


def eventually(ask, holds, seconds=60):
    """What a container does takes a moment."""
    until = time.monotonic() + seconds
    while not holds(found := ask()):
        assert time.monotonic() < until, found
        time.sleep(0.2)
    return found


def test_the_engine_says_what_it_is(engine, looked):
    told = looked(engine.where)
    assert (told.error, told.detail, told.where) == ("", "", engine.where)
    assert told.engine.kind == "docker"
    assert told.engine.version
    assert any(one.startswith("name=seccomp") for one in told.engine.security)


def test_what_a_container_was_started_with_is_told(engine, run, seen):
    engine.docker("volume", "create", "data")
    run(
        "full",
        *("--user", "1000:1000", "--cap-drop", "ALL", "--cap-add", "NET_BIND_SERVICE", "--read-only"),
        *("--security-opt", "no-new-privileges", "--memory", "64m", "--cpus", "0.5", "--pids-limit", "50"),
        *("--restart", "on-failure:3", "--volume", "/etc/hostname:/host:ro", "--tmpfs", "/run"),
        *("--volume", "data:/data"),
        *("--label", "com.docker.compose.project=shop", "--label", "com.docker.compose.service=web"),
        *("--health-cmd", "true", "--pid", "host", "--oom-score-adj", "10", "--device", "/dev/null"),
    )
    full = seen("full")
    assert (full.key, full.service, full.image) == ("shop/web", "shop/web", "busybox:lab")
    assert full.image_id == full.tag_id
    assert full.image_id.startswith("sha256:")
    assert (full.user, full.dropped, full.added) == ("1000:1000", ("ALL",), ("CAP_NET_BIND_SERVICE",))
    assert (full.read_only, full.memory, full.cpu, full.pids) == (True, 64 << 20, True, 50)
    assert (full.restart, full.restart_most, full.has_health_check) == ("on-failure", 3, True)
    assert (full.pid, full.network, full.networks, full.oom_score) == ("host", "none", ("none",), 10)
    # With the host's processes, Docker takes the SELinux label away by itself.
    assert full.security == ("no-new-privileges", "label=disable")
    assert (full.devices, full.state) == (("/dev/null",), "running")
    assert Mount("bind", "/etc/hostname", "/host", writable=False, propagation="rprivate") in full.mounts
    assert Mount("tmpfs", "", "/run") in full.mounts
    assert [one.volume for one in full.mounts if one.destination == "/data"] == ["data"]
    assert dict(full.unseen) == {"registry": "not-asked"}


def test_a_container_that_never_started_is_told_too(run, seen):
    run("waiting", "--privileged", "--publish", "8080:80", "--publish", "127.0.0.1::81", verb="create")
    waiting = seen("waiting")
    assert (waiting.state, waiting.privileged) == ("created", True)
    assert set(waiting.published) == {Published("80/tcp", "", "8080"), Published("81/tcp", "127.0.0.1", "")}
    assert waiting.processes == ()


def test_no_value_of_a_variable_leaves_the_engine(engine, run, tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    run(
        "talks",
        *("--env", "DB_PASSWORD=correct-horse", "--env", f"NOTE=see {TOKEN}", "--env", "PLAIN=battery-staple"),
        *("--env", "KEY_FILE=/run/secrets/key", "--label", "note=staple-battery"),
        does="exec sleep 601 --password=horse-correct",
    )
    evidence = look(engine.where, tmp_path, deadline=60)
    stored = evidence.path.read_text()
    assert Secret("DB_PASSWORD", "name") in _container(stored, "talks").secrets
    assert Secret("NOTE", "github-token") in _container(stored, "talks").secrets
    assert len(_container(stored, "talks").secrets) == 2
    for value in ("correct-horse", TOKEN, "battery-staple", "staple-battery", "horse-correct", "/run/secrets/key"):
        assert value not in stored
        assert value not in caplog.text


def _container(stored, name):
    from io import BytesIO

    from estate.containers.engine import read_look

    (found,) = [one for one in read_look(BytesIO(stored.encode())).containers if one.name == name]
    return found


def test_what_was_written_since_the_start_is_told_with_whether_it_runs(run, seen):
    script = "cp /bin/busybox /usr-x; mkdir -p /opt/a; echo x >/opt/a/note; ln -s /usr-x /opt/link; rm -r /app"
    run("drifts", "--tmpfs", "/scratch", does=f"{script}; cp /usr-x /scratch/y; touch /tmp/ready; exec sleep 600")
    found = eventually(lambda: seen("drifts"), lambda one: any(each.path == "/tmp/ready" for each in one.written))
    assert set(found.written) == {
        Written("/opt/a/note", "added", False),
        Written("/opt/link", "added", False),
        Written("/tmp/ready", "added", False),
        Written("/usr-x", "added", True),
    }


def test_processes_are_told_without_their_arguments(run, seen):
    run(
        "works",
        does="cp /bin/busybox /tmp/busybox; echo 'sleep 600' >/tmp/job; /tmp/busybox sleep 77 & sh /tmp/job key=1",
    )
    found = eventually(lambda: seen("works"), lambda one: any(each.path == "/tmp/job" for each in one.processes))
    assert Process("root", "busybox", "/tmp/busybox") in found.processes
    assert not any("77" in str(one) or "key=1" in str(one) for one in found.processes)


def test_somebody_inside_is_seen_and_the_health_check_is_not(engine, run, seen):
    run(
        "visited",
        "--health-cmd",
        "sleep 5",
        "--health-interval",
        "1s",
        "--health-start-period",
        "600s",
        "--user",
        "1000",
    )
    until = time.monotonic() + 6
    while time.monotonic() < until:
        assert seen("visited").sessions == ()
    engine.docker("exec", "--detach", "--user", "0", "visited", "sleep", "300")
    engine.docker("exec", "--detach", "visited", "sleep", "300")
    found = eventually(lambda: seen("visited"), lambda one: len(one.sessions) > 1)
    assert set(found.sessions) == {Session("0"), Session("1000")}


def test_a_tag_that_moved_on_means_another_image_than_the_one_that_runs(engine, run, seen):
    engine.docker("tag", "busybox:lab", "moving:1")
    engine.docker("create", "--name", "stays", "--network", "none", "moving:1", "true")
    try:
        engine.load("moving:1", busybox_archive({"app/new": b"#!/bin/sh\n"}))
        stays = seen("stays")
        assert stays.tag_id != stays.image_id
        engine.docker("rmi", "moving:1")
        assert seen("stays").tag_id == ""
    finally:
        engine.docker("rm", "stays")


def test_a_volume_that_is_a_folder_of_the_host_is_told_as_that(engine, run, seen):
    options = ("--opt", "type=none", "--opt", "o=bind", "--opt", "device=/run")
    engine.docker("volume", "create", "--driver", "local", *options, "innocent")
    run("veiled", "--volume", "innocent:/x", verb="create")
    (mount,) = seen("veiled").mounts
    assert (mount.kind, mount.source, mount.volume) == ("bind", "/run", "innocent")


def test_a_container_that_restarts_all_the_time_is_told_as_such(run, seen):
    run("crashes", "--restart", "always", does="exit 1")
    found = eventually(lambda: seen("crashes"), lambda one: one.restarts > 0)
    assert found.restart == "always"
    assert dict(found.unseen).get("top", "busy") == "busy"


def test_containers_that_come_and_go_during_the_look_are_no_error(engine, looked):
    stop = threading.Event()

    def churn():
        while not stop.is_set():
            engine.docker(
                "run", "--rm", "--name", "brief", "--network", "none", "busybox:lab", "true", allowed=(0, 125)
            )

    thread = threading.Thread(target=churn)
    thread.start()
    try:
        for _ in range(15):
            told = looked(engine.where)
            assert (told.error, told.detail) == ("", "")
    finally:
        stop.set()
        thread.join()


def test_images_are_listed_with_their_layers(engine):
    engine.load("labelled:1", busybox_archive(), 'LABEL who="\x1b[31mme"')
    engine.docker("tag", "labelled:1", "labelled:2")
    images = {tag: image for image in list_images(engine.where) for tag in image.tags}
    found = images["labelled:1"]
    assert found == images["labelled:2"]
    assert found.id.startswith("sha256:")
    assert found.digests == ()
    assert len(found.layers) == 1
    assert found.layers == images["busybox:lab"].layers
    assert dict(found.labels)["who"].endswith("me")
    assert found.size > 1_000_000
    engine.docker("rmi", "labelled:1", "labelled:2")


def test_an_engine_that_is_not_there_is_unreachable(looked, tmp_path):
    told = looked(f"unix://{tmp_path}/nothing")
    assert (told.error, told.engine, told.containers) == ("unreachable", Engine(""), ())
    assert "No such file" in told.detail
    with pytest.raises(ToolFailed, match="unreachable"):
        list_images(f"unix://{tmp_path}/nothing")


@pytest.mark.parametrize("where", ["nonsense://x", "tcp://", "unix:", "http://127.0.0.1:1", "tcp://127.0.0.1:1"])
def test_an_address_that_leads_nowhere_is_told(looked, where):
    told = looked(where)
    assert told.error in {"unreachable", "failed"}
    assert told.detail


def test_the_environment_says_where_the_engine_is(engine, looked, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", engine.where)
    assert looked("").where == engine.where


def test_a_look_that_is_called_off_says_so(engine, looked):
    stop = threading.Event()
    stop.set()
    assert looked(engine.where, cancelled=stop).error == "cancelled"


def test_an_engine_that_was_stopped_is_unreachable(looked):
    with docker_engine() as engine:
        engine.load("busybox:lab", busybox_archive())
        for number in range(3):
            engine.docker("create", "--name", f"c{number}", "--network", "none", "busybox:lab", "true")
        whole = looked(engine.where)
        assert len(whole.containers) == 3
    told = looked(engine.where)
    assert told.error == "unreachable"
