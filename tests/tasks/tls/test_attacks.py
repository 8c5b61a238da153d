"""Two old holes, each at a server that has it and at one that has not."""

import socket

import pytest

from tasks.tls.attacks import early_change, insecure_renegotiation

SUITES = [
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "AES128-GCM-SHA256",
    "AES256-GCM-SHA384",
    "ECDHE-RSA-AES128-SHA",
    "ECDHE-RSA-AES256-SHA",
    "AES128-SHA",
    "AES256-SHA",
]
INSECURE = ("-client_renegotiation", "-legacy_renegotiation")


@pytest.mark.parametrize("suite", SUITES)
def test_every_suite_comes_to_a_session_in_which_to_renegotiate(openssl, question, suite) -> None:
    port = openssl("-tls1_2", "-www", *INSECURE, "-cipher", suite)
    assert insecure_renegotiation(question(port), "TLS1.2")[1] == "accepted"


@pytest.mark.parametrize("version", ["TLS1.0", "TLS1.1"])
@pytest.mark.parametrize("suite", ["AES128-SHA", "ECDHE-RSA-AES256-SHA"])
def test_so_do_the_old_versions(openssl, question, version, suite) -> None:
    port = openssl("-www", *INSECURE, "-cipher", f"{suite}:@SECLEVEL=0")
    assert insecure_renegotiation(question(port), version)[1] == "accepted"


@pytest.mark.parametrize("group", ["X25519", "P-256", "P-384", "P-521"])
def test_so_does_every_curve(openssl, question, group) -> None:
    port = openssl("-tls1_2", "-www", *INSECURE, "-groups", group)
    assert insecure_renegotiation(question(port), "TLS1.2")[1] == "accepted"


def test_so_does_an_ecdsa_key_and_an_optional_client_certificate(openssl, question, ecdsa_identity) -> None:
    port = openssl("-tls1_2", "-www", "-verify", "2", *INSECURE, chain=ecdsa_identity.chain, key=ecdsa_identity.key)
    assert insecure_renegotiation(question(port), "TLS1.2")[1] == "accepted"


@pytest.mark.parametrize("options", [(), ("-client_renegotiation",), ("-no_renegotiation",)])
def test_a_server_that_knows_rfc_5746_declines(openssl, question, options) -> None:
    flight, said = insecure_renegotiation(question(openssl("-tls1_2", "-www", *options)), "TLS1.2")
    assert flight.complete
    assert said in {"no_renegotiation", "handshake_failure"}


def test_without_a_session_nothing_is_claimed(openssl, question) -> None:
    assert insecure_renegotiation(question(openssl("-tls1_2", "-Verify", "2")), "TLS1.2")[1] == ""
    chacha = openssl("-tls1_2", "-cipher", "ECDHE-RSA-CHACHA20-POLY1305")
    assert insecure_renegotiation(question(chacha), "TLS1.2")[1] == ""


def test_the_grade_hears_of_it(openssl, ask) -> None:
    bad = ask(openssl("-tls1_2", "-www", *INSECURE), profile="watch")
    good = ask(openssl("-tls1_2", "-www", "-client_renegotiation"), profile="watch")
    assert bad.check("client_renegotiation").state == "yes"
    assert good.check("client_renegotiation").state == "no"
    assert good.check("renegotiation_dos").state == "yes"


@pytest.mark.parametrize("version", ["TLS1.0", "TLS1.2"])
def test_an_early_change_of_ciphers_is_objected_to(openssl, question, version) -> None:
    assert early_change(question(openssl("-cipher", "ALL:@SECLEVEL=0")), version)[1] == "unexpected_message"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"\x15\x03\x03\x00\x02\x02\x14", "bad_record_mac"),
        (b"", "the end of the connection"),
        (b"\x16" + bytes(9), "a record of kind 22"),
    ],
)
def test_who_takes_it_complains_of_the_record_instead(serve, question, answer, said) -> None:
    def handle(sock: socket.socket, _number: int) -> None:
        sock.recv(4096)
        hello = bytes.fromhex("0303") + bytes(32) + b"\0" + bytes.fromhex("009c00")
        messages = b"\x02" + len(hello).to_bytes(3, "big") + hello + bytes.fromhex("0e000000")
        sock.sendall(b"\x16\x03\x03" + len(messages).to_bytes(2, "big") + messages)
        assert sock.recv(13, socket.MSG_WAITALL)[:6] == bytes.fromhex("140303000101")
        sock.sendall(answer)

    assert early_change(question(serve(handle)), "TLS1.2")[1] == said
