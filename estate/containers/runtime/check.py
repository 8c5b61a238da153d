"""What a check of a running container is: a pure function of what its engine says, with the words around it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from estate.containers.engine import Container, Engine
from estate.findings import Rule, Severity

NAMESPACE = "runtime"


class Unseen(Exception):  # it is told, not an error of anybody's
    """Something could not be asked; `reason` is a word, as coverage tells it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Problem:
    """One place at which a check failed; `detail` is what the fingerprint names, and never an id, count or time."""

    detail: str
    severity: Severity
    evidence: str


@dataclass(frozen=True, slots=True)
class Check:
    """One question about a container; `cis` are sections of the CIS Docker Benchmark 1.6.0."""

    id: str
    title: str
    run: Callable[[Container, Engine], Iterable[Problem]]
    remediation: str
    cis: tuple[str, ...] = ()

    @property
    def rule(self) -> Rule:
        """The check as findings know it."""
        return Rule(NAMESPACE, self.id, self.title, self.remediation, tuple(f"CIS Docker {one}" for one in self.cis))


def need(container: Container, what: str) -> None:
    """See to it that something could be asked.

    Raises:
        Unseen: it could not.
    """
    for name, reason in container.unseen:
        if name == what:
            raise Unseen(reason)
