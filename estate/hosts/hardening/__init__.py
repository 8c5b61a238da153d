"""The hardening of a host: its inventory and its checks."""

from estate.hosts.checks import Check, Inventory

INVENTORY: tuple[Inventory, ...] = ()
CHECKS: tuple[Check, ...] = ()
