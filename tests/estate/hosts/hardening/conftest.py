from collections.abc import Callable

import pytest

from estate.hosts.hardening import CHECKS
from estate.hosts.host import Host, Unseen

Failed = Callable[[str, Host], tuple[dict[str, str], str]]


@pytest.fixture
def failed() -> Failed:
    """Ask a check: the severity of every place at which it failed, and why there may be more."""

    def ask(check_id: str, host: Host) -> tuple[dict[str, str], str]:
        found: dict[str, str] = {}
        (run,) = (check.run for check in CHECKS if check.id == check_id)
        try:
            for problem in run(host):
                found[problem.resource] = problem.severity.value
        except Unseen as unseen:
            return found, unseen.reason
        return found, ""

    return ask
