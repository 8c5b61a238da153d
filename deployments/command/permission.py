"""May this be asked? Inside a scope it may; outside of all, somebody has to say so; what is excluded stays refused."""

import getpass
import sys
from collections.abc import Sequence
from datetime import datetime
from ipaddress import ip_address
from typing import TYPE_CHECKING

import typer

from deployments.command.options import now
from estate.assets import canonical_address
from estate.errors import CouldNotLook, OutOfScope, ScopeNotValid
from estate.store.statements import record_statement
from estate.store.surroundings import Surroundings

if TYPE_CHECKING:
    from estate.scope import Scope


def addresses_of(host: str) -> tuple[str, ...]:
    """The addresses that a host has now.

    Raises:
        CouldNotLook: none.
    """
    from tasks.names import resolve

    address = canonical_address(host)
    found = (address,) if address else resolve(host)
    if not found:
        raise CouldNotLook(f"{host} has no address now")
    return found


def permit(here: Surroundings, host: str, addresses: Sequence[str], *, said: bool, may_ask: bool) -> None:
    """Inside a scope nothing is asked; outside of all somebody has to say that they may; what is excluded stays so.

    Raises:
        OutOfScope: excluded, or nobody said so.
    """
    from tasks.wanted import without_excluded  # what asks is loaded only by what asks

    moment = now()
    scopes = [without_excluded(scope, here.bindings(scope.zone)) for scope in here.manifest.scopes]
    for scope in scopes:
        for excluded in scope.excluded_names:
            if host == excluded or host.endswith(f".{excluded}"):
                raise OutOfScope(f"{host} is excluded by scope {scope.name!r}, whatever anybody says")
        for address in addresses:
            if any(ip_address(address) in network for network in scope.excluded_networks):
                raise OutOfScope(f"{address} is excluded by scope {scope.name!r}, whatever anybody says")
    if any(_admits(scope, host, addresses, moment) for scope in scopes):
        return
    where = f"{host} ({', '.join(addresses)})" if canonical_address(host) is None else host
    if not said:
        if not may_ask or not sys.stdin.isatty():
            raise OutOfScope(
                f"no scope covers {where}: say --i-may-scan-this if you may, and it is kept with your name"
            )
        if not typer.confirm(f"No scope covers {where}. May you scan it? Your answer is kept with your name."):
            raise OutOfScope(f"no scope covers {where}")
    record_statement(here.database, where, getpass.getuser(), moment)


def _admits(scope: "Scope", host: str, addresses: Sequence[str], moment: datetime) -> bool:
    try:
        if canonical_address(host) is None and host in scope.names:
            return bool(scope.admit_name(host, addresses, moment))
        for address in addresses:
            scope.admit(address, moment)
    except (OutOfScope, ScopeNotValid):
        return False
    return True
