"""Versions, suites and groups that a server offers are found by what it picks."""

import time

import pytest

from tasks.tls.client_hello import offer_of
from tasks.tls.hello import say_hello
from tasks.tls.offers import list_groups, list_suites, probe_version
from tasks.tls.patience import Patience


@pytest.fixture
def patient(question):
    """Patience with a real server."""

    def make(port: int) -> Patience:
        patience = Patience(question(port), time.monotonic() + 60)
        _, flight = say_hello(patience.question)
        if flight is not None and flight.suite is not None:
            patience.canary = offer_of(str(flight.version), "a.example", (flight.suite,))
        return patience

    return make


def test_versions_that_are_off_are_declined_in_words(openssl, patient) -> None:
    patience = patient(openssl("-tls1_2"))
    found = {version: probe_version(patience, version).state for version in ("SSL3", "TLS1.1", "TLS1.2", "TLS1.3")}
    assert found == {"SSL3": "not-offered", "TLS1.1": "not-offered", "TLS1.2": "offered", "TLS1.3": "not-offered"}


def test_a_server_that_resets_what_it_does_not_know_has_it_off(openssl, patient, serve, forward, reset) -> None:
    target = openssl("-cipher", "ALL:@SECLEVEL=0")

    def handle(sock, _number) -> None:
        hello = sock.recv(4096, 2)
        if hello[9:11] == b"\x03\x01":
            reset(sock)
        else:
            forward(sock, target)

    found = probe_version(patient(serve(handle)), "TLS1.0")
    assert found.state == "not-offered"
    assert found.reason.startswith("each time")


def test_every_suite_is_listed_in_the_order_of_the_server(openssl, patient) -> None:
    port = openssl("-tls1_2", "-serverpref", "-cipher", "AES128-SHA:ECDHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-SHA256")
    suites, why = list_suites(patient(port), "TLS1.2")
    assert why == ""
    assert [(suite.name, suite.bits, suite.dh_bits is not None, suite.curve) for suite in suites] == [
        ("TLS_RSA_WITH_AES_128_CBC_SHA", 128, False, None),
        ("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", 128, False, "x25519"),
        ("TLS_DHE_RSA_WITH_AES_256_CBC_SHA256", 256, True, None),
    ]


def test_3des_null_and_anonymous_suites_weigh_what_the_guide_says(tlslite, patient) -> None:
    port = tlslite(minVersion=(3, 3), maxVersion=(3, 3), cipherNames=["3des", "null", "rc4"], macNames=["sha", "md5"])
    suites, _ = list_suites(patient(port), "TLS1.2")
    assert {suite.bits for suite in suites} == {0, 112, 128}


def test_the_groups_of_tls_13_are_listed(openssl, patient) -> None:
    names, why = list_groups(patient(openssl("-tls1_3", "-groups", "P-384:X25519:ffdhe2048")), "TLS1.3")
    assert (set(names), why) == ({"secp384r1", "x25519", "ffdhe2048"}, "")


def test_the_groups_of_tls_12_are_listed(openssl, patient) -> None:
    names, why = list_groups(patient(openssl("-tls1_2", "-groups", "P-384:brainpoolP256r1")), "TLS1.2")
    assert (set(names), why) == ({"secp384r1", "brainpoolP256r1"}, "")


@pytest.mark.parametrize(
    ("listed", "state", "reason"),
    [("010080020080", "offered", ""), ("", "offered", "SSL 2 answers with all its suites switched off")],
)
def test_ssl_2_is_offered_even_with_all_its_suites_off(serve, patient, listed, state, reason) -> None:
    suites = bytes.fromhex(listed)
    answer = bytes.fromhex("04000100020000") + len(suites).to_bytes(2, "big") + b"\0\x10" + suites + bytes(16)

    def handle(sock, _number) -> None:
        if sock.recv(4096)[:1] == b"\x80":
            sock.sendall((0x8000 | len(answer)).to_bytes(2, "big") + answer)

    found = probe_version(patient(serve(handle)), "SSL2")
    assert (found.state, found.reason, len(found.suites)) == (state, reason, len(suites) // 3)
