"""A run's stored evidence, opened shard by shard and proved unaltered to the last byte."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from estate.errors import BadReport, EvidenceMissing
from estate.evidence import Document, EvidenceStore
from estate.ports.canaries import judge_canaries
from estate.store.database import Database
from estate.store.runs import Profile, evidence_of
from estate.store.tables import EvidenceRow, Run

CANARY_SHARD = -1


@dataclass(frozen=True, slots=True)
class Replay:
    """What was brought for each shard of a run."""

    store: EvidenceStore
    rows: Mapping[int, Sequence[EvidenceRow]]

    @classmethod
    def of(cls, database: Database, store: EvidenceStore, run: Run) -> "Replay":
        """Of that run, as it is indexed now."""
        return cls(store, evidence_of(database, run.seq or 0))

    @contextmanager
    def documents(self, shard: int) -> Iterator[list[Document]]:
        """The shard's documents for as long as the block runs; at its end they are read to their end.

        Raises:
            EvidenceMissing: a document is not there, or not any more.
            EvidenceAltered: its bytes are other ones than were stored, which is said before what is wrong with them.
        """
        with ExitStack() as opened:
            documents = [self._open(row, opened) for row in self.rows.get(shard, ())]
            try:
                yield documents
            except BadReport:
                _drain(documents)
                raise
            _drain(documents)

    def canary(self, run: Run) -> str:
        """What the canaries of this run say; an import was told."""
        canaries = Profile.from_json(run.profile).canaries
        if not canaries:
            return run.canary
        with self.documents(CANARY_SHARD) as documents:
            return judge_canaries(canaries, documents)

    def _open(self, row: EvidenceRow, opened: ExitStack) -> Document:
        if row.pruned_at is not None:
            raise EvidenceMissing(f"evidence {row.sha256} was pruned on {row.pruned_at:%Y-%m-%d}")
        stream = opened.enter_context(self.store.open(row.sha256))
        companion = opened.enter_context(self.store.open(row.companion)) if row.companion else None
        return Document(row.media, row.look, stream, companion, row.ended)


def _drain(documents: Sequence[Document]) -> None:
    """Read to the end, so that altered evidence is found even where the reader stopped early."""
    for document in documents:
        for stream in (document.stream, document.companion):
            while stream is not None and stream.read(1 << 17):
                pass
