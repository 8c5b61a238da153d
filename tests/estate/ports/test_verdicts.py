import pytest

from estate.coverage import Keys, Look, Verdict
from estate.ports.verdicts import answers, away, judge, weigh

KEYS = Keys.parse("tcp/1-9")


@pytest.mark.parametrize(
    ("state", "reason", "verdict", "word"),
    [
        ("closed", "reset", Verdict.NEGATIVE, "reset"),
        ("closed", "resets", Verdict.NEGATIVE, "reset"),
        ("closed", "conn-refused", Verdict.NEGATIVE, "conn-refused"),
        ("closed", "port-unreach", Verdict.NEGATIVE, "port-unreach"),
        ("closed", "", Verdict.NEGATIVE, "closed"),
        ("filtered", "no-response", Verdict.SILENT, "no-response"),
        ("filtered", "no-responses", Verdict.SILENT, "no-response"),
        ("filtered", "admin-prohibited", Verdict.SILENT, "admin-prohibited"),
        ("filtered", "", Verdict.SILENT, "no-response"),
        ("open|filtered", "no-response", Verdict.SILENT, "no-response"),
        ("closed|filtered", "no-ipid-change", Verdict.SILENT, "no-ipid-change"),
        ("filtered", "net-unreaches", Verdict.BLIND, "net-unreach"),
        ("filtered", "time-exceeded", Verdict.BLIND, "time-exceeded"),
        ("filtered", "perm-denied", Verdict.BLIND, "perm-denied"),
        ("unfiltered", "reset", Verdict.BLIND, "unfiltered"),
        ("unknown", "x", Verdict.BLIND, "unknown"),
        ("<b>", "x", Verdict.BLIND, "unknown-state"),
        ("filtered", "\x1b[2J", Verdict.SILENT, "unknown"),
    ],
)
def test_state_and_reason_decide(state, reason, verdict, word):
    assert judge(state, reason, "syn") == (verdict, word)


@pytest.mark.parametrize("kind", ["", "syn", "connect", "udp", "sctpinit"])
def test_a_scan_that_asks_as_a_client_does_proves_absence(kind):
    assert judge("closed", "reset", kind)[0] is Verdict.NEGATIVE


@pytest.mark.parametrize("kind", ["fin", "null", "xmas", "maimon", "window", "ack", "flags", "sctpcookieecho", "idle"])
@pytest.mark.parametrize("state", ["closed", "open|filtered", "filtered"])
def test_a_scan_that_infers_proves_nothing(kind, state):
    assert judge(state, "reset", kind) == (Verdict.BLIND, f"{kind}-scan")


def test_a_scan_of_an_unheard_name_proves_nothing():
    assert judge("closed", "reset", "<script>") == (Verdict.BLIND, "unknown-scan")


def test_a_host_that_is_away_was_asked_only_if_it_was_not_pinged():
    assert away("no-response", KEYS, pinged=True) == Look(Verdict.BLIND, "host-down", KEYS)
    assert away("no-response", KEYS, pinged=False) == Look(Verdict.SILENT, "host-down", KEYS)
    assert away("net-unreach", KEYS, pinged=False) == Look(Verdict.BLIND, "net-unreach", KEYS)


def test_only_a_real_answer_shows_that_a_host_is_there():
    assert answers("echo-reply")
    assert answers("arp-response")
    assert not answers("user-set")
    assert not answers("")


def test_looks_are_joined_by_verdict_and_reason_strongest_first():
    looks = [
        Look(Verdict.SILENT, "no-response", Keys.parse("tcp/1")),
        Look(Verdict.NEGATIVE, "reset", Keys.parse("tcp/2")),
        Look(Verdict.SILENT, "no-response", Keys.parse("udp/1")),
    ]
    assert weigh(looks, answered=True, connect=False, one_probe=False) == [
        Look(Verdict.NEGATIVE, "reset", Keys.parse("tcp/2")),
        Look(Verdict.SILENT, "no-response", Keys.parse("tcp/1 udp/1")),
    ]


def test_one_probe_makes_silence_a_sweeps_and_leaves_proofs_and_blindness_alone():
    looks = [
        Look(Verdict.NEGATIVE, "reset", Keys.parse("tcp/1")),
        Look(Verdict.SILENT, "no-response", Keys.parse("tcp/2")),
        Look(Verdict.SILENT, "host-down", Keys.parse("tcp/3")),
        Look(Verdict.BLIND, "host-timeout", Keys.parse("tcp/4")),
    ]
    weighed = weigh(looks, answered=True, connect=False, one_probe=True)
    assert {look.reason for look in weighed} == {"reset", "sweep", "host-down", "host-timeout"}
