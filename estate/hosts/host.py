"""One host as it was collected: sections to read, readings that are made once, and what could not be seen."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, TypeVar, cast

from pydantic import ConfigDict

from estate.hosts.frames import Collected

T = TypeVar("T")


class Unseen(Exception):  # it is told, not an error of anybody's
    """Something could not be looked at; `reason` is a word such as `no-privilege`, as coverage tells it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Visit:
    """How the host was reached.

    `error` is empty where the collector ran, else a word: `unreachable`, `timeout`, `auth-failed`, `host-key-changed`,
    `host-key-unknown`, `refused`, `cancelled`, `failed`, `not-covered` (a Windows host). `at` is when it began, in UTC;
    `via` names the transport; `detail` is what the transport said. `nonce` is the collection's.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")
    asset: str
    at: datetime
    nonce: str
    via: str
    error: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Host:
    """A collected host. Readers are functions of a host; `read` makes each of them once, also what it could not see."""

    visit: Visit
    collected: Collected
    documents: Mapping[str, bytes] = field(default_factory=dict)
    """What others say of this host, by their name: answers of a vulnerability database, for one."""
    _made: dict[Callable[["Host"], object], object] = field(default_factory=dict)

    def section(self, name: str, *, partly: bool = False) -> bytes:
        """A section's bytes.

        Args:
            name: which.
            partly: take what is there of a section that is not whole; whoever does so says `Unseen` at its end.

        Raises:
            Unseen: it is not there, or not whole.
        """
        found = self.collected.sections.get(name)
        if found is None:
            raise Unseen(self.visit.error or ("not-asked" if self.collected.complete else "truncated"))
        if found.fault and not partly:
            raise Unseen(found.fault)
        return found.body

    def fault(self, name: str) -> str:
        """Why a section is not whole; empty where it is."""
        try:
            self.section(name)
        except Unseen as unseen:
            return unseen.reason
        return ""

    def read(self, reader: Callable[["Host"], T]) -> T:
        """What a reader makes of this host, made once.

        Raises:
            Unseen: what the reader needs could not be looked at.
        """
        if reader not in self._made:
            try:
                self._made[reader] = reader(self)
            except Unseen as unseen:
                self._made[reader] = unseen
        made = self._made[reader]
        if isinstance(made, Unseen):
            raise Unseen(made.reason)
        return cast("T", made)


def lines(body: bytes) -> list[str]:
    """A section's lines as text; bytes that are no UTF-8 stay apart from each other (`surrogateescape`)."""
    return body.decode("utf-8", "surrogateescape").split("\n") if body else []
