"""What one look at an endpoint says of each of its keys: present with its attributes, refuted, silent, or not seen."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from estate.coverage import Keys, Look, Verdict
from estate.observations import Attributes, Reading, Sight, join_addresses
from estate.text import printable
from estate.tls.caps import BY_RULE, GRADES
from estate.tls.case import Blind, Case
from estate.tls.evidence import CHECKS, VERSIONS, TlsEvidence
from estate.tls.keys import DIFFERS, ENDPOINT, GRADE, HSTS, key_of, split_key
from estate.tls.mozilla import strictest
from estate.tls.rating import Rating
from estate.tls.rules import FOUND, WEAKNESSES
from estate.tls.ssllabs import Given, difference

_AWAY = {
    "refused": Verdict.NEGATIVE,
    "plaintext": Verdict.NEGATIVE,
    "garbage": Verdict.NEGATIVE,
    "starttls-refused": Verdict.NEGATIVE,
    "silent": Verdict.SILENT,
    "reset": Verdict.BLIND,
    "unreachable": Verdict.BLIND,
}
"""Another protocol, or a reset of the connection attempt, is an answer. A reset after our hello is none: rate limiters
and firewalls send it in place of a server that is as it was."""

Second = Given | str | None
"""The grade of SSL Labs, why there is none, or None where it is not asked."""
Found = tuple[str, Attributes | Look]
"""An item, with its attributes where it is present, or with what was said of it instead (without keys)."""

_NOTHING = Keys()


def endpoint_reading(
    subject: str, evidence: TlsEvidence, rating: Rating, look: int = 0, second: Second = None
) -> Reading:
    """Read one look; what was not asked is not mentioned by `asked_keys`, and falls out when readings are merged."""
    asked = evidence.asked
    present: dict[str, Attributes] = {}
    said: dict[tuple[Verdict, str], list[str]] = {}
    for item, found in _items(evidence, rating, second):
        key = key_of(asked.port, asked.name, item)
        if isinstance(found, Look):
            said.setdefault((found.verdict, found.reason), []).append(key)
        else:
            present[key] = found
    looks = tuple(Look(verdict, reason, Keys.of(keys)) for (verdict, reason), keys in sorted(said.items()))
    return Reading(subject, present, looks, look)


def speaks_tls(evidence: TlsEvidence) -> bool:
    """Whether anything that is TLS came back, be it only a refusal in its words."""
    return evidence.hello.outcome == "tls" or any(evidence.protocol(one).state == "offered" for one in VERSIONS)


def guess_reading(subject: str, evidence: TlsEvidence, look: int = 0) -> Reading:
    """An open port that was only guessed at, and spoke no TLS: that is known now, and there is nothing else to tell.

    A reset is how many a protocol declines what it does not know: no answer, but no failure to look either.
    """
    asked, outcome = evidence.asked, evidence.hello.outcome
    verdict = Verdict.SILENT if outcome == "reset" else _AWAY[outcome]
    keys = Keys.of((key_of(asked.port, asked.name, ENDPOINT),))
    return Reading(subject, {}, (Look(verdict, outcome, keys),), look)


def _items(evidence: TlsEvidence, rating: Rating, second: Second) -> Iterator[Found]:
    if not speaks_tls(evidence):
        away = Look(_AWAY[evidence.hello.outcome], evidence.hello.outcome, _NOTHING)
        weak = (item for item in WEAKNESSES if item.startswith("weakness/"))
        protocols = (f"protocol/{version}" for version in VERSIONS)
        differs = (DIFFERS,) if second is not None else ()
        for item in (ENDPOINT, GRADE, HSTS, *differs, *protocols, *(f"check/{name}" for name in CHECKS), *weak):
            yield item, away
        return
    yield ENDPOINT, _endpoint(evidence)
    yield GRADE, _grade(rating, second)
    if second is not None:
        yield DIFFERS, _difference(rating, second)
    yield HSTS, _hsts(evidence)
    for version in VERSIONS:
        protocol = evidence.protocol(version)
        suites = " ".join(sorted({printable(suite.name, 80) for suite in protocol.suites}))
        attributes: Attributes = (("suites", suites),) if suites else ()
        yield f"protocol/{version}", _stated(protocol.state, "offered", attributes, protocol.reason)
    for name in CHECKS:
        check = evidence.check(name)
        yield f"check/{name}", _stated(check.state, "yes", (), check.detail)
    case = Case(evidence, None, evidence.started)
    for item, weakness in WEAKNESSES.items():
        if item.startswith("weakness/"):
            answer = weakness.applies(case)
            if isinstance(answer, Blind):
                yield item, _blind(answer.why or answer.part)
            else:
                yield item, ((FOUND, answer),) if answer else Look(Verdict.NEGATIVE, "not-found", _NOTHING)


def _stated(state: str, there: str, attributes: Attributes, reason: str) -> Attributes | Look:
    if state == there:
        return attributes
    return _blind(reason) if state == "blind" else Look(Verdict.NEGATIVE, state, _NOTHING)


def _blind(reason: str) -> Look:
    """The reason without its details, which are in the evidence: coverage is grouped by reason."""
    return Look(Verdict.BLIND, printable(reason.partition(":")[0].strip(), 60) or "blind", _NOTHING)


def _endpoint(evidence: TlsEvidence) -> Attributes:
    """Only what was really seen: an attribute that is missing is compared with nothing."""
    modern = evidence.modern
    told = {
        "version": modern.version if modern.state == "known" else None,
        "suite": modern.suite if modern.state == "known" else None,
        "starttls": evidence.asked.starttls,
        "client-certificate": None
        if evidence.client_certificate.state == "blind"
        else evidence.client_certificate.state,
        "curves": " ".join(sorted(evidence.curves.names)) if evidence.curves.state == "known" else None,
    }
    return tuple(sorted((name, printable(value)) for name, value in told.items() if value is not None))


def _grade(rating: Rating, second: Second) -> Attributes | Look:
    if rating.grade is None:
        parts = ", ".join(dict.fromkeys(blind.part for blind in rating.missing))
        reason = f"not gradable: {parts}" if parts else rating.not_gradable
        return Look(Verdict.BLIND, printable(reason, 160), _NOTHING)
    told = {
        "grade": rating.grade,
        "trust-ignored": rating.grade_trust_ignored,
        "reasons": " ".join(reason.rule for reason in rating.reasons),
        "criteria": rating.criteria,
        "mozilla": strictest(rating.mozilla),
        "ssllabs": second.grade if isinstance(second, Given) else None,
    }
    return tuple(sorted((name, value) for name, value in told.items() if value is not None))


def _difference(rating: Rating, second: Given | str) -> Attributes | Look:
    """Where one of the two grades is missing nothing is known of their difference."""
    if isinstance(second, str):
        return Look(Verdict.BLIND, printable(f"SSL Labs: {second}", 80), _NOTHING)
    if rating.grade is None:
        return Look(Verdict.BLIND, "no grade of ours", _NOTHING)
    found = difference(rating, second)
    return ((FOUND, found),) if found else Look(Verdict.NEGATIVE, "the grades agree", _NOTHING)


def _hsts(evidence: TlsEvidence) -> Attributes | Look:
    hsts = evidence.hsts
    if hsts.state == "blind":
        return _blind(hsts.reason)
    if hsts.state != "present" or not hsts.max_age:
        return Look(Verdict.NEGATIVE, hsts.state if hsts.state != "present" else "disabled", _NOTHING)
    return (
        ("include-subdomains", "yes" if hsts.include_subdomains else "no"),
        ("max-age", str(hsts.max_age)),
        ("preload", "yes" if hsts.preload else "no"),
    )


def join_endpoints(subject: str, asked: Keys, sights: Sequence[Sight]) -> Sight:
    """One asset behind several addresses: as `join_addresses`, but the grade is the worst one of them.

    An address that could not be graded may be the worst, so that there is no grade then.
    """
    joined = join_addresses(subject, asked, sights)
    if len(sights) == 1:
        return joined
    present = dict(joined.present)
    lost: dict[str, str] = {}
    for key in joined.present:
        parts = split_key(key)
        if parts is None or parts[2] != GRADE:
            continue
        unseen = [look for sight in sights if key not in sight.present and (look := sight.verdict(key))]
        open_question = next((look for look in unseen if look.verdict is not Verdict.NEGATIVE), None)
        if open_question is not None:
            lost[key] = open_question.reason
            del present[key]
        else:
            present[key] = max((sight.present[key] for sight in sights if key in sight.present), key=_badness)
    blind = tuple(Look(Verdict.BLIND, reason, Keys.of((key,))) for key, reason in sorted(lost.items()))
    return replace(joined, present=present, blind=(*joined.blind, *blind))


def _badness(value: Attributes) -> tuple[int, Attributes]:
    grade = dict(value).get("grade", "")
    return (GRADES.index(grade) if grade in GRADES else -1), value


def explain_grade(before: Attributes, after: Attributes) -> str:
    """Why a grade is another one now: "grade fell from A+ to B: TLS 1.1 is offered"."""
    old, new = dict(before), dict(after)
    was, now = old.get("grade", "?"), new.get("grade", "?")
    verb = "is still" if was == now else "rose" if _badness(after) < _badness(before) else "fell"
    head = f"grade {verb} {now}" if was == now else f"grade {verb} from {was} to {now}"
    theirs = (old.get("ssllabs"), new.get("ssllabs"))
    if was == now and None not in theirs and theirs[0] != theirs[1]:
        return f"{head}: SSL Labs' went from {theirs[0]} to {theirs[1]}"
    gone, come = _rules(old, new), _rules(new, old)
    told = [*_titles(come), *(f"no longer: {title}" for title in _titles(gone))]
    return f"{head}: {'; '.join(told)}" if told else head


def _rules(these: dict[str, str], those: dict[str, str]) -> list[str]:
    others = those.get("reasons", "").split()
    return [rule for rule in these.get("reasons", "").split() if rule not in others]


def _titles(rules: Iterable[str]) -> list[str]:
    return [BY_RULE[rule].title if rule in BY_RULE else rule for rule in rules]
