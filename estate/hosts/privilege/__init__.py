"""The privilege of a host: its inventory and its checks."""

from estate.hosts.checks import Check, Inventory
from estate.hosts.privilege import cron, engines, groups, kernel, loader, modes, sudo_checks, sudo_settings, suid, units

INVENTORY: tuple[Inventory, ...] = (*suid.INVENTORY, *sudo_checks.INVENTORY, *groups.INVENTORY)
CHECKS: tuple[Check, ...] = tuple(
    sorted(
        (
            *suid.CHECKS,
            *sudo_checks.CHECKS,
            *sudo_settings.CHECKS,
            *groups.CHECKS,
            *cron.CHECKS,
            *units.CHECKS,
            *loader.CHECKS,
            *modes.CHECKS,
            *kernel.CHECKS,
            *engines.CHECKS,
        ),
        key=lambda check: check.id,
    )
)
