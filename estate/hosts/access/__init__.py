"""The access of a host: its inventory and its checks."""

from estate.hosts.access import account_checks, key_checks, pam_checks, process_checks, sshd_checks
from estate.hosts.checks import Check, Inventory

INVENTORY: tuple[Inventory, ...] = (
    *account_checks.INVENTORY,
    *key_checks.INVENTORY,
    *sshd_checks.INVENTORY,
    *process_checks.INVENTORY,
)
CHECKS: tuple[Check, ...] = tuple(
    sorted(
        (
            *account_checks.CHECKS,
            *key_checks.CHECKS,
            *sshd_checks.CHECKS,
            *pam_checks.CHECKS,
            *process_checks.CHECKS,
        ),
        key=lambda check: check.id,
    )
)
