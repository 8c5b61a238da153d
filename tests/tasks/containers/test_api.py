"""An engine that fails half-way, answers nonsense, or keeps silent is told in one word, with what was seen before."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tasks.containers import api

VERSION = {"Version": "20.10.24", "ApiVersion": "1.41", "MinAPIVersion": "1.12", "Components": [{"Name": "Engine"}]}
Answers = dict[str, object]


def inspected(name: str, **changed: object) -> dict[str, object]:
    state = {"Status": "exited"}
    return {
        "Id": name * 64,
        "Name": f"/{name}",
        "State": state,
        "Config": {"Image": "app:1"},
        "HostConfig": {},
        **changed,
    }


@pytest.fixture
def played() -> Iterator[Callable[..., str]]:
    """An engine on loopback with these answers by the end of a path: a value, a status, bytes, or what is done."""
    servers: list[ThreadingHTTPServer] = []

    def start(**answers: object) -> str:
        whole: Answers = {"version": VERSION, "info": {}, "changes": None, "images/app:1/json": 404, **answers}

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path = self.path.partition("?")[0]
                name = max((each for each in whole if path.endswith(f"/{each}")), key=len, default="")
                found = whole.get(name, 404)
                if callable(found):
                    with suppress(OSError):
                        found(self)
                    return
                status = found if isinstance(found, int) else 200
                body = found if isinstance(found, bytes) else json.dumps(found).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                with suppress(OSError):
                    self.wfile.write(body)

            do_HEAD = do_GET  # noqa: N815  # as http.server spells it

            def log_message(self, *_told: object) -> None:
                """Say nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"tcp://127.0.0.1:{server.server_address[1]}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def two(**answers: object) -> Answers:
    listed = [{"Id": "a" * 64, "Names": ["/a"]}, {"Id": "b" * 64, "Names": ["/other/alias", "/b"]}]
    told: Answers = {"containers/json": listed}
    told[f"{'a' * 64}/json"] = inspected("a")
    told[f"{'b' * 64}/json"] = inspected("b")
    return {**told, **answers}


def hang_up(handler: BaseHTTPRequestHandler) -> None:
    handler.close_connection = True
    handler.connection.close()


def test_an_engine_that_breaks_off_in_the_middle_leaves_what_was_seen(played, looked):
    told = looked(played(**two(**{f"{'b' * 64}/json": hang_up})))
    assert (told.error, [one.name for one in told.containers]) == ("unreachable", ["a"])


def test_a_container_that_was_removed_after_the_list_is_none(played, looked):
    told = looked(played(**two(**{f"{'a' * 64}/json": 404})))
    assert (told.error, [one.name for one in told.containers]) == ("", ["b"])


def test_a_container_that_cannot_be_inspected_is_named_and_unseen(played, looked):
    told = looked(played(**two(**{f"{'b' * 64}/json": 500})))
    assert [(one.name, dict(one.unseen).get("inspect")) for one in told.containers] == [("a", None), ("b", "failed")]


def test_a_diff_that_an_engine_refuses_is_unseen_alone(played, looked):
    told = looked(played(**two(changes=409)))
    assert [dict(one.unseen)["diff"] for one in told.containers] == ["busy", "busy"]


@pytest.mark.parametrize("status", [401, 403])
def test_an_engine_that_does_not_let_us_in_says_no_privilege(played, looked, status):
    assert looked(played(**{"containers/json": status})).error == "no-privilege"
    assert looked(played(version=status)).error == "no-privilege"


@pytest.mark.parametrize("nonsense", [b"", b"[[[", b"[" * 100_000, b"\xff\xfe"])
def test_an_answer_that_is_no_json_is_a_failure(played, looked, nonsense):
    assert looked(played(**{"containers/json": nonsense})).error == "failed"


@pytest.mark.parametrize("shape", [None, "x", [None, 3, "y"], {"Id": []}, [{"Id": {}}]])
def test_json_of_another_shape_is_nothing_and_never_an_exception(played, looked, shape):
    assert looked(played(**{"containers/json": shape})).error in {"", "failed"}
    spoilt = inspected("a", Config=shape, HostConfig=shape, State=shape, Mounts=shape, NetworkSettings=shape)
    told = looked(played(**two(**{f"{'a' * 64}/json": spoilt, "changes": shape, "info": shape})))
    assert [one.name for one in told.containers] == ["a", "b"]


def test_hostile_text_is_stored_and_read_back(played, looked):
    evil = "\ud800\x00\x1b[2J" + "x" * 100_000
    spoilt = inspected(
        "a", Config={"Image": evil, "User": evil, "Env": [f"{evil}TOKEN={evil}", 7, evil], "Labels": {evil: 1}}
    )
    told = looked(played(**two(**{f"{'a' * 64}/json": spoilt})))
    assert told.error == ""
    assert all(len(one) <= 1_000 for one in (told.containers[0].image, told.containers[0].user))


def test_an_engine_that_keeps_silent_is_a_timeout(played, looked):
    silent = threading.Event()
    try:
        assert looked(played(**{"containers/json": lambda _handler: silent.wait(60)}), deadline=2).error == "timeout"
    finally:
        silent.set()


def test_an_answer_without_end_is_a_failure(played, looked, monkeypatch):
    monkeypatch.setattr(api, "MOST_BYTES", 1_000_000)
    assert looked(played(**{"containers/json": b" " * 3_000_000})).error == "failed"
