"""Who speaks TLS is told within seconds, and everybody else is told apart."""

import socket
import time
from dataclasses import replace

import pytest

from tasks.tls import hello as module
from tasks.tls.hello import say_hello


@pytest.fixture(autouse=True)
def _in_a_hurry(monkeypatch) -> None:
    monkeypatch.setattr(module, "PATIENCE", 1.0)


def sends(data: bytes, *, wait: bool = True):
    def handle(sock: socket.socket, _number: int) -> None:
        sock.sendall(data)
        while wait and sock.recv(4096):
            pass

    return handle


def test_a_server_of_tls_13_is_read_to_its_certificates(openssl, question) -> None:
    hello, flight = say_hello(question(openssl()))
    assert (hello.outcome, hello.version, hello.curve) == ("tls", "TLS1.3", "x25519")
    assert flight is not None
    assert flight.complete
    assert len(flight.chain) == 2


@pytest.mark.parametrize("suite", ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"])
@pytest.mark.parametrize("group", ["P-256", "P-384", "P-521", "X448"])
def test_every_key_exchange_and_cipher_of_tls_13_is_understood(openssl, question, suite, group) -> None:
    port = openssl("-tls1_3", "-groups", group, "-ciphersuites", suite)
    hello, flight = say_hello(question(port))
    assert hello.version == "TLS1.3"
    assert flight is not None
    assert (flight.suite_name, flight.complete, len(flight.chain)) == (suite, True, 2)


def test_ccm_is_understood_too(openssl, question) -> None:
    _, flight = say_hello(
        question(openssl("-tls1_3", "-ciphersuites", "TLS_AES_128_CCM_8_SHA256:TLS_AES_128_CCM_SHA256"))
    )
    assert flight is not None
    assert len(flight.chain) == 2


def test_a_client_certificate_that_is_asked_for_is_noticed(openssl, question) -> None:
    for version in ("-tls1_3", "-tls1_2"):
        _, flight = say_hello(question(openssl(version, "-verify", "2")))
        assert flight is not None
        assert (flight.certificate_requested, flight.complete) == (True, True)


def test_the_size_of_diffie_hellman_parameters_is_read(tlslite, question) -> None:
    prime = int(
        "fca682ce8e12caba26efccf7110e526db078b05edecbcd1eb4a208f3ae1617ae"
        "01f35b91a47e6df63413c5e12ed0899bcd132acd50d99151bdc43ee737592e17",
        16,
    )
    port = tlslite(minVersion=(3, 3), maxVersion=(3, 3), keyExchangeNames=["dhe_rsa"], dhParams=(2, prime))
    assert say_hello(question(port))[0].dh_bits == 512


def test_a_curve_that_no_library_knows_any_more_is_named(tlslite, question) -> None:
    port = tlslite(
        minVersion=(3, 3),
        maxVersion=(3, 3),
        keyExchangeNames=["ecdhe_rsa"],
        eccCurves=["secp192r1"],
        keyShares=[],
        defaultCurve="secp192r1",
    )
    assert say_hello(question(port))[0].curve == "secp192r1"


def test_ssl_3_is_tls_enough(tlslite, question) -> None:
    port = tlslite(minVersion=(3, 0), maxVersion=(3, 0), versions=[(3, 0)], cipherNames=["aes128", "3des"])
    assert say_hello(question(port))[0].outcome == "tls"


def test_a_server_of_ssl_2_only_is_recognised(serve, question) -> None:
    answer = bytes.fromhex("0400010002000000030010010080") + bytes(16)

    def handle(sock: socket.socket, _number: int) -> None:
        if sock.recv(4096)[:1] == b"\x80":
            sock.sendall((0x8000 | len(answer)).to_bytes(2, "big") + answer)

    hello, _ = say_hello(question(serve(handle)))
    assert (hello.outcome, hello.version) == ("tls", "SSL2")


def test_a_closed_port_is_refused(question) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    assert say_hello(question(port))[0].outcome == "refused"


def test_a_network_without_a_way_is_unreachable(question) -> None:
    unroutable = replace(question(443), address="255.255.255.255")
    assert say_hello(unroutable)[0].outcome == "unreachable"


def test_who_says_nothing_is_silent_after_our_patience(serve, question) -> None:
    before = time.monotonic()
    hello, _ = say_hello(question(serve(sends(b"")), timeout=0.5))
    assert hello.outcome == "silent"
    assert time.monotonic() - before < 3


@pytest.mark.parametrize("drip", [b"\x16", b"\x16\x03\x03\x40\x00"])
def test_who_drips_bytes_is_silent_after_our_patience(serve, question, drip) -> None:
    def handle(sock: socket.socket, _number: int) -> None:
        sock.sendall(drip)
        while True:
            time.sleep(0.2)
            sock.sendall(b"\x00")

    assert say_hello(question(serve(handle), timeout=0.5))[0].outcome in {"silent", "garbage"}


def test_who_resets_is_told_from_who_is_silent(serve, question, reset) -> None:
    assert say_hello(question(serve(lambda sock, _: reset(sock))))[0].outcome == "reset"


def test_who_closes_without_a_word_counts_as_reset(serve, question) -> None:
    assert say_hello(question(serve(lambda sock, _: sock.recv(9))))[0].outcome == "reset"


@pytest.mark.parametrize(
    "words", [b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"220 hi\r\n", b"+OK\r\n", b"<a/>"]
)
def test_who_speaks_in_words_is_plaintext(serve, question, words) -> None:
    assert say_hello(question(serve(sends(words, wait=False))))[0].outcome == "plaintext"


@pytest.mark.parametrize(
    "noise", [bytes(range(200, 256)), b"\x00" * 64, b"\x16\x16\x16\x16\x16\x16", b"\x16\x03\x03\xff\xff" + bytes(99)]
)
def test_who_makes_noise_is_garbage(serve, question, noise) -> None:
    assert say_hello(question(serve(sends(noise, wait=False))))[0].outcome == "garbage"


def test_a_refusal_in_the_words_of_tls_is_tls(serve, question) -> None:
    hello, flight = say_hello(question(serve(sends(b"\x15\x03\x01\x00\x02\x02\x28", wait=False))))
    assert (hello.outcome, hello.alert) == ("tls", "handshake_failure")
    assert flight is not None
    assert not flight.answered


def test_a_server_that_declines_strangers_is_tls(openssl, question, identity) -> None:
    port = openssl(
        "-servername", "b.example", "-servername_fatal", "-cert2", str(identity.chain), "-key2", str(identity.key)
    )
    hello, _ = say_hello(question(port))
    assert (hello.outcome, hello.alert) == ("tls", "unrecognized_name")


def test_a_server_that_thinks_before_it_speaks_is_waited_for(serve, question, wrapped, monkeypatch) -> None:
    monkeypatch.setattr(module, "PATIENCE", 6.0)

    def handle(sock: socket.socket, _number: int) -> None:
        time.sleep(5)
        with wrapped(sock) as secure:
            secure.recv(1)

    hello, _ = say_hello(question(serve(handle)))
    assert hello.outcome == "tls"


def test_who_dislikes_new_versions_is_asked_as_in_the_old_days(serve, question, openssl, forward) -> None:
    target = openssl("-tls1_2")

    def handle(sock: socket.socket, _number: int) -> None:
        if b"\x03\x04" not in sock.recv(4096, socket.MSG_PEEK)[100:]:
            forward(sock, target)

    hello, _ = say_hello(question(serve(handle)))
    assert (hello.outcome, hello.version) == ("tls", "TLS1.2")


def test_ten_megabytes_of_certificates_are_not_read(serve, question) -> None:
    body = bytes.fromhex("0303") + bytes(32) + b"\0" + bytes.fromhex("c02f00")
    server_hello = b"\x02" + len(body).to_bytes(3, "big") + body
    certificates = b"\x0b" + (10 << 20).to_bytes(3, "big")

    def handle(sock: socket.socket, _number: int) -> None:
        sock.recv(4096)
        for message in (server_hello, certificates):
            sock.sendall(b"\x16\x03\x03" + len(message).to_bytes(2, "big") + message)
        while True:
            sock.sendall(b"\x16\x03\x03\x40\x00" + bytes(0x4000))

    before = time.monotonic()
    hello, flight = say_hello(question(serve(handle)))
    assert (hello.outcome, hello.version) == ("tls", "TLS1.2")
    assert flight is not None
    assert flight.chain == []
    assert time.monotonic() - before < 3
