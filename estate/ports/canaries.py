"""Endpoints whose state is known: they prove, in the same run, that we could see."""

from collections.abc import Sequence

from estate.coverage import Keys, Verdict
from estate.evidence import Document
from estate.observations import Reading, merge
from estate.ports.nmap import NmapReader

Canary = tuple[str, str, str]
"""(address, key, `open` or `closed`)."""


def judge_canaries(canaries: Sequence[Canary], documents: Sequence[Document]) -> str:
    """`ok` where every canary looked as it should, else `failed:` and what was seen instead; empty without canaries."""
    if not canaries:
        return ""
    readings: dict[str, list[Reading]] = {}
    for document in documents:
        for reading in NmapReader(document.stream, look=document.look):
            readings.setdefault(reading.subject, []).append(reading)
    wrong = []
    for address, key, expect in canaries:
        sight = merge(address, Keys.of((key,)), readings.get(address, ()), "no-evidence")
        look = sight.verdict(key)
        seen = "open" if key in sight.present else f"{look.verdict.word} ({look.reason})" if look else "not asked"
        is_closed = look is not None and look.verdict is Verdict.NEGATIVE
        if (expect == "open" and key not in sight.present) or (expect == "closed" and not is_closed):
            wrong.append(f"{key} on {address} should be {expect} and was {seen}")
    return f"failed: {'; '.join(wrong)}" if wrong else "ok"
