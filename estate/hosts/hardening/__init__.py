"""The hardening of a host: its inventory and its checks."""

from estate.hosts.checks import Check, Inventory
from estate.hosts.hardening import confinement, firewall, metadata, mounts, network, services, startup, updates

INVENTORY: tuple[Inventory, ...] = (
    *firewall.INVENTORY,
    *mounts.INVENTORY,
    *network.INVENTORY,
    *services.INVENTORY,
    *confinement.INVENTORY,
    *startup.INVENTORY,
)
CHECKS: tuple[Check, ...] = tuple(
    sorted(
        (
            *firewall.CHECKS,
            *services.CHECKS,
            *confinement.CHECKS,
            *mounts.CHECKS,
            *updates.CHECKS,
            *metadata.CHECKS,
            *startup.CHECKS,
            *network.CHECKS,
        ),
        key=lambda check: check.id,
    )
)
