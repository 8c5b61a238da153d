"""A scope's pace holds for every connection of a round, and a guess takes one of them."""

import socket
import threading
import time
from datetime import UTC, datetime
from threading import Event

import pytest

from estate.evidence import Evidence
from estate.scope import Scope
from estate.tls.evidence import read_tls
from estate.tls.shard import Endpoint, TlsShard
from tasks.tls.asker import TlsAsker
from tasks.tls.turnstile import turnstile_in


@pytest.fixture
def counted(serve, openssl, forward):
    """A TLS server, and when each connection to it was opened."""
    moments: list[float] = []
    behind = openssl("-www")

    def handle(sock: socket.socket, _number: int) -> None:
        moments.append(time.monotonic())
        forward(sock, behind)

    return serve(handle), moments


def asker(tmp_path, pace):
    scope = Scope(name="house", authorised_by="Ada", networks=("127.0.0.1/32",), pace=pace)
    return TlsAsker(scope, Event(), turnstile=turnstile_in(tmp_path, scope.name))


def most_within_a_second(moments):
    return max(sum(first <= each < first + 1 for each in moments) for first in moments)


def read(evidence: Evidence):
    with evidence.path.open("rb") as stream:
        return read_tls(stream)


def test_no_more_connections_in_a_second_than_the_scope_grants(counted, tmp_path):
    port, moments = counted
    endpoints = (Endpoint("127.0.0.1", "127.0.0.1", port, "a.example"), Endpoint("127.0.0.1", "127.0.0.1", port))
    shard = TlsShard(endpoints, "watch")
    documents = [read(one) for one in asker(tmp_path, 30).ask(shard, tmp_path, lambda _share: None)]
    assert [document.hello.outcome for document in documents] == ["tls", "tls"]
    assert all(document.protocol("TLS1.2").state == "offered" for document in documents)
    assert len(moments) > 60
    assert most_within_a_second(moments) <= 30


def test_a_low_pace_leaves_more_time(tmp_path):
    def deadline(pace):
        endpoint = Endpoint("127.0.0.1", "127.0.0.1", 443)
        return asker(tmp_path, pace).question(endpoint, TlsShard((endpoint,), "full")).deadline

    assert deadline(1_000_000) == pytest.approx(120, abs=1)
    assert 300 < deadline(10) < 500
    assert deadline(1) < 3_600


@pytest.mark.parametrize("trick", ["plaintext", "reset", "silent"])
def test_a_wrong_guess_costs_one_connection_and_little_time(serve, reset, tmp_path, trick):
    opened: list[int] = []
    over = threading.Event()

    def handle(sock: socket.socket, number: int) -> None:
        opened.append(number)
        sock.recv(5)
        if trick == "plaintext":
            sock.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        elif trick == "reset":
            reset(sock)
        else:
            over.wait(20)

    endpoint = Endpoint("127.0.0.1", "127.0.0.1", serve(handle), guess=True)
    began = datetime.now(UTC)
    (evidence,) = asker(tmp_path, 1_000).ask(TlsShard((endpoint,), "full"), tmp_path, lambda _share: None)
    took = (datetime.now(UTC) - began).total_seconds()
    over.set()
    assert read(evidence).hello.outcome == trick
    assert opened == [1]
    assert took < 6


def test_a_right_guess_is_scanned_like_any_other(openssl, tmp_path):
    endpoint = Endpoint("127.0.0.1", "127.0.0.1", openssl("-www"), guess=True)
    (evidence,) = asker(tmp_path, 1_000_000).ask(TlsShard((endpoint,), "full"), tmp_path, lambda _share: None)
    document = read(evidence)
    assert document.hello.outcome == "tls"
    assert document.protocol("TLS1.3").state == "offered"
    assert document.certificates.state == "known"
