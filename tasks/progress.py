"""How far the runs of this process are: tasks report, whoever shows it looks."""

import threading
from collections.abc import Iterable, Mapping

_LOCK = threading.Lock()
_DONE: dict[str, dict[int, float]] = {}


def start(run: str, shards: int, done: Iterable[int] = ()) -> None:
    """Begin to count a run; some of its shards may have been asked before."""
    with _LOCK:
        _DONE[run] = {**dict.fromkeys(range(shards), 0.0), **dict.fromkeys(done, 1.0)}


def report(run: str, shard: int, share: float) -> None:
    """Say how much of a shard is done, from 0 to 1; it never falls, and a run that ended hears nothing."""
    with _LOCK:
        if run in _DONE:
            _DONE[run][shard] = max(_DONE[run].get(shard, 0.0), min(share, 1.0))


def finish(run: str) -> None:
    """Forget a run."""
    with _LOCK:
        _DONE.pop(run, None)


def share(run: str) -> float:
    """How much of a run is done, from 0 to 1."""
    with _LOCK:
        return _share(_DONE.get(run, {}))


def running() -> Mapping[str, float]:
    """Every run that is being asked now, and how much of it is done."""
    with _LOCK:
        return {run: _share(done) for run, done in _DONE.items()}


def _share(done: Mapping[int, float]) -> float:
    return sum(done.values()) / len(done) if done else 0.0
