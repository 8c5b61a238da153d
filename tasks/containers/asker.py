"""Look at a container engine: one document for all of its containers."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from estate.containers.runtime.reading import EngineShard
from estate.diff import Change, doubtful
from estate.evidence import Evidence
from tasks.containers.engine import look

_DEADLINE_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class EngineAsker:
    """Asks an engine; `stop` ends it."""

    stop: Event

    def ask(self, shard: EngineShard, folder: Path, report: Callable[[float], None]) -> Iterator[Evidence]:
        """Look once, whatever comes of it."""
        yield look(shard.where, folder, deadline=_DEADLINE_SECONDS, cancelled=self.stop)
        report(1.0)

    def ask_canaries(self, _folder: Path) -> Iterator[Evidence]:
        """An engine that answers proves itself."""
        yield from ()

    def ask_again(
        self, changes: Iterable[Change], shards: Sequence[tuple[int, EngineShard]], folder: Path
    ) -> Iterator[tuple[int, Evidence, int]]:
        """Look once more where something changed: a container that was just being made anew is neither gone nor new."""
        doubts = len(doubtful(changes))
        for number, shard in shards if doubts else ():
            yield number, look(shard.where, folder, deadline=_DEADLINE_SECONDS, cancelled=self.stop), doubts
