"""What a port's state and reason in nmap's report prove: absence, silence, or that we could not look.

The words are those of nmap's `portreasons.cc`; which of them our own side causes was tried with nmap 7.93: no route
or an interface that is down reads `net-unreach` in a connect scan, a `prohibit` route reads `admin-prohibited`,
an address that nobody answers ARP for reads `host-unreach`, each of them on every port that was asked.
"""

import re
from collections.abc import Iterable

from estate.coverage import Keys, Look, Verdict

_OPENLY_ASKED = frozenset({"", "syn", "connect", "udp", "sctpinit"})
"""Scan types that ask as a client does. The others infer: systems that answer everything with a reset make a FIN or
a window scan say `closed` of open ports (tried: Linux, `-sM` and `-sW`)."""

_NOT_THE_TARGET = frozenset(
    {
        "beyond-scope",
        "net-unreach",
        "no-route",
        "param-problem",
        "perm-denied",
        "reject-route",
        "source-quench",
        "time-exceeded",
    }
)
"""Reasons that speak of the way there, or of ourselves."""

_SINGULAR = {
    "abort": "aborts",
    "admin-prohibited": "admin-prohibiteds",
    "conn-refused": "conn-refuseds",
    "dest-unreach": "dest-unreaches",
    "host-prohibited": "host-prohibiteds",
    "host-unreach": "host-unreaches",
    "net-prohibited": "net-prohibiteds",
    "net-unreach": "net-unreaches",
    "no-response": "no-responses",
    "perm-denied": "perm-denieds",
    "port-unreach": "port-unreaches",
    "proto-unreach": "proto-unreaches",
    "reset": "resets",
    "source-quench": "source-quenches",
    "time-exceeded": "time-exceededs",
}
_BY_PLURAL = {plural: singular for singular, plural in _SINGULAR.items()}
"""Before 7.9x, several ports with one reason had it in the plural."""

_WORD = re.compile(r"[a-z][a-z0-9-]{0,39}\Z")
_NO_ANSWER = frozenset({"", "user-set", "no-response", "unknown-response"})
_ASK_TWICE = frozenset({"admin-prohibited", "host-unreach"}) | _NOT_THE_TARGET


def judge(state: str, reason: str, scan_type: str) -> tuple[Verdict, str]:
    """The verdict of one port that is not open, as far as its own state tells."""
    word = _BY_PLURAL.get(reason, reason)
    if not _WORD.match(word):
        word = "" if not word else "unknown"
    if state == "unfiltered":
        return Verdict.BLIND, state
    if scan_type not in _OPENLY_ASKED:
        return Verdict.BLIND, f"{scan_type}-scan" if _WORD.match(scan_type) else "unknown-scan"
    if state == "closed":
        return Verdict.NEGATIVE, word or "closed"
    if state not in {"filtered", "open|filtered", "closed|filtered"}:
        return Verdict.BLIND, state if _WORD.match(state) else "unknown-state"
    if word in _NOT_THE_TARGET:
        return Verdict.BLIND, word
    return Verdict.SILENT, word or "no-response"


def answers(status_reason: str) -> bool:
    """Whether a host that is called up really answered, and was not just declared to be up (`-Pn`)."""
    return status_reason not in _NO_ANSWER


def away(status_reason: str, keys: Keys, *, pinged: bool) -> Look:
    """What a host that is called down proves of its ports.

    Only a host that was not pinged (`-Pn`) was really asked: then it is its neighbour discovery that stayed silent.
    """
    reason = _BY_PLURAL.get(status_reason, status_reason)
    if reason in _NOT_THE_TARGET:
        return Look(Verdict.BLIND, reason, keys)
    return Look(Verdict.BLIND if pinged else Verdict.SILENT, "host-down", keys)


def weigh(looks: list[Look], *, answered: bool, connect: bool, one_probe: bool) -> list[Look]:
    """Judge the looks on one host again, all together: one per verdict and reason, strongest first.

    Where part of the host was out of reach, its silence proves nothing. Where nothing at all answered, `host-unreach`
    says that the host is away, and in a connect scan `admin-prohibited` is what our own routes say.
    Silence that a single probe met is a sweep's.
    """
    reasons = {look.reason for look in looks}
    if reasons & _ASK_TWICE:
        answered = answered or any(look.verdict is Verdict.NEGATIVE for look in looks)
        broken = min(reasons & _NOT_THE_TARGET, default="")
        looks = [_again(look, reasons, broken, answered=answered, connect=connect) for look in looks]
    if one_probe:
        looks = [
            Look(look.verdict, "sweep", look.keys) if look.verdict is Verdict.SILENT and not look.weak else look
            for look in looks
        ]
    return _joined(looks) if len(looks) > 1 else looks


def _again(look: Look, reasons: set[str], broken: str, *, answered: bool, connect: bool) -> Look:
    if look.verdict is not Verdict.SILENT:
        return look
    if broken:
        return Look(Verdict.BLIND, broken, look.keys)
    if answered:
        return look
    if connect and look.reason == "admin-prohibited":
        return Look(Verdict.BLIND, look.reason, look.keys)
    if "host-unreach" in reasons and look.reason in {"host-unreach", "no-response"}:
        return Look(Verdict.SILENT, "host-down", look.keys)
    return look


def _joined(looks: Iterable[Look]) -> list[Look]:
    found: dict[tuple[Verdict, str], Keys] = {}
    for look in looks:
        same = (look.verdict, look.reason)
        found[same] = found[same] | look.keys if same in found else look.keys
    return [Look(verdict, reason, keys) for (verdict, reason), keys in sorted(found.items(), reverse=True)]
