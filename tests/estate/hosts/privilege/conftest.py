from collections.abc import Callable

import pytest

from estate.hosts.host import Host

MakeHost = Callable[..., Host]
Failed = Callable[[str, Host], tuple[dict[str, str], str]]

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


@pytest.fixture(scope="session")
def failed(failed: Failed) -> Failed:
    """Ask a check by the end of its id."""
    return lambda check_id, host: failed(f"HOST-PRV-{check_id}", host)
