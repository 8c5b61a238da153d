"""TLS inside plaintext protocols: honest dialogues, refusals, and greetings that break parsers."""

import socket
import time
from collections.abc import Callable

import pytest

from tasks.tls import hello as module
from tasks.tls.hello import say_hello

LDAP_YES = bytes.fromhex("300c02010178070a010004000400")
LDAP_NO = bytes.fromhex("300c02010178070a010204000400")
RDP_YES = bytes.fromhex("030000130ed000001234000200080001000000")
RDP_NO = bytes.fromhex("030000130ed000001234000300080002000000")
MYSQL_GREETING = (
    b"\x0a8.0.36\0"
    + bytes(4)
    + b"abcdefgh\0"
    + b"\xff\xff"
    + b"\x21\x02\x00\xff\xc7\x15"
    + bytes(10)
    + b"ijklmnopqrst\0"
)
MYSQL_YES = len(MYSQL_GREETING).to_bytes(3, "little") + b"\0" + MYSQL_GREETING
MYSQL_NO = MYSQL_YES.replace(b"\xff\xff\x21", b"\xff\xf7\x21")
FEATURES = (
    b"<?xml version='1.0'?><stream:stream xmlns:stream='http://etherx.jabber.org/streams' id='1'>"
    b"<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:features>"
)
PROCEED = b"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"

# What a server says in turn; it hears one message between two of them. An empty start waits for the client.
HONEST = {
    "smtp": [
        b"220-mx.example\r\n220 ready\r\n",
        b"250-mx.example\r\n250-SIZE\r\n250-STARTTLS\r\n250 HELP\r\n",
        b"220 go\r\n",
    ],
    "imap": [b"* OK [CAPABILITY IMAP4rev1 STARTTLS] ready\r\n", b"* CAPABILITY IMAP4rev1\r\na1 OK go\r\n"],
    "pop3": [b"+OK ready\r\n", b"+OK go\r\n"],
    "ftp": [b"220-Welcome\r\n to caf\xe9\r\n220 ready\r\n", b"234 go\r\n"],
    "ldap": [b"", LDAP_YES],
    "xmpp": [b"", FEATURES, PROCEED],
    "xmpp-server": [b"", FEATURES, PROCEED],
    "rdp": [b"", RDP_YES],
    "postgres": [b"", b"S"],
    "mysql": [MYSQL_YES],
}
REFUSING = {
    "smtp": [b"220 ready\r\n", b"250-mx.example\r\n250 HELP\r\n"],
    "imap": [b"* OK ready\r\n", b"a1 NO not today\r\n"],
    "pop3": [b"+OK ready\r\n", b"-ERR not today\r\n"],
    "ftp": [b"220 ready\r\n", b"500 AUTH not understood\r\n"],
    "ldap": [b"", LDAP_NO],
    "xmpp": [b"", FEATURES.replace(b"xmpp-tls", b"xmpp-bind")],
    "xmpp-server": [b"", FEATURES, PROCEED.replace(b"proceed", b"failure")],
    "rdp": [b"", RDP_NO],
    "postgres": [b"", b"N"],
    "mysql": [MYSQL_NO],
}


@pytest.fixture(autouse=True)
def _in_a_hurry(monkeypatch) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.5)


def says(turns: list[bytes], then: Callable[[socket.socket], None], *, pieces: int = 0):
    """Say each in turn, hearing something in between, whole or in pieces of so many bytes."""

    def handle(sock: socket.socket, _number: int) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for number, turn in enumerate(turns):
            if number:
                sock.recv(4096)
            for at in range(0, len(turn), pieces or len(turn) or 1):
                sock.sendall(turn[at : at + (pieces or len(turn))])
                if pieces:
                    time.sleep(0.001)
        then(sock)

    return handle


def hear(sock: socket.socket) -> None:
    while sock.recv(4096):
        pass


@pytest.mark.parametrize("pieces", [0, 7])
@pytest.mark.parametrize("protocol", HONEST)
def test_tls_is_found_inside_every_protocol(serve, question, wrapped, protocol, pieces) -> None:
    def then(sock: socket.socket) -> None:
        if protocol == "mysql":
            assert len(sock.recv(36, socket.MSG_WAITALL)) == 36
        with wrapped(sock) as secure:
            secure.recv(1)

    port = serve(says(HONEST[protocol], then, pieces=pieces))
    hello, flight = say_hello(question(port, starttls=protocol))
    assert (hello.outcome, hello.detail) == ("tls", "")
    assert flight is not None
    assert flight.complete


@pytest.mark.parametrize("protocol", REFUSING)
def test_a_protocol_without_tls_says_so(serve, question, protocol) -> None:
    port = serve(says(REFUSING[protocol], hear))
    assert say_hello(question(port, starttls=protocol))[0].outcome == "starttls-refused"


@pytest.mark.parametrize(
    ("protocol", "greeting"),
    [
        ("smtp", b"554 caf\xe9 is closed\r\n"),
        ("smtp", b"421 too many\r\n"),
        ("imap", b"* BYE too many\r\n"),
        ("pop3", b"-ERR too many\r\n"),
        ("ftp", b"421 too many\r\n"),
        ("mysql", b"\x10\x00\x00\x00\xff\x6a\x04Host blocked!"),
    ],
)
def test_a_greeting_that_turns_us_away_is_a_refusal(serve, question, protocol, greeting) -> None:
    port = serve(says([greeting], hear))
    assert say_hello(question(port, starttls=protocol))[0].outcome == "starttls-refused"


@pytest.mark.parametrize("protocol", HONEST)
@pytest.mark.parametrize(
    ("noise", "outcomes"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n", {"plaintext", "garbage"}),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", {"plaintext", "garbage"}),
        (b"\xff" * 300, {"garbage", "silent"}),
        (b"\x03\x00\x00\x00", {"garbage", "silent"}),
        (b"", {"silent"}),
    ],
)
def test_another_protocol_is_told_from_a_refusal(serve, question, protocol, noise, outcomes) -> None:
    port = serve(says([noise], hear))
    assert say_hello(question(port, starttls=protocol, timeout=0.3))[0].outcome in outcomes


@pytest.mark.parametrize("protocol", HONEST)
def test_a_server_that_hangs_up_is_a_reset(serve, question, protocol) -> None:
    assert say_hello(question(serve(lambda sock, _: sock.recv(1)), starttls=protocol))[0].outcome in {"reset", "silent"}


def test_an_rdp_answer_of_no_length_ends_nothing(serve, question) -> None:
    port = serve(says([b"", b"\x03\x00\x00\x00"], hear))
    assert say_hello(question(port, starttls="rdp"))[0].outcome == "garbage"


def test_a_greeting_without_end_is_not_read_for_ever(serve, question) -> None:
    def handle(sock: socket.socket, _number: int) -> None:
        while True:
            sock.sendall(b"220-more\r\n" * 1_000)

    assert say_hello(question(serve(handle), starttls="smtp"))[0].outcome == "garbage"


def test_an_smtp_server_with_a_latin_greeting_is_graded_all_the_same(serve, ask, forward, openssl) -> None:
    target = openssl("-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256")
    turns = [b"220 caf\xe9\r\n", b"250-caf\xe9\r\n250 STARTTLS\r\n", b"220 \xe9\r\n"]
    port = serve(says(turns, lambda sock: forward(sock, target)))
    evidence = ask(port, starttls="smtp", profile="full")
    assert evidence.protocol("TLS1.2").state == "offered"
    assert [suite.name for suite in evidence.protocol("TLS1.2").suites] == ["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"]
    assert evidence.check("robot").state == "no"
    assert evidence.hsts.state == "not-http"
    assert evidence.errors == ()


def test_sslyze_is_brought_into_mysql_which_it_does_not_know(serve, ask, forward, openssl) -> None:
    target = openssl("-tls1_2", "-cipher", "AES128-SHA")

    def then(sock: socket.socket) -> None:
        sock.recv(36, socket.MSG_WAITALL)
        forward(sock, target)

    evidence = ask(serve(says(HONEST["mysql"], then)), starttls="mysql", profile="full")
    assert [suite.name for suite in evidence.protocol("TLS1.2").suites] == ["TLS_RSA_WITH_AES_128_CBC_SHA"]
    assert evidence.check("robot").state == "no"
    assert evidence.check("renegotiation_dos").state in {"yes", "no"}
