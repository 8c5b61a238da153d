import pytest

from estate.coverage import Keys
from estate.tls.evidence import CHECKS, VERSIONS
from estate.tls.keys import asked_keys, key_of, split_key
from estate.tls.rules import WEAKNESSES


def test_a_key_names_port_name_and_item():
    assert key_of(443, "a.example", "grade") == "tls/443/a.example/grade"
    assert key_of(443, None, "protocol/TLS1.1") == "tls/443/-/protocol/TLS1.1"


@pytest.mark.parametrize("key", ["tls/443/a.example/grade", "tls/443/-/protocol/TLS1.1"])
def test_a_key_is_taken_apart_again(key):
    parts = split_key(key)
    assert parts is not None
    assert f"tls/{'/'.join(parts)}" == key


@pytest.mark.parametrize("key", ["tcp/443", "tls/443", "tls/443/a.example", "cert/x/y/z"])
def test_other_keys_are_none_of_ours(key):
    assert split_key(key) is None


def test_each_profile_asks_what_the_cheaper_one_asks_and_more():
    certificate, watch, full = (asked_keys(443, "a.example", profile) for profile in ("certificate", "watch", "full"))
    assert list(certificate) == ["tls/443/a.example/endpoint"]
    assert not certificate - watch
    assert not watch - full
    assert list(full - watch) == sorted(f"tls/443/a.example/check/{name}" for name in CHECKS[6:])


def test_a_full_look_asks_every_version_check_and_weakness_once():
    items = {str(key).split("/", 3)[3] for key in asked_keys(443, None, "full")}
    assert items == {
        *("endpoint", "grade", "hsts"),
        *(f"protocol/{version}" for version in VERSIONS),
        *(f"check/{name}" for name in CHECKS),
        *(item for item in WEAKNESSES if item.startswith("weakness/")),
    }


def test_keys_survive_their_spelling():
    asked = asked_keys(443, "a.example", "full")
    assert Keys.parse(str(asked)) == asked
