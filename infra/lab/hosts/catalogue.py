"""Everything that is planted on a kind of host, in the order in which it is done."""

from infra.lab.hosts import plants_access, plants_hardening, plants_packages, plants_privilege
from infra.lab.hosts.plants import Planted

_GROUPS = (plants_packages, plants_privilege, plants_access, plants_hardening)
PLANTS: tuple[Planted, ...] = tuple(each for group in _GROUPS for each in group.PLANTS)
DECOYS: tuple[Planted, ...] = tuple(each for group in _GROUPS for each in group.DECOYS)


def planted(kind: str) -> tuple[Planted, ...]:
    """Plants before decoys, which stand on their accounts."""
    return (*PLANTS, *DECOYS) if kind == "bad" else ()
