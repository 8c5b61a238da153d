import io
from datetime import UTC, datetime

import pytest

from estate.errors import BadReport
from estate.evidence import Document, Notes
from estate.hosts.evidence import read_visit, spell_visit
from estate.hosts.host import Visit
from estate.hosts.reading import ASKED
from estate.hosts.shard import HostShard, Target, sights

NONCE = "0123456789abcdef" * 2
AT = datetime(2026, 5, 4, tzinfo=UTC)
SHARD = HostShard((Target("web-7", "ssh", "web-7", "10.0.0.7", 22, "auditor"),), (("web-7", ("10.0.0.7",)),))


def document(asset: str, error: str = "", detail: str = "", output: bytes | None = None) -> Document:
    told = spell_visit(Visit(asset, AT, NONCE, "ssh", error, detail))
    return Document("host", 0, io.BytesIO(told), io.BytesIO(output) if output is not None else None)


def test_a_plan_is_read_as_it_was_stored() -> None:
    assert HostShard.from_json(SHARD.to_json()) == SHARD
    assert SHARD.bindings == {"web-7": ("10.0.0.7",)}


def test_a_visit_is_read_as_it_was_written() -> None:
    visit = Visit("web-7", AT, NONCE, "ssh", "auth-failed", "Permission denied (publickey).")
    assert read_visit(io.BytesIO(spell_visit(visit))) == visit


@pytest.mark.parametrize("text", [b"", b"[]", b"{}", b'{"asset": 3}', b"\xff", b"[" * 70_000])
def test_what_is_no_visit_is_refused(text: bytes) -> None:
    with pytest.raises(BadReport, match="visit"):
        read_visit(io.BytesIO(text))


def test_a_host_that_let_nobody_in_is_blind_and_says_why() -> None:
    notes = Notes()
    (sight,) = sights(SHARD, [document("web-7", "auth-failed", "Permission denied (publickey).")], notes)
    assert {look.reason for look in sight.blind} == {"auth-failed"}
    assert notes.remarks == {"web-7: the login was refused: Permission denied (publickey)."}


def test_a_host_without_any_evidence_is_blind() -> None:
    (sight,) = sights(SHARD, [], Notes())
    assert [(look.reason, look.keys) for look in sight.blind] == [("no-evidence", ASKED["standard"])]


def test_a_visit_of_a_host_that_was_not_asked_counts_for_nobody() -> None:
    notes = Notes()
    (sight,) = sights(SHARD, [document("db-1", "auth-failed")], notes)
    assert ({look.reason for look in sight.blind}, notes.outside) == ({"no-evidence"}, 1)


def test_a_second_visit_that_got_in_counts_more_than_one_that_did_not() -> None:
    who = b"\n@%b B who\nuid=0\n\n@%b E who rc=0 cap=99\n\n@%b Z ok\n" % ((NONCE.encode(),) * 3)
    tried = [document("web-7", "unreachable"), document("web-7", output=who)]
    (sight,) = sights(SHARD, tried, Notes())
    assert "unreachable" not in {look.reason for look in (*sight.negative, *sight.blind) if "user/*" in look.keys}


def test_another_kind_of_document_is_refused() -> None:
    with pytest.raises(BadReport, match="no reader for tls"):
        list(sights(SHARD, [Document("tls", 0, io.BytesIO(b""))], Notes()))
