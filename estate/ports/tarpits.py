"""Hosts on which everything answers: one anomaly instead of thousands of ports, for as long as it lasts."""

from collections.abc import Collection
from dataclasses import replace

from estate.coverage import Keys, Look, Verdict
from estate.observations import NO_ATTRIBUTES, Sight
from estate.ports.rules import TARPIT_KEY, is_tarpit

_ANOMALY = Keys.of((TARPIT_KEY,))


def fold_tarpit(sight: Sight, known: Collection[str]) -> Sight:
    """Make one anomaly of a host on which everything answers; ports known to be open stay as they are seen.

    An anomaly that is known ends with the first refusal. Until then it hides what seems to open meanwhile, also from
    a question too narrow to show it again, and where nothing answered at all it is as unseen as the host's ports.

    Args:
        sight: all that was seen.
        known: what was present before.
    """
    if is_tarpit(len(sight.present), len(sight.asked)):
        present = {key: value for key, value in sight.present.items() if key in known}
        return replace(sight, asked=sight.asked | _ANOMALY, present={**present, TARPIT_KEY: NO_ATTRIBUTES})
    if TARPIT_KEY not in known:
        return sight
    if sight.negative:
        refused = Look(Verdict.NEGATIVE, "answers-like-a-host", _ANOMALY)
        return replace(sight, asked=sight.asked | _ANOMALY, negative=(*sight.negative, refused))
    if sight.present:
        return replace(sight, present={key: value for key, value in sight.present.items() if key in known})
    for look in (*sight.silent, *sight.blind):
        unseen = replace(look, keys=_ANOMALY)
        silent = (*sight.silent, unseen) if look.verdict is Verdict.SILENT else sight.silent
        blind = (*sight.blind, unseen) if look.verdict is Verdict.BLIND else sight.blind
        return replace(sight, asked=sight.asked | _ANOMALY, silent=silent, blind=blind)
    return sight
