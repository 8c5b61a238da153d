"""The registry's client against a real registry, and against answers that no honest registry gives."""

import base64
import json
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
import trustme

from estate.containers.reference import read_reference
from estate.errors import (
    BadInput,
    RegistryBusy,
    RegistryError,
    RegistryLacks,
    RegistryNotTrusted,
    RegistryRefused,
    RegistryUnreachable,
)
from infra.lab.registry import PASSWORD, USER, LabRegistry, digest_of, lab_registry
from tasks.containers.credentials import Named, credentials_for
from tasks.containers.registry import MOST_MANIFEST, Registry

Answer = tuple[int, dict[str, str], bytes]
HEX = "sha256:" + "a" * 64


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabRegistry]:
    with lab_registry(tmp_path_factory.mktemp("registry")) as found:
        yield found


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabRegistry]:
    with lab_registry(tmp_path_factory.mktemp("guarded"), protected=True) as found:
        found.image("team/app", "1")
        yield found


@pytest.fixture
def answers() -> Iterator[Callable[[Callable[[str, str, str], Answer]], str]]:
    """A registry that answers what a test says to (method, path, Authorization); gives its host."""
    servers: list[ThreadingHTTPServer] = []

    def start(say: Callable[[str, str, str], Answer]) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.rfile.read(int(self.headers.get("content-length", 0)))
                status, headers, body = say(self.command, self.path, self.headers.get("authorization", ""))
                self.send_response(status)
                for name, value in {"content-length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET  # noqa: N815  # the server looks for this name

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        Thread(target=server.serve_forever, daemon=True).start()
        return f"127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def always(status: int, body: bytes = b"{}", **headers: str) -> Callable[[str, str, str], Answer]:
    return lambda *_: (status, {name.replace("_", "-"): value for name, value in headers.items()}, body)


def test_a_tag_is_resolved_to_the_digest_that_was_pushed(lab):
    digest = lab.image("lab/app", "1.0")
    with Registry(lab.host) as registry:
        assert registry.resolve(read_reference(f"{lab.host}/lab/app:1.0")) == digest
        assert registry.resolve(read_reference(f"{lab.host}/lab/app@{digest}")) == digest


def test_a_moved_tag_means_the_new_digest(lab):
    first = lab.image("lab/moved", "1.0")
    second = lab.image("lab/moved", "1.0", b'{"os": "linux"}')
    with Registry(lab.host) as registry:
        assert registry.resolve(read_reference(f"{lab.host}/lab/moved:1.0")) == second != first


def test_what_is_not_there_is_said_to_be_lacking(lab):
    with Registry(lab.host) as registry:
        for name in ("lab/none:1", f"lab/none@{HEX}"):
            with pytest.raises(RegistryLacks):
                registry.resolve(read_reference(f"{lab.host}/{name}"))


def test_nothing_refers_to_an_image_that_nobody_signed(lab):
    digest = lab.image("lab/bare", "1.0")
    with Registry(lab.host) as registry:
        assert registry.referrers("lab/bare", digest) == {}


def test_a_password_is_asked_for_and_given(guarded, monkeypatch):
    monkeypatch.setenv("LAB_USER", USER)
    monkeypatch.setenv("LAB_PASSWORD", PASSWORD)
    credentials = credentials_for(guarded.host, (Named(guarded.host, "LAB_USER", "LAB_PASSWORD"),))
    with Registry(guarded.host, credentials) as registry:
        assert registry.resolve(read_reference(f"{guarded.host}/team/app:1")).startswith("sha256:")


def test_without_a_password_and_with_a_wrong_one_the_registry_refuses(guarded, monkeypatch):
    monkeypatch.setenv("LAB_USER", USER)
    monkeypatch.setenv("LAB_PASSWORD", "wrong")
    wrong = credentials_for(guarded.host, (Named(guarded.host, "LAB_USER", "LAB_PASSWORD"),))
    for credentials in (None, wrong):
        with Registry(guarded.host, credentials) as registry, pytest.raises(RegistryRefused) as told:
            registry.resolve(read_reference(f"{guarded.host}/team/app:1"))
        assert "wrong" not in str(told.value)


def test_dockers_own_file_is_read(guarded, monkeypatch, tmp_path: Path):
    spelled = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    told = {"auths": {"other.example": {"auth": "eDp5"}, f"https://{guarded.host}": {"auth": spelled}}}
    (tmp_path / "config.json").write_text(json.dumps(told))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    with Registry(guarded.host, credentials_for(guarded.host)) as registry:
        assert registry.resolve(read_reference(f"{guarded.host}/team/app:1"))
    assert credentials_for("else.example") is None
    assert PASSWORD not in repr(credentials_for(guarded.host))


def test_a_variable_that_is_not_set_is_named(monkeypatch):
    monkeypatch.delenv("LAB_NOBODY", raising=False)
    with pytest.raises(BadInput, match="LAB_NOBODY"):
        credentials_for("a.example", (Named("a.example", "LAB_NOBODY", "LAB_NOBODY"),))


def test_a_certificate_that_nobody_trusts_ends_it(tmp_path: Path):
    issued = trustme.CA().issue_cert("127.0.0.1")
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    issued.cert_chain_pems[0].write_to_path(str(certificate))
    issued.private_key_pem.write_to_path(str(key))
    with (
        lab_registry(tmp_path, certificate=certificate, key=key) as found,
        Registry(found.host) as registry,
        pytest.raises(RegistryNotTrusted, match="certificate"),
    ):
        registry.resolve(read_reference(f"{found.host}/lab/app:1"))


def test_an_authority_that_the_system_trusts_will_do(tmp_path: Path, monkeypatch):
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    certificate, key, roots = tmp_path / "cert.pem", tmp_path / "key.pem", tmp_path / "roots.pem"
    issued.cert_chain_pems[0].write_to_path(str(certificate))
    issued.private_key_pem.write_to_path(str(key))
    authority.cert_pem.write_to_path(str(roots))
    monkeypatch.setenv("SSL_CERT_FILE", str(roots))
    with lab_registry(tmp_path, certificate=certificate, key=key) as found, Registry(found.host) as registry:
        digest = found.image("lab/app", "1")
        assert registry.resolve(read_reference(f"{found.host}/lab/app:1")) == digest


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (always(401), RegistryRefused),
        (always(403), RegistryRefused),
        (always(404), RegistryLacks),
        (always(429, retry_after="30"), RegistryBusy),
        (always(503), RegistryUnreachable),
        (always(302, location="http://169.254.169.254/latest/"), RegistryNotTrusted),
        (always(307, location="https://elsewhere.example/"), RegistryNotTrusted),
        (always(200, b"x" * (MOST_MANIFEST + 1)), RegistryNotTrusted),
        (always(200, b"x", content_encoding="gzip"), RegistryNotTrusted),
        (always(401, www_authenticate="Negotiate"), RegistryRefused),
        (always(401, www_authenticate='Bearer realm="https://evil.example/token"'), RegistryNotTrusted),
        (always(401, www_authenticate='Bearer realm="http://127.0.0.1.evil.example/"'), RegistryNotTrusted),
        (always(401, www_authenticate='Bearer realm="https://[/"'), RegistryNotTrusted),
    ],
)
def test_every_answer_that_is_no_manifest_has_its_error(answers, answer, error):
    host = answers(answer)
    with Registry(host) as registry, pytest.raises(RegistryError) as told:
        registry.manifest("lab/app", "1")
    assert type(told.value) is error


def test_another_manifest_than_the_digest_says_is_refused(answers):
    host = answers(always(200, b'{"not": "it"}', docker_content_digest=HEX))
    with Registry(host) as registry:
        with pytest.raises(RegistryNotTrusted):
            registry.manifest("lab/app", HEX)
        with pytest.raises(RegistryNotTrusted):
            registry.blob("lab/app", HEX)
        assert registry.manifest("lab/app", "1").digest == digest_of(b'{"not": "it"}')


@pytest.mark.parametrize(
    "where", ["http://169.254.169.254/", "https://10.0.0.1/", "https://[::1]/", "https://metadata/"]
)
def test_a_blob_is_not_fetched_from_an_address_that_a_registry_names(answers, where):
    host = answers(always(307, location=where))
    with Registry(host) as registry, pytest.raises(RegistryNotTrusted, match="sent us on"):
        registry.blob("lab/app", HEX)


def test_nobody_listening_and_nobody_answering_are_unreachable(answers):
    with Registry("127.0.0.1:1") as registry, pytest.raises(RegistryUnreachable):
        registry.manifest("lab/app", "1")
    assert RegistryUnreachable.retryable
    assert not RegistryRefused.retryable


def token_service(asked: list[str], wanted: str, place: list[str]) -> Callable[[str, str, str], Answer]:
    def say(method: str, path: str, authorization: str) -> Answer:
        asked.append(f"{method} {path.partition('?')[0]} {authorization}")
        if path.startswith("/token"):
            return (200, {}, b'{"token": "t0k"}') if method == "POST" or authorization == wanted else (401, {}, b"")
        if authorization == "Bearer t0k":
            return 200, {}, b'{"schemaVersion": 2}'
        realm = f'Bearer realm="http://{place[0]}/token",service="lab",scope="repository:lab/app:pull"'
        return 401, {"www-authenticate": realm}, b""

    return say


@pytest.mark.parametrize("kind", ["anonymous", "password", "identity"])
def test_a_token_is_fetched_once_and_used_again(answers, kind, monkeypatch, tmp_path):
    asked: list[str] = []
    basic = f"Basic {base64.b64encode(f'{USER}:{PASSWORD}'.encode()).decode()}"
    place: list[str] = []
    host = answers(token_service(asked, basic if kind == "password" else "", place))
    place.append(host)
    told = {"auth": basic.removeprefix("Basic ")} if kind == "password" else {"identitytoken": "refresh"}
    (tmp_path / "config.json").write_text(json.dumps({"auths": {host: told} if kind != "anonymous" else {}}))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    with Registry(host, credentials_for(host)) as registry:
        registry.manifest("lab/app", "1")
        registry.manifest("lab/app", "2")
    fetched = [one for one in asked if "/token" in one]
    assert fetched == [
        {"anonymous": "GET /token ", "password": f"GET /token {basic}", "identity": "POST /token "}[kind]
    ]


def test_a_password_is_shown_to_nobody_who_did_not_ask(answers, monkeypatch):
    asked: list[str] = []

    def say(method: str, path: str, authorization: str) -> Answer:
        asked.append(authorization)
        return 200, {}, b"{}"

    host = answers(say)
    monkeypatch.setenv("LAB_USER", USER)
    monkeypatch.setenv("LAB_PASSWORD", PASSWORD)
    with Registry(host, credentials_for(host, (Named(host, "LAB_USER", "LAB_PASSWORD"),))) as registry:
        registry.manifest("lab/app", "1")
    assert asked == [""]
