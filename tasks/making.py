"""Keep a run and its shards ours while this process lives, and notice when they are not any more."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Event, Thread

from estate.errors import CouldNotLook, StoreBusy
from estate.store.database import Database
from estate.store.leases import Hold, me
from estate.store.runs import lease_shard, renew_shard, shards_of
from estate.store.tables import Shard

LEASE_SECONDS = 120.0
_BEAT_SECONDS = 15.0
_PATIENCE = 3600


class Interrupted(CouldNotLook):
    """The run was ended from outside; the next one goes on with it."""


@dataclass(slots=True)
class Making:
    """One process at its run.

    `stop` ends every tool, and whoever sees it set begins nothing more; where the run is `lost` to another process,
    nothing more is written either.
    """

    database: Database
    seq: int
    hold: Hold
    stop: Event = field(default_factory=Event)
    lost: bool = False
    _held: set[tuple[int, str]] = field(default_factory=set)

    @contextmanager
    def alive(self) -> Iterator[None]:
        """Beat until the block ends; then everything that was started ends too."""
        heart = Thread(target=self._beat, name=f"run-{self.seq}", daemon=True)
        heart.start()
        try:
            yield
        finally:
            self.stop.set()
            heart.join()

    @contextmanager
    def shard(self, number: int) -> Iterator[Shard | None]:
        """Hold a shard while asking; None where it was asked already.

        Raises:
            StoreBusy: somebody else asks it, and does not end.
            Interrupted: we are to stop.
        """
        holder = f"{me()}/{uuid.uuid4().hex[:8]}"
        for _ in range(_PATIENCE):
            self.check()
            if lease_shard(self.database, self.seq, number, holder, _now(), LEASE_SECONDS):
                break
            if shards_of(self.database, self.seq)[number].state == "asked":
                yield None
                return
            self.stop.wait(1)
        else:
            raise StoreBusy(f"shard {number} is asked by another worker that does not end")
        self._held.add((number, holder))
        try:
            yield shards_of(self.database, self.seq)[number]
        finally:
            self._held.discard((number, holder))

    def check(self) -> None:
        """Go no further where we are to stop.

        Raises:
            Interrupted: so it is.
        """
        if self.stop.is_set():
            raise Interrupted("the run was interrupted; the next one goes on with it")

    def _beat(self) -> None:
        while not self.stop.wait(_BEAT_SECONDS):
            # A long transaction of somebody else's is over by the next beat, long before a lease ends.
            with suppress(StoreBusy):
                self._keep()
                for number, holder in tuple(self._held):
                    renew_shard(self.database, self.seq, number, holder, _now(), LEASE_SECONDS)

    def _keep(self) -> None:
        with self.database.write() as connection:
            try:
                self.hold.keep(connection)
            except StoreBusy:
                # We were thought dead, and another process goes on with the run.
                self.lost = True
                self.stop.set()


def _now() -> datetime:
    return datetime.now(UTC)
