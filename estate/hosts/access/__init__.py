"""The access of a host: its inventory and its checks."""

from estate.hosts.access import account_checks
from estate.hosts.checks import Check, Inventory

INVENTORY: tuple[Inventory, ...] = (*account_checks.INVENTORY,)
CHECKS: tuple[Check, ...] = (*account_checks.CHECKS,)
