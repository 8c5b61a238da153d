"""Images that are read from a registry, from an engine's socket, and with a server that holds the database."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import UnixStreamServer
from threading import Thread

import pytest

from estate.containers.image import read_image_visit
from estate.containers.image_shard import ImageShard, ImageTarget, sights
from estate.containers.layers import Base
from estate.evidence import Document, Evidence, Notes
from estate.observations import Sight
from infra.lab.images import CMD, OLD_PACKAGES, Image, Layer, debian, tar_of
from infra.lab.registry import lab_registry
from tasks.containers.canary import check_database
from tasks.containers.trivy import scan_image

GLIBC = "vuln/pkg:deb/debian/libc6:CVE-2023-4911"
KEY = b"aws_access_key_id=AKIA" + b"QYLPMN5HFIQR7BBB\n"
BASE_SECRET = "secret/aws-access-key-id:/root/old-key"
BASE = Image((Layer({**debian(OLD_PACKAGES).files, "root/old-key": KEY}, after=(CMD,)),), tags=("lab/base:1.0",))
CHILD = Image((*BASE.layers, Layer({"app/x": b"x"}, made_by="COPY . /app")))


def sight_of(target: ImageTarget, evidence: list[Evidence], bases: tuple[Base, ...] = ()) -> Sight:
    opened = [
        Document(one.media, 0, one.path.open("rb"), one.companion.open("rb") if one.companion else None)
        for one in evidence
    ]
    try:
        (sight,) = sights(ImageShard((target,), bases=bases), opened, Notes())
    finally:
        for one in opened:
            one.stream.close()
            if one.companion:
                one.companion.close()
    return sight


def scan(target: ImageTarget, folder: Path, cache: Path) -> list[Evidence]:
    return scan_image(target, folder, cache=cache, deadline=120, cancelled=None)


def error_of(evidence: list[Evidence]) -> str:
    with evidence[0].path.open("rb") as stream:
        return read_image_visit(stream).error


def test_a_registrys_image_is_scanned_by_its_digest(trivy, cache, tmp_path):
    with lab_registry(tmp_path) as registry:

        def push(image: Image, name: str) -> ImageTarget:
            digest = registry.image(name, "1.0", image.config, [tar_of(one.files) for one in image.layers])
            host = f"{registry.host}/{name}"
            return ImageTarget(host, "1.0", "remote", f"{host}@{digest}", digest=digest)

        child, base = push(CHILD, "lab/app"), push(BASE, "lab/base")
        first = scan(child, tmp_path, cache)
        blind = sight_of(child, first)
        assert dict(blind.present[GLIBC])["layer"] == "base"
        assert dict(blind.present["image/1.0"])["digest"] == child.digest
        # Nobody looked for secrets in what Trivy takes for the base ...
        look = blind.verdict(BASE_SECRET)
        assert look is not None
        assert (look.verdict.word, look.reason) == ("blind", "base-not-searched")
        # ... unless the base is scanned too, and what Trivy keeps of its layers must not hide it there.
        seen = sight_of(child, first, (Base("lab/base", BASE.diff_ids),))
        assert not seen.blind
        assert dict(seen.present["image/1.0"])["base_source"] == "layers"
        assert BASE_SECRET in sight_of(base, scan(base, tmp_path, cache)).present
        gone = ImageTarget("x", "1", "remote", f"{registry.host}/lab/app@sha256:{'0' * 64}")
        assert error_of(scan(gone, tmp_path, cache)) == "not-found"
    assert error_of(scan(child, tmp_path, cache)) == "unreachable"


def test_a_password_that_is_asked_for_is_said_so(trivy, cache, tmp_path):
    with lab_registry(tmp_path, protected=True) as registry:
        target = ImageTarget("x", "1", "remote", f"{registry.host}/lab/app:1")
        assert error_of(scan(target, tmp_path, cache)) == "auth-failed"


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[str]:
    """A socket that saves one image, as engines do."""
    saved = BASE.save(tmp_path / "base.tar").read_bytes()
    child = CHILD.save(tmp_path / "child.tar").read_bytes()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.removeprefix("/images/").removesuffix("/get")
            body = {"base": saved, "child": child, "cut": child[: len(child) // 2]}.get(name)
            self.send_response(200 if body is not None else 404)
            told = body if body is not None else b'{"message":"No such image: \\u001b[31mx"}'
            self.send_header("content-length", str(len(told)))
            self.end_headers()
            self.wfile.write(told)

        def log_message(self, *_: object) -> None:
            pass

        def address_string(self) -> str:
            return "engine"

    path = tmp_path / "engine.sock"
    with UnixStreamServer(str(path), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield f"unix://{path}"
        server.shutdown()
        thread.join()


def test_an_engines_image_is_searched_in_all_of_its_layers(trivy, cache, tmp_path, engine):
    target = ImageTarget("lab/app", "1.0", "docker", "child", image_id=CHILD.id, engine=engine)
    evidence = scan(target, tmp_path, cache)
    sight = sight_of(target, evidence)
    assert {GLIBC, BASE_SECRET} <= sight.present.keys()
    assert not sight.blind
    assert not [one for one in tmp_path.iterdir() if one.name.startswith("work-")]


def test_an_image_that_is_gone_or_cut_meanwhile_says_so(trivy, cache, tmp_path, engine):
    for name, word in (("none", "not-found"), ("cut", "bad-archive")):
        target = ImageTarget("lab/app", "1.0", "podman", name, engine=engine)
        assert error_of(scan(target, tmp_path, cache)) == word
    away = ImageTarget("lab/app", "1.0", "docker", "child", engine=f"unix://{tmp_path}/none.sock")
    assert error_of(scan(away, tmp_path, cache)) == "unreachable"


@pytest.fixture
def server(trivy: Path, cache: Path, tmp_path: Path) -> Iterator[str]:
    """A real `trivy server` with the whole database."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with (tmp_path / "server.log").open("wb") as log:
        process = subprocess.Popen(
            (
                trivy,
                "server",
                "--listen",
                f"127.0.0.1:{port}",
                "--token",
                "t0ken",
                "--cache-dir",
                cache,
                "--skip-db-update",
            ),
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + 60
        while True:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(20)


def test_a_server_needs_no_database_here(server, tmp_path, monkeypatch):
    monkeypatch.setenv("TRIVY_SERVER", server)
    monkeypatch.setenv("TRIVY_TOKEN", "t0ken")
    here = tmp_path / "no-database"
    assert check_database(here).verdict == "ok"
    assert check_database(here).database.startswith("2026-11-01")
    target = ImageTarget("lab/base", "1.0", "archive", str(BASE.save(tmp_path / "a.tar")))
    sight = sight_of(target, scan(target, tmp_path, here))
    assert {GLIBC, BASE_SECRET} <= sight.present.keys()
    monkeypatch.setenv("TRIVY_TOKEN", "another")
    assert check_database(here).verdict != "ok"


def test_a_server_that_is_away_is_no_clean_image(trivy, tmp_path, monkeypatch):
    monkeypatch.setenv("TRIVY_SERVER", "http://127.0.0.1:1")
    target = ImageTarget("lab/base", "1.0", "archive", str(BASE.save(tmp_path / "a.tar")))
    sight = sight_of(target, scan(target, tmp_path, tmp_path / "none"))
    assert not [key for key in sight.present if key.startswith("vuln/")]
    look = sight.verdict(GLIBC)
    assert look is not None
    assert look.verdict.word == "blind"
