"""Which facts of a host are findings: failed checks while they fail, and access that is new since the last proof."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from estate.assets import Asset
from estate.findings import Detection, Rule, Ruling, Severity
from estate.hosts.checks import NAMESPACE, remedy
from estate.hosts.registry import BY_ID
from estate.hosts.registry import RULES as CHECK_RULES
from estate.observations import Attributes

ROOT_EQUIVALENT = frozenset(
    {"root", "sudo", "wheel", "admin", "docker", "lxd", "incus", "disk", "shadow", "kmem", "lxc", "libvirt"}
)
"""Groups whose members are root, or become it without anybody's leave."""


_BOUNDS = ("command=", "from=", "restrict")


@dataclass(frozen=True, slots=True)
class Drift:
    """Access that was not there at the last proved look: the family of facts, and when one of them counts."""

    rule: Rule
    counts: Callable[[str, Mapping[str, str], Mapping[str, str]], bool]
    """Of a thing's name, its attributes before (empty where it is new) and its attributes now."""


def _drift(number: int, title: str, remediation: str, technique: str) -> Rule:
    refs = ("CIS Controls 5.1", "CIS Controls 6.8", f"ATT&CK {technique}")
    return Rule(NAMESPACE, f"HOST-DRF-{number:03}", title, remediation, refs)


def _lets_more(_name: str, before: Mapping[str, str], after: Mapping[str, str]) -> bool:
    """A key that is new, or that lost what bound it to a command, an address or less."""
    old, new = before.get("options", ""), after.get("options", before.get("options", ""))
    return not before or any(word in old and word not in new for word in _BOUNDS)


def _joins_root(name: str, before: Mapping[str, str], _after: Mapping[str, str]) -> bool:
    return not before and name.partition(":")[0] in ROOT_EQUIVALENT


def _becomes_root(name: str, before: Mapping[str, str], after: Mapping[str, str]) -> bool:
    return name != "root" and after.get("uid") == "0" and before.get("uid") != "0"


def _lets_without_password(name: str, before: Mapping[str, str], _after: Mapping[str, str]) -> bool:
    return not before and "NOPASSWD" in name


DRIFTS: Mapping[str, Drift] = {
    "authorized-key": Drift(
        _drift(
            1,
            "A key may log in that could not before",
            "Ask who added it. If nobody did: remove its line from the authorized_keys of {first}, and look for what"
            " else was done; if somebody did: accept it with `roundsman suppress`.",
            "T1098.004",
        ),
        _lets_more,
    ),
    "member": Drift(
        _drift(
            2,
            "A new member of a group that is as good as root",
            "gpasswd -d {rest} {first}   # unless somebody meant it",
            "T1098",
        ),
        _joins_root,
    ),
    "user": Drift(
        _drift(
            3, "A new account with user id 0", "Find out who made {resource}; then: userdel {resource}", "T1136.001"
        ),
        _becomes_root,
    ),
    "sudo-rule": Drift(
        _drift(
            4,
            "A new sudo rule without a password",
            "Ask who wrote the rule; take it out with visudo, or let it ask for a password.",
            "T1548.003",
        ),
        _lets_without_password,
    ),
}
"""By the family of the fact."""

RULES: Mapping[tuple[str, str], Rule] = {
    **CHECK_RULES,
    **{(NAMESPACE, drift.rule.name): drift.rule for drift in DRIFTS.values()},
}


def finding(asset: Asset, key: str, value: Attributes, detection: Detection) -> Ruling | None:
    """What the state of a fact means, or None for facts that are no findings by themselves."""
    family, _, name = key.partition("/")
    told = dict(value)
    check = BY_ID.get(family)
    if check is not None:
        severity = Severity(told.get("severity", Severity.MEDIUM.value))
        named = told.get("subject") or name
        subject = f"{check.title}: {asset.key}" if named == "host" else f"{check.title}: {named} on {asset.key}"
        return Ruling(check.rule, asset, key, severity, detection, subject, told.get("evidence", ""))
    if family in DRIFTS and detection is not Detection.PRESENT:
        return _drifted(asset, key, detection, _spell(value), "")
    return None


def drift(asset: Asset, key: str, before: Attributes, after: Attributes) -> Iterator[Ruling]:
    """What a fact that appeared or changed means as a change of access.

    Args:
        asset: the host.
        key: the fact's key.
        before: its attributes at the last proved look; empty where it was not there.
        after: its attributes now.
    """
    family, _, name = key.partition("/")
    if family in DRIFTS and DRIFTS[family].counts(name, dict(before), dict(after)):
        yield _drifted(asset, key, Detection.PRESENT, _spell(before), _spell(after))


def _drifted(asset: Asset, key: str, detection: Detection, before: str, after: str) -> Ruling:
    family, _, name = key.partition("/")
    rule = DRIFTS[family].rule
    told = f"before: {before or 'not there'}; after: {after or 'not there'}"
    return Ruling(rule, asset, key, Severity.HIGH, detection, f"{rule.title}: {name} on {asset.key}", told)


def _spell(value: Attributes) -> str:
    return ", ".join(f"{name} {text}" for name, text in value)


RATED = frozenset({"HOST-PKG-005", "HOST-PKG-011"})
"""Checks that rest on packages and on what vulnerability databases know of them."""
_PACKAGES = ("pkg/", "library/")


def same_packages(name: str, before: Mapping[str, Attributes], after: Mapping[str, Attributes]) -> bool:
    """Whether a host has the packages of this source, or of this name, in the same versions as before."""
    return _packages_of(name, before) == _packages_of(name, after)


def _packages_of(name: str, facts: Mapping[str, Attributes]) -> dict[str, Attributes]:
    return {
        key: value
        for key, value in facts.items()
        if key.startswith(_PACKAGES) and (dict(value).get("source") == name or f"/{name}" in key)
    }


def remediation(rule: Rule, locator: str) -> str:
    """A rule's remediation for the very thing that a finding names."""
    return remedy(rule.remediation, locator.partition("/")[2])
