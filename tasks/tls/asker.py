"""Ask the endpoints of a TLS round: admitted again before each is touched, a few at a time."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Semaphore
from typing import cast

from estate.diff import Change, doubtful
from estate.evidence import Evidence
from estate.scope import Scope
from estate.tls.shard import Endpoint, TlsShard
from tasks.tls.ask import ask_many
from tasks.tls.nursery import Nursery
from tasks.tls.question import Starttls, TlsQuestion
from tasks.tls.sources import read_sources

AT_ONCE = 4
"""Full scans are bound by the processor: on two cores more than five at once only cost memory (measured)."""
_FAMILIES = frozenset({"tls", "certificate"})
HANDSHAKES_AT_ONCE = 32
"""A handshake waits for the network most of the time."""
_DEADLINE = 120.0
_CONNECTIONS = 650
"""What a full scan takes (measured: 602), which at a low pace is what it waits for."""
_LONGEST = 3_600.0


@dataclass(frozen=True, slots=True)
class TlsAsker:
    """Asks what one TLS round asks; shards that are asked side by side share what is done at once.

    A slow server holds its own slot, and never those of its neighbours.
    `revocation_hosts` are the only hosts beside the endpoints to which anything is sent. All who pass the same
    `turnstile` together keep the scope's pace, in connections.
    """

    scope: Scope
    stop: Event
    revocation_hosts: tuple[str, ...] = ()
    turnstile: str | None = None
    proxy: str | None = None
    children: Nursery | None = None
    scans: Semaphore = field(default_factory=lambda: Semaphore(AT_ONCE))
    handshakes: Semaphore = field(default_factory=lambda: Semaphore(HANDSHAKES_AT_ONCE))

    def ask(self, shard: TlsShard, folder: Path, report: Callable[[float], None]) -> Iterator[Evidence]:
        """Ask every endpoint of a shard; each brings a document, also where no TLS is spoken. Files are only read.

        Raises:
            OutOfScope: the scope does not admit all of it now; nothing was sent.
        """
        if shard.sources:
            yield from read_sources(shard.sources, folder)
            report(1.0)
            return
        questions = [self.question(one, shard) for one in shard.endpoints]
        # Guesses are mostly wrong: then a hello is all.
        brief = shard.profile == "certificate" or all(one.guess for one in shard.endpoints)
        at_once, slots = (HANDSHAKES_AT_ONCE, self.handshakes) if brief else (AT_ONCE, self.scans)
        scans = self.scans if brief else None
        asked = ask_many(
            questions, folder, at_once=at_once, slots=slots, scans=scans, children=self.children, cancelled=self.stop
        )
        for done, evidence in enumerate(asked, 1):
            yield evidence
            report(done / len(questions))

    def ask_canaries(self, _folder: Path) -> Iterator[Evidence]:
        """TLS has no canaries: an endpoint that answers with TLS proves itself."""
        yield from ()

    def ask_again(
        self, changes: Iterable[Change], shards: Sequence[tuple[int, TlsShard]], folder: Path
    ) -> Iterator[tuple[int, Evidence, int]]:
        """Ask the endpoints once more whose keys seem to have changed: (shard, evidence, keys in doubt)."""
        doubts = {(asset.key, place) for asset, keys in doubtful(changes).items() for place in map(_place, keys)}
        for number, shard in shards:
            again = tuple(one for one in shard.endpoints if (one.asset, (str(one.port), one.name or "-")) in doubts)
            if not again:
                continue
            for evidence in self.ask(TlsShard(again, shard.profile, shard.roots), folder, lambda _share: None):
                yield number, evidence, 1

    def question(self, one: Endpoint, shard: TlsShard) -> TlsQuestion:
        """What an endpoint is asked, if it may be asked now.

        Raises:
            OutOfScope: it may not.
        """
        self.scope.admit(one.address, datetime.now(UTC))
        starttls = cast("Starttls | None", one.starttls)
        return TlsQuestion(
            one.address,
            one.port,
            one.name,
            starttls,
            shard.profile,
            deadline=min(_LONGEST, _DEADLINE + _CONNECTIONS * AT_ONCE / self.scope.pace),
            http_proxy=self.proxy,
            revocation_hosts=self.revocation_hosts,
            guess=one.guess,
            turnstile=self.turnstile,
            pace=self.scope.pace,
        )


def _place(key: str) -> tuple[str, str] | None:
    """Port and name in the keys of grades and of certificates: `tls/443/web.example/grade`."""
    family, _, rest = key.partition("/")
    parts = rest.split("/")
    return (parts[0], parts[1].removesuffix("+other")) if family in _FAMILIES and len(parts) > 1 else None
