"""A real Podman is looked at by the same questions, and its own spellings are read as Docker's."""

from dataclasses import replace

from estate.containers.engine import Process, Secret, Written
from estate.containers.runtime import BY_ID
from infra.lab.docker_engine import busybox_archive
from infra.lab.podman_engine import podman_engine
from tasks.containers.engine import list_images


def test_podmans_containers_are_told_as_dockers_are(looked):
    image = "localhost/busybox:lab"
    options = ("--network", "none", "--env", "DB_PASSWORD=sesame-opens", "--cap-drop", "ALL", "--user", "1000")
    labels = ("--label", "com.docker.compose.project=shop", "--label", "com.docker.compose.service=web")
    with podman_engine() as engine:
        engine.podman("import", "-", image, given=busybox_archive())
        script = "cp /bin/busybox /tmp/busybox; exec /tmp/busybox sleep 600"
        engine.podman("run", "--detach", "--name", "web", *options, *labels, image, "sh", "-c", script)
        engine.podman("create", "--name", "priv", "--privileged", "--network", "host", "--pid", "host", image, "true")
        told = looked(engine.where)
        images = list_images(engine.where)
    assert (told.error, told.engine.kind) == ("", "podman")
    web, priv = (next(one for one in told.containers if one.name == name) for name in ("web", "priv"))
    assert (web.key, web.image, web.image_id, web.tag_id) == ("shop/web", image, images[0].id, images[0].id)
    assert images[0].tags == (image,)
    assert web.secrets == (Secret("DB_PASSWORD", "name"),)
    assert list(BY_ID["R03"].run(web, told.engine)) == []
    assert len(list(BY_ID["R03"].run(replace(web, dropped=(), effective=("CHOWN",)), told.engine))) == 1
    assert dict(web.unseen) == {"registry": "not-asked"}
    assert Written("/tmp/busybox", "added", True) in web.written
    assert [(one.program, one.path) for one in web.processes] == [("busybox", "/tmp/busybox")]
    assert isinstance(web.processes[0], Process)
    assert (priv.privileged, priv.pid, priv.network, priv.devices) == (True, "host", "host", ())
    assert "sesame" not in repr(told)
