"""What a round of handshakes proves of the certificates that an asset shows."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from estate.certificates.reading import read_certificates
from estate.coverage import Verdict
from estate.evidence import Notes
from estate.tls.served import certificate_sights
from estate.tls.shard import Endpoint, TlsShard
from infra.lab.tls_rounds import chain, roots, shown, silence, told_by

NOW = datetime.now(UTC).replace(microsecond=0)
WEB = Endpoint("a.example", "10.0.0.1", 443, "a.example")
ADMIN = replace(WEB, port=8443)
HERE = "certificate/443/a.example"


@pytest.fixture(scope="module")
def served():
    return chain("a.example")


def digest(pems):
    return read_certificates(pems[0].encode())[0].sha256


def seen(endpoints, *said, at=NOW):
    notes = Notes()
    documents = [told_by(endpoint, at, each, "certificate", look) for look, (endpoint, each) in enumerate(said)]
    (sight,) = certificate_sights(TlsShard(tuple(endpoints), "certificate", roots()), documents, notes)
    return sight, notes


def told(sight, key):
    look = sight.verdict(key)
    return (look.verdict, look.reason)


def test_a_certificate_is_kept_at_its_place_and_by_its_digest(served):
    sight, _ = seen([WEB], (WEB, shown(served)))
    kept = dict(sight.present[HERE])
    assert (kept["names"], kept["sha256"]) == ("a.example", digest(served))
    assert f"cert/{digest(served)}" in sight.present
    assert [key for key in sight.present if "/problem/" in key] == []


def test_what_is_wrong_has_a_key_of_its_own_and_what_is_right_is_proved(served):
    sight, _ = seen([replace(WEB, name="b.example")], (replace(WEB, name="b.example"), shown(served)))
    assert "certificate/443/b.example/problem/name-mismatch" in sight.present
    assert told(sight, "certificate/443/b.example/problem/expired")[0] is Verdict.NEGATIVE


def test_time_alone_makes_a_certificate_expired(served):
    after = NOW + timedelta(days=100)
    assert f"{HERE}/problem/expired" in seen([WEB], (WEB, shown(served)), at=after)[0].present
    assert f"{HERE}/problem/expired" not in seen([WEB], (WEB, shown(served)))[0].present


@pytest.mark.parametrize(
    ("outcome", "verdict"),
    [
        ("refused", Verdict.NEGATIVE),
        ("plaintext", Verdict.NEGATIVE),
        ("silent", Verdict.SILENT),
        ("reset", Verdict.BLIND),
        ("unreachable", Verdict.BLIND),
    ],
)
def test_how_a_port_fails_decides_what_becomes_of_its_certificate(outcome, verdict):
    sight, _ = seen([WEB], (WEB, silence(outcome)))
    assert told(sight, HERE) == (verdict, outcome)


def test_a_handshake_without_a_certificate_is_blind():
    sight, _ = seen([WEB], (WEB, {"certificates": {"state": "blind", "reason": "alert: 40"}}))
    assert told(sight, HERE) == (Verdict.BLIND, "alert")
    assert told(sight, "cert/00")[0] is Verdict.BLIND


def test_a_chain_that_cannot_be_read_is_blind():
    bad = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"
    sight, _ = seen([WEB], (WEB, shown([bad])))
    assert told(sight, HERE) == (Verdict.BLIND, "unreadable")


def test_a_certificate_is_shown_nowhere_only_where_every_place_was_seen(served):
    both, _ = seen([WEB, ADMIN], (WEB, shown(served)), (ADMIN, shown(served)))
    assert told(both, "cert/00") == (Verdict.NEGATIVE, "shown-nowhere")
    half, _ = seen([WEB, ADMIN], (WEB, shown(served)), (ADMIN, silence("reset")))
    assert told(half, "cert/00") == (Verdict.BLIND, "reset")


def test_a_place_of_which_no_evidence_came_may_show_anything(served):
    sight, _ = seen([WEB, ADMIN], (WEB, shown(served)))
    assert told(sight, "certificate/8443/a.example") == (Verdict.BLIND, "no-evidence")
    assert told(sight, "cert/00") == (Verdict.BLIND, "no-evidence")


def test_one_look_that_saw_a_place_is_enough(served):
    sight, _ = seen([WEB], (WEB, silence("reset")), (WEB, shown(served)))
    assert told(sight, "cert/00") == (Verdict.NEGATIVE, "shown-nowhere")
    again, _ = seen([WEB], (WEB, shown(served)), (WEB, silence("reset")))
    assert told(again, "cert/00") == (Verdict.NEGATIVE, "shown-nowhere")


def test_what_nobody_asked_for_is_noted(served):
    _, notes = seen([WEB], (WEB, shown(served)), (ADMIN, shown(served)))
    assert notes.outside == 1
