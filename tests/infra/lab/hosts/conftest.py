"""Lab hosts that several tests look at: each is made once, and only read."""

from collections.abc import Iterator

import pytest

from infra.lab.hosts import LabHost, lab_host
from infra.lab.hosts.collecting import Judged, collect, judge


@pytest.fixture(scope="session")
def bad() -> Iterator[LabHost]:
    """A host with every plant and decoy."""
    with lab_host("bad") as host:
        yield host


@pytest.fixture(scope="session")
def clean() -> Iterator[LabHost]:
    """A plain Debian."""
    with lab_host("clean") as host:
        yield host


@pytest.fixture(scope="session")
def busybox() -> Iterator[LabHost]:
    """A host without GNU tools."""
    with lab_host("busybox") as host:
        yield host


@pytest.fixture(scope="session")
def bad_judged(bad: LabHost) -> Judged:
    """What root sees of the bad one."""
    return judge(collect(bad))


@pytest.fixture(scope="session")
def clean_judged(clean: LabHost) -> Judged:
    """What root sees of the plain one."""
    return judge(collect(clean))
