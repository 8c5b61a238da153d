"""One certificate against the one before it at the same place: what changed, in words and as findings."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from estate.assets import Asset
from estate.certificates.facts import problem_key, spell_place
from estate.certificates.relations import ISSUER_CHANGED, ROLLED_BACK, SAME_KEY
from estate.findings import Detection, Ruling, Severity
from estate.observations import Attributes

_SHOWN = 5


def explain_renewal(before: Attributes, after: Attributes) -> str:
    """What happened between two values of a certificate's key, or an empty string where it is the same certificate.

    For example: "reissued with the same key; issuer changed from CN=R3 to CN=R10; names added: b.example".
    """
    old, new = dict(before), dict(after)
    if not _differ(old, new):
        return _explain_chain(old, new)
    return "; ".join((_what_happened(old, new), *_what_differs(old, new)))


def renewal_rulings(asset: Asset, key: str, before: Attributes, after: Attributes) -> tuple[Ruling, ...]:
    """What a renewal means: each of its rules, present or absent; nothing where the certificate is the same."""
    old, new = dict(before), dict(after)
    if not _differ(old, new):
        return ()
    place, told = spell_place(asset, key), explain_renewal(before, after)
    holds = (
        (SAME_KEY, Severity.LOW, _same(old, new, "spki") and not _is_older(old, new)),
        (ISSUER_CHANGED, Severity.INFO, not _same(old, new, "issuer")),
        (ROLLED_BACK, Severity.HIGH, _is_older(old, new)),
    )
    return tuple(
        Ruling(
            rule,
            asset,
            problem_key(key, rule.name),
            severity,
            Detection.PRESENT if present else Detection.ABSENT,
            f"{rule.title}: {place}",
            told,
        )
        for rule, severity, present in holds
    )


def _what_happened(old: Mapping[str, str], new: Mapping[str, str]) -> str:
    if _is_older(old, new):
        return f"rolled back to the certificate of {new.get('not_before', '?')[:10]}"
    same_names = _same(old, new, "names") or bool(_names(old) & _names(new))
    verb = "reissued" if same_names else "replaced"
    return f"{verb} with {'the same' if _same(old, new, 'spki') else 'a new'} key"


def _what_differs(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[str]:
    for name, words in (("issuer", "issuer"), ("subject", "subject"), ("key", "key type"), ("signature", "signature")):
        if name in old and name in new and not _same(old, new, name):
            yield f"{words} changed from {old[name]} to {new[name]}"
    for words, names in (("added", _names(new) - _names(old)), ("removed", _names(old) - _names(new))):
        if names:
            more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
            yield f"names {words}: {', '.join(sorted(names)[:_SHOWN])}{more}"
    lives = _days(old), _days(new)
    if None not in lives and lives[0] != lives[1]:
        yield f"lives {lives[1]} days instead of {lives[0]}"
    if "any" not in (new.get("purposes"), old.get("purposes")):
        for purpose in sorted(set(old.get("purposes", "").split()) - set(new.get("purposes", "").split()) - {"-"}):
            yield f"no longer for {purpose}"
    if not _same(old, new, "must_staple"):
        yield "must-staple added" if new.get("must_staple") == "yes" else "must-staple dropped"
    chain = _explain_chain(old, new)
    if chain:
        yield chain
    if "not_after" in new:
        yield f"now until {new['not_after'][:10]}"


def _explain_chain(old: Mapping[str, str], new: Mapping[str, str]) -> str:
    return "" if _same(old, new, "intermediates") else "the intermediates that come with it changed"


def _differ(old: Mapping[str, str], new: Mapping[str, str]) -> bool:
    return "sha256" in old and "sha256" in new and not _same(old, new, "sha256")


def _same(old: Mapping[str, str], new: Mapping[str, str], name: str) -> bool:
    return old.get(name) == new.get(name)


def _is_older(old: Mapping[str, str], new: Mapping[str, str]) -> bool:
    """Whether what is shown now was issued before what was shown, for the same names: ISO times sort by themselves."""
    return _same(old, new, "names") and "" < new.get("not_before", "") < old.get("not_before", "")


def _names(told: Mapping[str, str]) -> set[str]:
    return set(told.get("names", "").split()) - {"-"}


def _days(told: Mapping[str, str]) -> int | None:
    begin, end = _time(told.get("not_before", "")), _time(told.get("not_after", ""))
    return None if begin is None or end is None else round((end - begin).total_seconds() / 86_400)


def _time(spelled: str) -> datetime | None:
    try:
        return datetime.fromisoformat(spelled)
    except ValueError:
        return None
