"""Strict-Transport-Security as RFC 6797 reads it, which is neither as sslyze nor as testssl.sh does."""

import socket

import pytest

from tasks.tls.hsts import ask_hsts, hsts_of, read_hsts


@pytest.mark.parametrize(
    ("value", "age", "subdomains", "preload"),
    [
        ("max-age=31536000", 31_536_000, False, False),
        ('max-age="31536000"', 31_536_000, False, False),
        ("Max-Age = 31536000 ; IncludeSubDomains;preload", 31_536_000, True, True),
        ("includeSubDomains; max-age=0", 0, True, False),
        ("; ;max-age=1;;", 1, False, False),
        ('max-age=1; report="a;b"; later=x', 1, False, False),
        ("max-age=99999999999999999999999", 10**12, False, False),
    ],
)
def test_what_is_valid_is_present(value, age, subdomains, preload) -> None:
    found = read_hsts((value,))
    assert (found.state, found.max_age, found.include_subdomains, found.preload) == (
        "present",
        age,
        subdomains,
        preload,
    )


@pytest.mark.parametrize(
    "value",
    [
        "",
        "includeSubDomains",
        "max-age",
        "max-age=",
        "max-age=forever",
        "max-age=-1",
        "max-age=1, max-age=2",
        "max-age=1; max-age=2",
        'max-age="1',
        "max-age=1 year",
        "max-age=1\x00",
    ],
)
def test_what_is_not_is_invalid_and_says_why(value) -> None:
    found = read_hsts((value,))
    assert found.state == "invalid"
    assert found.reason
    assert found.values == (value,)


def test_no_field_is_absent() -> None:
    assert read_hsts(()).state == "absent"


def test_of_two_fields_the_first_counts_and_both_are_shown() -> None:
    found = read_hsts(("max-age=1", "max-age=31536000"))
    assert (found.state, found.max_age, len(found.values)) == ("present", 1, 2)
    assert "2 times" in found.reason


def test_a_huge_value_is_cut() -> None:
    assert len(read_hsts(("max-age=1; " + "x" * 10_000,)).values[0]) == 1_000


def answers(wrapped, response: bytes, heard: list[bytes] | None = None):
    def handle(sock: socket.socket, _number: int) -> None:
        with wrapped(sock) as secure:
            request = secure.recv(4096)
            if heard is not None:
                heard.append(request)
            secure.sendall(response)
            while response and secure.recv(4096):
                pass

    return handle


def test_the_name_is_asked_at_the_address_and_redirects_are_not_followed(serve, question, wrapped) -> None:
    heard: list[bytes] = []
    response = (
        b"HTTP/1.1 301 Moved\r\nLocation: https://b.example/\r\n"
        b"Strict-Transport-Security: max-age=5\r\nContent-Length: 0\r\n\r\n"
    )
    port = serve(answers(wrapped, response, heard))
    found = ask_hsts(question(port))
    assert (found.state, found.max_age) == ("present", 5)
    assert f"Host: a.example:{port}".encode() in heard[0]
    assert len(heard) == 1


def test_duplicate_fields_are_seen_apart(serve, question, wrapped) -> None:
    response = (
        b"HTTP/1.1 200 OK\r\nStrict-Transport-Security: max-age=1\r\n"
        b"strict-transport-security: max-age=2\r\nContent-Length: 0\r\n\r\n"
    )
    assert ask_hsts(question(serve(answers(wrapped, response)))).values == ("max-age=1", "max-age=2")


def test_another_protocol_over_tls_is_not_http(serve, ask, wrapped) -> None:
    port = serve(answers(wrapped, b"* OK IMAP4rev1 ready\r\n"))
    assert ask(port, profile="watch").hsts.state == "not-http"


def test_a_server_too_old_for_httpx_is_asked_by_an_old_openssl(tlslite, ask) -> None:
    old = tlslite(minVersion=(3, 1), maxVersion=(3, 3), cipherNames=["rc4"], macNames=["sha", "md5"])
    assert ask(old, profile="watch").hsts.state == "absent"


@pytest.mark.parametrize(
    ("head", "port", "state"),
    [
        (b"HTTP/1.0 200 OK\r\nStrict-Transport-Security:  max-age=7 \r\n\r\n", 443, "present"),
        (b"HTTP/1.0 200 OK\r\nstrict-transport-security: max-age=x", 443, "invalid"),
        (b"HTTP/1.0 200 OK\r\n" + b"A: b\r\n" * 1_000 + b"\r\n", 443, "blind"),
        (b"HTTP/1.0 200 OK\r\n\r\n", 443, "absent"),
        (b"220 hello\r\n", 443, "not-http"),
        (b"", 443, "blind"),
        (b"", 636, "not-http"),
    ],
)
def test_the_head_of_a_response_is_read_by_hand_too(head, port, state) -> None:
    assert hsts_of(head, port, "").state == state


def test_a_server_that_closes_without_a_word_leaves_us_blind(serve, question, wrapped) -> None:
    assert ask_hsts(question(serve(answers(wrapped, b"")))).state == "blind"


def test_starttls_is_not_http(question) -> None:
    assert ask_hsts(question(1, starttls="smtp")).state == "not-http"


def test_a_closed_port_leaves_us_blind(question) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    assert ask_hsts(question(port)).state == "blind"


@pytest.mark.parametrize(
    "options", [("-tls1", "-cipher", "ALL:@SECLEVEL=0"), ("-tls1_1", "-cipher", "ALL:@SECLEVEL=0")]
)
def test_old_versions_are_asked_too(openssl, question, options) -> None:
    assert ask_hsts(question(openssl("-www", *options))).state == "absent"
