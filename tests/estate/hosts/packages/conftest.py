from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import pytest

from estate.hosts.frames import Collected, Section
from estate.hosts.host import Host, Visit
from estate.hosts.packages import CHECKS

AT = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)


@pytest.fixture(scope="session")
def anything() -> Callable[..., Host]:
    """Make root's host of any bytes, as often as hypothesis asks."""

    def make(sections: Mapping[str, bytes], at: datetime = AT) -> Host:
        bodies = {"who": b"uid=0\nnow=%d\n" % at.timestamp(), **sections}
        return Host(
            Visit("host:any", at, "0" * 32, "test"), Collected({k: Section(v) for k, v in bodies.items()}, True)
        )

    return make


@pytest.fixture(scope="session")
def say() -> Callable[[str, Host], str]:
    """The evidence of a check's only problem."""

    def run(check: str, host: Host) -> str:
        (asked,) = (each for each in CHECKS if each.id == check)
        (problem,) = asked.run(host)
        return problem.evidence

    return run
