import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estate.errors import BadReport
from estate.intel.osv import read_record

RECORD = {
    "id": "DEBIAN-CVE-2023-4911",
    "modified": "2026-01-01T00:00:00Z",
    "upstream": ["CVE-2023-4911"],
    "related": ["CVE-1999-0001"],
    "affected": [
        {
            "package": {"ecosystem": "Debian:12", "name": "glibc"},
            "ranges": [
                {"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.36-9+deb12u3"}]},
                {"type": "GIT", "events": [{"fixed": "abcdef"}]},
            ],
            "ecosystem_specific": {"urgency": "not yet assigned"},
        }
    ],
    "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H"}],
}


def test_a_record_says_its_cve_its_fix_and_its_vector() -> None:
    record = read_record(json.dumps(RECORD).encode())
    assert record.cves == ("CVE-2023-4911",)
    assert record.fixed_in("Debian:12", "glibc") == ("2.36-9+deb12u3",)
    assert record.fixed_in("Debian:11", "glibc") == ()
    assert record.urgency_of("Debian:12", "glibc") == "not yet assigned"
    assert record.severity[0][0] == "CVSS_V3"


def test_a_withdrawn_record_says_so() -> None:
    assert read_record(json.dumps({**RECORD, "withdrawn": "2026-02-01T00:00:00Z"}).encode()).withdrawn


@pytest.mark.parametrize("text", [b"", b"[]", b"{}", b'{"id": 1, "modified": "x"}', b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_record_is_refused(text: bytes) -> None:
    with pytest.raises(BadReport):
        read_record(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(sorted(RECORD)), JSON)
def test_a_record_with_anything_in_a_field_is_read_or_refused(name: str, value: object) -> None:
    try:
        read_record(json.dumps({**RECORD, name: value}).encode())
    except BadReport:
        assert name in {"id", "modified"}
