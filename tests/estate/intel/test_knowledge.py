from datetime import UTC, datetime

import pytest

from estate.errors import BadReport
from estate.intel.knowledge import Exploited, Knowledge, read_knowledge, spell_knowledge
from estate.intel.osv import Affected, Record
from estate.intel.packages import Asked

KNOWN = Knowledge(
    datetime(2026, 11, 24, tzinfo=UTC),
    (("Debian:12", "glibc", "2.36-9+deb12u1", ("DEBIAN-CVE-2023-4911",)),),
    {"DEBIAN-CVE-2023-4911": Record("DEBIAN-CVE-2023-4911", "t", ("CVE-2023-4911",), affected=(Affected("a", "b"),))},
    "",
    {"CVE-2023-4911": Exploited("2023-11-21")},
    {"CVE-2023-4911": 0.6},
    {"osv": "2026"},
)


def test_knowledge_is_read_as_it_was_written() -> None:
    found = read_knowledge(spell_knowledge(KNOWN))
    assert found == KNOWN
    assert found.by_package[Asked("Debian:12", "glibc", "2.36-9+deb12u1")] == ("DEBIAN-CVE-2023-4911",)


@pytest.mark.parametrize("text", [b"", b"{}", b"[]", b'{"at": "x"}'])
def test_what_is_no_knowledge_is_refused(text: bytes) -> None:
    with pytest.raises(BadReport, match="knowledge"):
        read_knowledge(text)
