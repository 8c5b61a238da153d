"""Visit the hosts of an audit, a few at a time, each admitted again before it is touched."""

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from secrets import token_hex
from tempfile import mkdtemp
from threading import Event

from estate.diff import Change
from estate.errors import OutOfScope
from estate.evidence import Evidence
from estate.hosts.evidence import read_collected, read_visit, spell_visit
from estate.hosts.host import Host, Visit
from estate.hosts.packages import read_packages
from estate.hosts.shard import HostShard, Target
from estate.hosts.vulnerabilities import DOCUMENT, asked_of
from estate.intel.knowledge import spell_knowledge
from estate.intel.packages import Asked
from estate.scope import Scope
from tasks.hosts.visit import may_retry, visit
from tasks.intel.rater import Rater

AT_ONCE = 16
"""Visits wait for the host most of the time: the collector runs there."""
_TRIES = 2
_PAUSE_SECONDS = 2.0
_DEADLINE_SECONDS = 180.0

Report = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class HostAsker:
    """Asks what one audit asks; `lanes` shards may be asked side by side, and share what is done at once.

    Without a scope only this machine and its containers are visited, or what somebody said that they may.
    """

    scope: Scope | None
    stop: Event
    lanes: int = 1
    rater: Rater | None = None

    def ask(self, shard: HostShard, folder: Path, report: Report) -> Iterator[Evidence]:
        """Visit every host of a shard, by its first way in that leads there; each brings a document in any case."""
        wanted: set[Asked] = set()
        for evidence in self._visit_all(shard, folder, report):
            if self.rater is not None:
                wanted.update(_packages(evidence))
            yield evidence
        if self.rater is not None and wanted:
            path = folder / "intel.json"
            path.write_bytes(spell_knowledge(self.rater.know(wanted)))
            yield Evidence(DOCUMENT, path)

    def _visit_all(self, shard: HostShard, folder: Path, report: Report) -> Iterator[Evidence]:
        running: set[Future[list[Evidence]]] = set()
        hosts = [tuple(ways) for _, ways in groupby(shard.targets, key=lambda target: target.asset)]
        waiting = iter(hosts)
        done = 0
        at_once = max(1, AT_ONCE // self.lanes)
        with ThreadPoolExecutor(at_once, "visit") as pool:
            while True:
                while len(running) < at_once and (ways := next(waiting, None)) is not None:
                    running.add(pool.submit(self._visit, ways, folder))
                if not running:
                    return
                ended, running = wait(running, return_when=FIRST_COMPLETED)
                for each in ended:
                    yield from each.result()
                    done += 1
                    report(done / len(hosts))

    def ask_canaries(self, _folder: Path) -> Iterator[Evidence]:
        """A host that answers proves itself."""
        yield from ()

    def ask_again(
        self,
        changes: Iterable[Change],  # noqa: ARG002  # the protocol's signature
        shards: Sequence[tuple[int, HostShard]],  # noqa: ARG002  # as above
        folder: Path,  # noqa: ARG002  # as above
    ) -> Iterator[tuple[int, Evidence, int]]:
        """Nothing: what a host says of itself is a whole list, of which one look is proof."""
        yield from ()

    def _visit(self, ways: tuple[Target, ...], folder: Path) -> list[Evidence]:
        found: list[Evidence] = []
        for number, target in enumerate(ways * _TRIES):
            if number >= len(ways) and self.stop.wait(_PAUSE_SECONDS * (1 + random.random())):  # noqa: S311  # jitter
                break
            refused = self._refusal(target)
            if refused is not None:
                return [*found, self._unsent(target, folder, refused)]
            found.append(visit(target, folder, deadline=_DEADLINE_SECONDS, cancelled=self.stop))
            with found[-1].path.open("rb") as stream:
                if not may_retry(read_visit(stream)):
                    break
        return found

    def _refusal(self, target: Target) -> OutOfScope | None:
        """Why the scope does not let the host be touched now."""
        if target.via != "ssh" or self.scope is None:
            return None
        try:
            self.scope.admit(target.address, datetime.now(UTC))
        except OutOfScope as error:
            return error
        return None

    def _unsent(self, target: Target, folder: Path, refused: OutOfScope) -> Evidence:
        told = Visit(target.asset, datetime.now(UTC), token_hex(16), target.via, "out-of-scope", str(refused)[:500])
        path = Path(mkdtemp(prefix="unsent-", dir=folder)) / "visit.json"
        path.write_bytes(spell_visit(told))
        return Evidence("host", path)


def _packages(evidence: Evidence) -> tuple[Asked, ...]:
    """What a vulnerability database would be asked for a host that was just visited."""
    if evidence.companion is None:
        return ()
    with evidence.path.open("rb") as told, evidence.companion.open("rb") as output:
        visited = read_visit(told)
        return asked_of(read_packages(Host(visited, read_collected(output, visited.nonce))))
