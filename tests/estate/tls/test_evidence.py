import io
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estate.errors import BadReport
from estate.tls.evidence import CHECKS, MOST_BYTES, VERSIONS, TlsEvidence, read_tls
from estate.tls.facts import endpoint_reading
from estate.tls.rating import rate

SMALLEST: dict[str, object] = {
    "schema": 1,
    "asked": {"address": "::ffff:127.0.0.2", "port": 443, "profile": "certificate"},
    "started": "2026-11-24T16:00:00+01:00",
    "hello": {"outcome": "refused"},
}


def refused(tls, document, words):
    with pytest.raises(BadReport, match=re.escape(words)):
        tls.read(document)


def test_a_whole_document_is_read(tls):
    evidence = tls.evidence()
    assert evidence.asked.name == "a.example"
    assert evidence.protocol("TLS1.2").suites[0].curve_bits == 253
    assert evidence.check("session_tickets").state == "yes"
    assert evidence.engine == (("roundsman", "0.1.0"), ("sslyze", "6.3.1"))


def test_what_is_missing_is_blind_because_nobody_asked(tls):
    evidence = tls.read(SMALLEST)
    assert {(evidence.protocol(version).state, evidence.protocol(version).reason) for version in VERSIONS} == {
        ("blind", "not asked")
    }
    assert {evidence.check(name).state for name in CHECKS} == {"blind"}
    assert evidence.modern.state == evidence.hsts.state == evidence.certificates.state == "blind"
    assert evidence.revocation.state == "not-asked"


def test_addresses_names_and_moments_have_one_spelling(tls):
    asked = {"address": "::ffff:127.0.0.2", "port": 443, "profile": "certificate", "name": "Bücher.Example."}
    evidence = tls.read({**SMALLEST, "asked": asked})
    assert evidence.asked.address == "127.0.0.2"
    assert evidence.asked.name == "xn--bcher-kva.example"
    assert evidence.started == tls.now.replace(hour=15)


def test_a_staple_is_bytes_and_trust_is_sorted(tls):
    deployment = {"with_sni": True, "chain": [], "staple": "AAEC", "trust": {"own": "x", "mozilla": "trusted"}}
    (found,) = tls.evidence({"certificates/deployments": [deployment]}).served
    assert found.staple == b"\0\1\2"
    assert found.trust == (("mozilla", "trusted"), ("own", "x"))


def test_served_are_the_chains_that_we_would_get(tls):
    chains = [{"with_sni": True, "chain": ["a"]}, {"with_sni": False, "chain": ["b"]}]
    assert [each.chain for each in tls.evidence({"certificates/deployments": chains}).served] == [("a",)]
    nameless = {"certificates/deployments": chains, "asked/name": None}
    assert [each.chain for each in tls.evidence(nameless).served] == [("b",)]


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("schema", 2, "schema: Input should be 1"),
        ("surprise", 1, "surprise: Unexpected keyword argument"),
        ("checks/robt", {"state": "no"}, "checks.robt"),
        ("checks/robot", {"state": "maybe"}, "checks.robot.state"),
        ("protocols/TLS1.4", {"state": "not-offered"}, "protocols.TLS1.4"),
        ("protocols/TLS1.2/suites", [{"name": "X", "bits": -1}], "protocols.TLS1.2.suites.0.bits"),
        ("protocols/TLS1.2/suites", [{"name": "X", "bits": "128"}], "protocols.TLS1.2.suites.0.bits"),
        ("asked/port", 0, "asked.port"),
        ("asked/port", True, "asked.port"),
        ("asked/address", "a.example", "this is no address"),
        ("asked/name", "-oG x", "neither an address"),
        ("asked/name", "10.0.0.1", "looks like a broken address"),
        ("started", "2026-11-24T15:00:00", "started"),
        ("started", "0001-01-01T00:00:00+14:00", "no moment of our calendar"),
        ("seconds", -1, "seconds"),
        ("hsts/max_age", -1, "hsts.max_age"),
        ("certificates/deployments", [{"with_sni": True, "chain": [], "staple": "%%"}], "staple"),
    ],
)
def test_what_the_schema_does_not_know_is_refused_by_its_place(tls, path, value, words):
    refused(tls, tls.document({path: value}), words)


@pytest.mark.parametrize("text", [b"", b"[]", b"nul", b"[" * 100_000, b'{"schema":' + b"9" * 5_000, b"\xff\xfe"])
def test_what_is_no_document_is_refused(text):
    with pytest.raises(BadReport):
        read_tls(io.BytesIO(text))


def test_a_document_without_end_is_not_read_to_its_end():
    class Endless(io.RawIOBase):
        given = 0

        def read(self, size: int | None = -1) -> bytes:
            assert size is not None
            assert size > 0
            self.given += size
            return b" " * size

    stream = Endless()
    with pytest.raises(BadReport, match="more than 16,777,216 bytes"):
        read_tls(stream)  # type: ignore[arg-type]  # It reads as one.
    assert stream.given <= MOST_BYTES + 1


def test_a_reader_is_told_no_control_characters(tls):
    with pytest.raises(BadReport) as told:
        tls.read({**SMALLEST, "\x1b[31m": 1})
    assert str(told.value).isprintable()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)


def places(document: object, way: tuple[object, ...] = ()):
    yield way
    if isinstance(document, dict | list):
        for step, below in document.items() if isinstance(document, dict) else enumerate(document):
            yield from places(below, (*way, step))


@given(st.data())
def test_a_mutilated_document_is_judged_or_refused_and_never_anything_else(tls, data):
    document: object = tls.document()
    for _ in range(data.draw(st.integers(1, 4))):
        way = data.draw(st.sampled_from(list(places(document))))
        value = data.draw(JSON | st.sampled_from(["blind", "offered", "no", "yes", [], {}, 0, None]))
        document = changed(document, way, value)
    text = json.dumps(document).encode()
    if data.draw(st.booleans()):
        cut = data.draw(st.integers(0, len(text)))
        text = text[:cut] + data.draw(st.binary(max_size=4)) + text[cut + data.draw(st.integers(0, 3)) :]
    try:
        evidence = read_tls(io.BytesIO(text))
    except BadReport:
        return
    assert isinstance(evidence, TlsEvidence)
    rating = rate(evidence, tls.chain(), tls.now)
    endpoint_reading("a.example", evidence, rating)


def changed(document: object, way: tuple[object, ...], value: object) -> object:
    if not way:
        return value
    step, *rest = way
    if isinstance(document, dict):
        return {**document, step: changed(document[step], tuple(rest), value)}
    assert isinstance(document, list)
    assert isinstance(step, int)
    return [*document[:step], changed(document[step], tuple(rest), value), *document[step + 1 :]]
