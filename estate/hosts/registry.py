"""Every check and every inventory of a host; a new one is a function in its group and a line in the group's list."""

from collections.abc import Mapping

from estate.findings import Rule
from estate.hosts import access, hardening, packages, privilege, vulnerabilities
from estate.hosts.checks import NAMESPACE, Aspect, Check, Inventory

GROUPS: Mapping[str, Aspect] = {"PKG": "packages", "PRV": "privilege", "ACC": "access", "HRD": "hardening"}
"""Which aspect a check belongs to, by the middle of its id."""

INVENTORY: tuple[Inventory, ...] = (
    *packages.INVENTORY,
    *privilege.INVENTORY,
    *access.INVENTORY,
    *hardening.INVENTORY,
)
CHECKS: tuple[Check, ...] = (
    *packages.CHECKS,
    *vulnerabilities.CHECKS,
    *privilege.CHECKS,
    *access.CHECKS,
    *hardening.CHECKS,
)

OF_THE_CLOUD = frozenset({"HOST-HRD-007"})
"""Checks that make the host ask its metadata service, and so are asked only where somebody wants that."""

BY_ID: Mapping[str, Check] = {check.id: check for check in CHECKS}
RULES: Mapping[tuple[str, str], Rule] = {(NAMESPACE, check.id): check.rule for check in CHECKS}
_ASPECTS: Mapping[str, Aspect] = {each.family: each.aspect for each in INVENTORY}


def aspect_of(key: str) -> str:
    """The aspect of a key such as `pkg/…` or `HOST-PRV-004/…`."""
    family = key.partition("/")[0]
    parts = family.split("-")
    return GROUPS[parts[1]] if len(parts) == 3 and parts[1] in GROUPS else _ASPECTS.get(family, "hardening")
