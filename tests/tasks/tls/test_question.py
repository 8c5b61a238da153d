"""No endpoint can be spelt that a tool or a protocol would read as something else."""

from dataclasses import asdict, replace
from json import dumps

import pytest

from estate.errors import BadTarget
from tasks.tls.question import TlsQuestion, proxy_of

GOOD = TlsQuestion("127.0.0.1", 443, "a.example")


@pytest.mark.parametrize(
    "wrong",
    [
        {"address": "--targets_in=/etc/passwd"},
        {"address": "127.1"},
        {"address": "a.example"},
        {"address": "fe80::1%eth0"},
        {"port": 0},
        {"port": 70_000},
        {"name": "-oX"},
        {"name": "a.example\r\nRCPT TO:<x>"},
        {"name": "a.example'/>"},
        {"name": "A.example"},
        {"name": "127.0.0.1"},
        {"name": ""},
        {"name": "a" * 64 + ".example"},
        {"starttls": "gopher"},
        {"profile": "everything"},
        {"client_certificate": ("relative.pem", "/key.pem")},
        {"http_proxy": "socks5://127.0.0.1:1080"},
        {"http_proxy": "http://user:secret@127.0.0.1:3128"},
        {"per_server": 0},
        {"per_server": 100},
        {"timeout": 0.0},
        {"deadline": 1e9},
    ],
)
def test_what_could_be_misread_is_refused(wrong) -> None:
    with pytest.raises(BadTarget):
        replace(GOOD, **wrong)


@pytest.mark.parametrize(
    "right",
    [
        {"address": "::1"},
        {"name": "xn--bcher-kva.example"},
        {"name": "_sip.a.example"},
        {"name": None},
        {"http_proxy": "http://127.0.0.1:3128"},
        {"client_certificate": ("/chain.pem", "/key.pem")},
    ],
)
def test_what_cannot_is_taken(right) -> None:
    replace(GOOD, **right)


def test_a_question_survives_the_way_to_the_child() -> None:
    asked = replace(GOOD, client_certificate=("/chain.pem", "/key.pem"), revocation_hosts=("crl.example",))
    assert TlsQuestion.from_json(dumps(asdict(asked))) == asked


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"address": "127.0.0.1"}', dumps({**asdict(GOOD), "shell": "sh"})])
def test_no_other_json_is_a_question(text: str) -> None:
    with pytest.raises(BadTarget):
        TlsQuestion.from_json(text)


def test_an_ipv6_endpoint_is_written_with_brackets() -> None:
    assert replace(GOOD, address="::1").endpoint == "[::1]:443"


def test_a_proxy_without_a_port_listens_where_http_does() -> None:
    assert proxy_of("http://proxy.example") == ("proxy.example", 80)
