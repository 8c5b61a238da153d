from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType

import pytest

from estate.hosts.frames import Collected, Section
from estate.hosts.host import Host, Unseen, Visit
from estate.hosts.registry import BY_ID, INVENTORY

AT = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)
NONE: Mapping[str, str] = MappingProxyType({})
MakeHost = Callable[..., Host]
Failed = Callable[[str, Host], tuple[dict[str, str], str]]
Listed = Callable[[str, Host], tuple[dict[str, dict[str, str]], str]]


@pytest.fixture
def host() -> MakeHost:
    """Make a host of hand-written sections; `faults` says which of them are not whole, and `error` that none came."""

    def make(
        sections: Mapping[str, bytes],
        faults: Mapping[str, str] = NONE,
        uid: int = 0,
        *,
        complete: bool = True,
        error: str = "",
        documents: Mapping[str, bytes] | None = None,
    ) -> Host:
        who = b"uid=%d\nuser=%s\nlevel=standard\nhost=web-7\nnow=1777863721\n" % (uid, b"scan" if uid else b"root")
        bodies = {} if error else {"who": who, **dict.fromkeys(faults, b""), **sections}
        made = {name: Section(body, faults.get(name, "")) for name, body in bodies.items()}
        visit = Visit("host:web-7", AT, "0123456789abcdef" * 2, "test", error)
        return Host(visit, Collected(made, complete and not error), documents or {})

    return make


@pytest.fixture(scope="session")
def failed() -> Failed:
    """Ask a check: the severity of every place at which it failed, and why there may be more."""

    def ask(check_id: str, host: Host) -> tuple[dict[str, str], str]:
        found: dict[str, str] = {}
        try:
            for problem in BY_ID[check_id].run(host):
                found[problem.resource] = problem.severity.value
        except Unseen as unseen:
            return found, unseen.reason
        return found, ""

    return ask


@pytest.fixture(scope="session")
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
