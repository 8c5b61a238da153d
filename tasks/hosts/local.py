"""This machine: the collector is started right here."""

from collections.abc import Mapping
from dataclasses import dataclass

from estate.hosts.shard import Sudo
from tasks.hosts.shell_line import words
from tasks.hosts.transport import Came, Errand, Outcome, joined, remarks


@dataclass(frozen=True, slots=True)
class Local:
    """The machine that we run on, with our own rights or sudo's."""

    sudo: Sudo

    @property
    def via(self) -> str:
        """Its name."""
        return "local"

    @property
    def environment(self) -> Mapping[str, str]:
        """Nothing of ours."""
        return {}

    def command(self, errand: Errand) -> tuple[str, ...]:
        """A POSIX shell."""
        return words(self.sudo, errand.nonce, errand.level, int(errand.seconds) + 5)

    def explain(self, came: Came) -> Outcome:
        """There is no way here that could be closed, only a collector that fails."""
        if came.framed:
            return Outcome("", remarks(came.ended.stderr_tail))
        return Outcome("failed", joined([f"the collector: {came.ended.reason}", *came.ended.stderr_tail.splitlines()]))
