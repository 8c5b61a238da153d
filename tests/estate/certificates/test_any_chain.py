"""Chains that nobody thought of: mutilated ones are judged without a crash, and any mixture as OpenSSL judges it."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from estate.certificates.certificate import read_certificate
from estate.certificates.facts import place_reading
from estate.certificates.shown import show
from estate.certificates.trust import TrustStore
from estate.certificates.verdicts import Problem
from estate.errors import BadReport

DAY = timedelta(days=1)
CLIENT, SERVER, ANY_LEAF = "1.3.6.1.5.5.7.3.2", "1.3.6.1.5.5.7.3.1", ("web.example", "*.example", "192.0.2.7")

authorities = st.fixed_dictionaries(
    {},
    optional={
        "end": st.sampled_from((-DAY, DAY, 900 * DAY)),
        "path_length": st.sampled_from((0, 1, 2)),
        "usages": st.sampled_from(((), (5,), (6,), (0, 5))),
        "purposes": st.sampled_from(((), (SERVER,), (CLIENT,), (CLIENT, SERVER))),
        "basic": st.booleans(),
        "spoil": st.booleans(),
        "key_ids": st.booleans(),
        "hash": st.sampled_from(("sha1", "sha256", "sha384")),
    },
)
leaves = st.fixed_dictionaries(
    {"names": st.lists(st.sampled_from(ANY_LEAF), min_size=1, max_size=3).map(tuple)},
    optional={
        "begin": st.sampled_from((-DAY, DAY)),
        "end": st.sampled_from((-DAY / 2, 90 * DAY)),
        "usages": st.sampled_from(((), (0,), (2,), (6,))),
        "purposes": st.sampled_from(((), (SERVER,), (CLIENT,))),
        "kind": st.sampled_from(("ec", "ec192", "rsa1024", "rsa2048", "ed25519")),
        "spoil": st.booleans(),
        "hash": st.sampled_from(("sha1", "sha256")),
    },
)


def placed(workshop, options):
    return {name: workshop.now + told if name in {"begin", "end"} else told for name, told in options.items()}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    above=st.lists(authorities, max_size=3),
    leaf=leaves,
    sent=st.integers(0, 3),
    anchored=st.booleans(),
    name=st.sampled_from(("web.example", "a.b.example", "192.0.2.7")),
)
def test_openssl_agrees_on_any_mixture(workshop, tmp_path, above, leaf, sent, anchored, name):
    root = workshop.root()
    chain = [root]
    for number, options in enumerate(above):
        made = placed(workshop, options)
        chain.insert(0, workshop.issue(f"Middle {number}", chain[0], authority=True, **made))
    chain.insert(0, workshop.issue("leaf", chain[0], **placed(workshop, leaf)))
    roots = [root if anchored else workshop.root("Another")]
    case = workshop.case([chain[0], *chain[1:-1][:sent]], roots, name=name)
    verdict = workshop.judge(case)
    errors = workshop.ask_openssl(case, tmp_path)
    assert bool(errors) is bool(verdict.problems), (errors, verdict.explained)
    if verdict.anchor:
        # Where the path is whole, whatever OpenSSL complains of is among our problems.
        assert all(verdict.problems & meant for meant in errors.values()), (errors, verdict.explained)
    else:
        assert verdict.problems & {Problem.INCOMPLETE, Problem.UNKNOWN_CA, Problem.BAD_SIGNATURE}


@pytest.fixture(scope="module")
def sound(workshop):
    root = workshop.root()
    middle = workshop.issue("Middle", root, authority=True)
    return workshop.issue("web.example", middle), middle, root


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_mutilated_chain_is_a_crash_or_trusted(workshop, sound, data):
    leaf, middle, root = sound
    spoiled = bytearray(leaf.der)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(spoiled) - 1))
        spoiled[at] ^= data.draw(st.integers(1, 255))
    try:
        chain = [read_certificate(bytes(spoiled)), middle.certificate]
    except BadReport:
        return
    roots = TrustStore.of([root.certificate], mozilla=False)
    shown = show("443", "web.example", chain, workshop.now, roots, host="web.example")
    reading = place_reading("10.0.0.7", "443", "web.example", [shown])
    assert shown.verdict.trusted is (bytes(spoiled) == leaf.der)
    assert all(text.isprintable() for value in reading.present.values() for _, text in value)
