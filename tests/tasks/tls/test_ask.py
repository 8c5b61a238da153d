"""Whatever a server does, there is one document: true where it could look, blind where not, and never late."""

import json
import os
import signal
import socket
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from estate.tls.evidence import VERSIONS, TlsEvidence, read_tls
from tasks.tls import TlsQuestion, ask_many, ask_tls
from tasks.tls import hello as hello_module


def read(path: Path) -> TlsEvidence:
    with path.open("rb") as stream:
        return read_tls(stream)


def children() -> set[int]:
    """The processes that run our child now."""
    found = set()
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with suppress(OSError):
                words = (folder / "cmdline").read_bytes().split(b"\0")
                if words[1:3] == [b"-m", b"tasks.tls.child"]:
                    found.add(int(folder.name))
    return found


def test_a_good_server_leaves_no_question_open(openssl, ask) -> None:
    evidence = ask(openssl("-www", "-cipher", "ECDHE+AESGCM:AES128-SHA"))
    states = {version: evidence.protocol(version).state for version in VERSIONS}
    assert states == {
        "SSL2": "not-offered",
        "SSL3": "not-offered",
        "TLS1.0": "not-offered",
        "TLS1.1": "not-offered",
        "TLS1.2": "offered",
        "TLS1.3": "offered",
    }
    assert {name for name, check in evidence.checks.items() if check.state == "blind"} == set()
    assert evidence.modern.suite == "TLS_AES_128_GCM_SHA256"
    assert evidence.hsts.state == "absent"
    assert evidence.client_certificate.state == "none"
    assert evidence.check("secure_renegotiation").state == "yes"
    assert evidence.check("fallback_scsv").state == "yes"
    assert evidence.errors == ()


def test_both_profiles_find_the_same_suites_and_groups(openssl, ask) -> None:
    port = openssl("-cipher", "ALL:@SECLEVEL=0")
    full, watch = ask(port), ask(port, profile="watch")
    assert full.protocols == watch.protocols
    assert full.curves == watch.curves
    assert len(full.protocol("TLS1.2").suites) > 30


def test_an_ipv6_server_and_one_without_a_name_are_asked(serve, forward, openssl, ask) -> None:
    target = openssl("-tls1_2", "-cipher", "AES128-SHA")
    evidence = ask(serve(lambda sock, _: forward(sock, target), "::1"), address="::1", name=None)
    assert [suite.name for suite in evidence.protocol("TLS1.2").suites] == ["TLS_RSA_WITH_AES_128_CBC_SHA"]
    assert not evidence.served[0].with_sni
    assert evidence.check("robot").state == "no"


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
@pytest.mark.parametrize(("option", "state"), [("-verify", "optional"), ("-Verify", "required")])
def test_a_client_certificate_is_wanted_or_insisted_on(openssl, ask, version, option, state) -> None:
    evidence = ask(openssl(version, option, "2", "-www"), profile="watch")
    assert evidence.client_certificate.state == state
    assert evidence.protocol("TLS1.2" if version == "-tls1_2" else "TLS1.3").suites
    if state == "required":
        assert evidence.hsts.state == "blind"


def test_with_a_client_certificate_we_are_let_in(openssl, ask, identity) -> None:
    pair = (str(identity.chain), str(identity.key))
    evidence = ask(openssl("-Verify", "2", "-www"), client_certificate=pair)
    assert evidence.client_certificate.state == "required"
    assert evidence.hsts.state == "absent"
    assert evidence.check("renegotiation_dos").state != "blind"


def test_behind_a_proxy_the_endpoint_is_asked_for_by_address(openssl, serve, forward, ask) -> None:
    target, heard = openssl("-tls1_2", "-www"), []

    def proxy(sock: socket.socket, _number: int) -> None:
        heard.append(sock.recv(4096))
        sock.sendall(b"HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n")
        forward(sock, target)

    evidence = ask(4433, address="127.9.9.9", http_proxy=f"http://127.0.0.1:{serve(proxy)}", profile="watch")
    assert evidence.protocol("TLS1.2").state == "offered"
    assert evidence.check("ccs_injection").state == "no"
    assert evidence.hsts.state == "absent"
    assert {request.split(b"\r\n")[0] for request in heard} == {b"CONNECT 127.9.9.9:4433 HTTP/1.1"}


@pytest.mark.parametrize(
    "answer", [b"HTTP/1.1 403 Forbidden\r\n\r\n", b"HTTP/1.1 502 Bad\r\n\r\n", b"nonsense\r\n", None]
)
def test_what_ails_the_proxy_proves_nothing_about_the_endpoint(serve, ask, answer) -> None:
    if answer is None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
    else:
        port = serve(lambda sock, _: (sock.recv(4096), sock.sendall(answer)))
    assert ask(443, http_proxy=f"http://127.0.0.1:{port}").hello.outcome == "unreachable"


def test_a_limiter_of_every_second_connection_proves_nothing_by_silence(openssl, serve, forward, reset, ask) -> None:
    target = openssl("-cipher", "ECDHE+AESGCM:AES128-GCM-SHA256")
    port = serve(lambda sock, number: reset(sock) if number % 2 == 0 else forward(sock, target))
    evidence = ask(port)
    assert evidence.protocol("TLS1.2").state == "offered"
    assert evidence.protocol("TLS1.3").state == "offered"
    assert evidence.check("robot").state == "blind"
    for protocol in evidence.protocols.values():
        assert protocol.state != "not-offered" or protocol.reason.startswith(("alert", "the server answers"))
    assert "canary" in {failure.command for failure in evidence.errors}


@pytest.mark.parametrize("after", [1, 6, 20, 60])
def test_a_limiter_that_closes_the_door_leaves_the_rest_blind(openssl, serve, forward, reset, ask, after) -> None:
    target = openssl("-cipher", "ALL:@SECLEVEL=0")
    port = serve(lambda sock, number: forward(sock, target) if number <= after else reset(sock))
    evidence = ask(port)
    assert evidence.hello.outcome == "tls"
    for version in ("TLS1.0", "TLS1.1", "TLS1.2", "TLS1.3"):
        assert evidence.protocol(version).state != "not-offered"
    assert evidence.check("robot").state == "blind"
    assert evidence.errors


def test_a_limiter_that_stalls_does_not_hold_us_for_long(openssl, serve, forward, ask) -> None:
    target = openssl("-cipher", "ALL:@SECLEVEL=0")

    def handle(sock: socket.socket, number: int) -> None:
        if number <= 10:
            forward(sock, target)
        else:
            sock.recv(65_536)
            time.sleep(30)

    before = time.monotonic()
    evidence = ask(serve(handle), timeout=1.0)
    assert time.monotonic() - before < 25
    assert evidence.check("robot").state == "blind"
    for version in ("TLS1.0", "TLS1.1", "TLS1.2", "TLS1.3"):
        assert evidence.protocol(version).state != "not-offered"


def test_a_killed_child_leaves_a_blind_document_with_its_reason(serve, wrapped, question, tmp_path) -> None:
    def handle(sock: socket.socket, number: int) -> None:
        if number == 1:
            with wrapped(sock) as secure:
                secure.recv(1)
        elif number == 2:
            for pid in children():
                os.kill(pid, signal.SIGKILL)
        time.sleep(5)

    evidence = ask_tls(question(serve(handle)), tmp_path)
    assert evidence.ended == "signal 9"
    document = read(evidence.path)
    assert document.hello.outcome == "tls"
    assert {protocol.state for protocol in document.protocols.values()} == {"blind"}
    assert {check.state for check in document.checks.values()} == {"blind"}
    assert "signal 9" in document.errors[0].reason
    assert children() == set()


def test_a_child_that_passes_its_deadline_is_ended(serve, wrapped, question, tmp_path) -> None:
    def handle(sock: socket.socket, _number: int) -> None:
        time.sleep(1.5)
        with wrapped(sock) as secure:
            secure.recv(1)

    before = time.monotonic()
    evidence = ask_tls(question(serve(handle), deadline=8.0), tmp_path)
    assert time.monotonic() - before < 12
    document = read(evidence.path)
    assert document.hello.outcome == "tls"
    assert document.check("robot").state == "blind"


def test_who_cancels_gets_a_document_at_once(serve, wrapped, question, tmp_path) -> None:
    stop = threading.Event()

    def handle(sock: socket.socket, number: int) -> None:
        if number > 1:
            stop.set()
            time.sleep(30)
        with wrapped(sock) as secure:
            secure.recv(1)

    evidence = ask_tls(question(serve(handle)), tmp_path, cancelled=stop)
    assert evidence.ended == "cancelled"
    assert read(evidence.path).hello.outcome == "tls"
    again = ask_tls(question(443), tmp_path, cancelled=stop)
    assert (again.ended, read(again.path).hello.outcome) == ("cancelled", "silent")


def test_of_many_the_slow_do_not_hold_up_the_fast(openssl, serve, question, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(hello_module, "PATIENCE", 2.0)

    def say_nothing(sock: socket.socket, _number: int) -> None:
        sock.recv(1)
        time.sleep(30)

    good, silent = openssl(), serve(say_nothing)
    ports = [silent, good, good, good]
    done: list[int] = []
    questions = (question(port, profile="certificate") for port in ports)
    found = list(ask_many(questions, tmp_path, at_once=2, on_done=lambda asked, _: done.append(asked.port)))
    assert len(found) == 4
    assert done == [good, good, good, silent]
    assert [read(evidence.path).hello.outcome for evidence in found] == ["tls", "tls", "tls", "silent"]


def test_who_stops_listening_leaves_nothing_running(serve, wrapped, question, tmp_path) -> None:
    def handle(sock: socket.socket, number: int) -> None:
        if number > 2:
            time.sleep(30)
        with wrapped(sock) as secure:
            secure.recv(1)

    closed = TlsQuestion("127.0.0.1", 1)
    running = ask_many([closed, question(serve(handle))], tmp_path, at_once=2)
    next(running)
    before = time.monotonic()
    running.close()  # type: ignore[attr-defined]  # it is a generator, though it says less
    assert time.monotonic() - before < 8
    assert children() == set()


def test_no_more_connections_at_once_than_asked_for(openssl, serve, forward, ask) -> None:
    target, lock = openssl(), threading.Lock()
    held: set[socket.socket] = set()
    most = 0

    def is_open(sock: socket.socket) -> bool:
        # What the kernel knows of it (linux/tcp.h: 1 is ESTABLISHED): a client that closed has closed, however late
        # a busy machine lets us notice.
        return sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == 1

    def handle(sock: socket.socket, _number: int) -> None:
        nonlocal most
        with lock:
            held.add(sock)
            most = max(most, sum(map(is_open, held)))
        try:
            forward(sock, target)
        finally:
            with lock:
                held.discard(sock)

    ask(serve(handle), per_server=1)
    assert most <= 2


def test_the_document_is_small(openssl, question, tmp_path) -> None:
    evidence = ask_tls(question(openssl("-cipher", "ALL:@SECLEVEL=0")), tmp_path)
    assert evidence.path.stat().st_size < 40_000
    assert json.loads(evidence.path.read_text())["schema"] == 1


def test_those_who_share_slots_never_ask_more_at_once_than_there_are(serve, question, tmp_path) -> None:
    asking, most, lock = set(), [0], threading.Lock()

    def handle(sock: socket.socket, number: int) -> None:
        with lock:
            asking.add(number)
            most[0] = max(most[0], len(asking))
        time.sleep(0.05)
        with lock:
            asking.discard(number)

    port, slots = serve(handle), threading.Semaphore(2)
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()

    def many(folder: str) -> None:
        found.append(len(list(ask_many([question(port)] * 4, tmp_path / folder, at_once=4, slots=slots))))

    found: list[int] = []
    threads = [threading.Thread(target=many, args=(folder,)) for folder in ("a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert found == [4, 4]
    assert most[0] <= 2
