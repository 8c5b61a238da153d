"""No bytes that a server may send break the reader: it knows them, or says in what way they are none."""

import random
import socket
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.tls.client_hello import build, first_offer
from tasks.tls.converse import converse
from tasks.tls.failures import Garbage, NoConversation
from tasks.tls.flight import Flight, read_message, read_server_hello


@given(st.binary(max_size=300))
def test_a_server_hello_is_read_or_refused(body: bytes) -> None:
    flight = Flight()
    try:
        read_server_hello(flight, body)
    except Garbage:
        return
    assert flight.version is not None


@given(
    st.integers(0, 255),
    st.binary(max_size=300),
    st.sampled_from(["TLS1.2", "TLS1.3"]),
    st.sampled_from([0xC02F, 0x9E, 0x1301]),
)
def test_a_message_is_read_or_refused(kind: int, body: bytes, version: str, suite: int) -> None:
    flight = Flight(version=version, suite=suite)
    try:
        read_message(flight, kind, body)
    except Garbage:
        return


def test_a_mutilated_handshake_ends_in_a_word(openssl_flights, serve, question) -> None:
    chance = random.Random(7)
    data = bytearray()

    def handle(sock, _number) -> None:
        sock.recv(4096)
        sock.sendall(data)

    port = serve(handle)
    for _ in range(150):
        data = bytearray(chance.choice(openssl_flights))
        for _ in range(chance.randrange(1, 6)):
            data[chance.randrange(min(len(data), 400))] = chance.randrange(256)
        if chance.random() < 0.3:
            del data[chance.randrange(1, len(data)) :]
        with suppress(NoConversation):
            flight = converse(question(port, timeout=0.5), first_offer("a.example"))
            assert flight.answered or flight.alert is not None


@pytest.fixture
def openssl_flights(openssl) -> tuple[bytes, ...]:
    """The raw answers of real servers, of TLS 1.2 and 1.3."""
    found = []
    for version in ("-tls1_2", "-tls1_3"):
        hello, _ = build(first_offer("a.example"))
        data = b""
        with socket.create_connection(("127.0.0.1", openssl(version)), 2) as sock:
            sock.sendall(b"\x16\x03\x01" + len(hello).to_bytes(2, "big") + hello)
            sock.settimeout(0.2)
            with suppress(TimeoutError):
                while chunk := sock.recv(65_536):
                    data += chunk
        found.append(data)
    return tuple(found)
