from collections.abc import Callable

import pytest

from estate.hosts.host import Host, Unseen
from estate.hosts.privilege import CHECKS, INVENTORY

MakeHost = Callable[..., Host]
Failed = Callable[[str, Host], tuple[dict[str, str], str]]
Listed = Callable[[str, Host], tuple[dict[str, dict[str, str]], str]]

PASSWD = b"""root:x:0:0::/root:/bin/bash
daemon:x:1:1::/usr/sbin:/usr/sbin/nologin
syslog:x:104:110::/home/syslog:/usr/sbin/nologin
alice:x:1000:1000::/home/alice:/bin/bash
bob:x:1001:1001::/home/bob:/bin/bash
"""
GROUP = b"""root:x:0:
adm:x:4:syslog,alice
shadow:x:42:
staff:x:50:
docker:x:998:alice
ops:x:997:bob
nobodys:x:996:
alice:x:1000:
bob:x:1001:
"""


@pytest.fixture
def known(host: MakeHost) -> MakeHost:
    """A host with its accounts and groups, and whatever else is said."""

    def make(sections: dict[str, bytes], *arguments: object, **more: object) -> Host:
        return host({"passwd": PASSWD, "group": GROUP, **sections}, *arguments, **more)

    return make


@pytest.fixture
def failed() -> Failed:
    """Ask a check: the severity of every place at which it failed, and why there may be more."""

    def ask(check_id: str, host: Host) -> tuple[dict[str, str], str]:
        found: dict[str, str] = {}
        (run,) = (check.run for check in CHECKS if check.id == f"HOST-PRV-{check_id}")
        try:
            for problem in run(host):
                found[problem.resource] = problem.severity.value
        except Unseen as unseen:
            return found, unseen.reason
        return found, ""

    return ask


@pytest.fixture
def listed() -> Listed:
    """Ask an inventory: everything that is there with its attributes, and why there may be more."""

    def ask(family: str, host: Host) -> tuple[dict[str, dict[str, str]], str]:
        found: dict[str, dict[str, str]] = {}
        (read,) = (inventory.read for inventory in INVENTORY if inventory.family == family)
        try:
            for name, values in read(host):
                found[name] = dict(values)
        except Unseen as unseen:
            return found, unseen.reason
        return found, ""

    return ask
