from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType

import pytest

from estate.hosts.frames import Collected, Section
from estate.hosts.host import Host, Visit

AT = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)
NONE: Mapping[str, str] = MappingProxyType({})
MakeHost = Callable[..., Host]


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
