"""What an image did when it was started for a while, locked down and without a network, and what that means."""

from collections.abc import Iterator
from dataclasses import dataclass

from estate.containers.engine import Container, Engine
from estate.containers.runtime.check import Unseen
from estate.containers.runtime.drift import loose_process, ssh_inside, written

_SHOWN = 5
_ROOT = frozenset({"root", "0"})


@dataclass(frozen=True, slots=True)
class Trial:
    """What was seen.

    Args:
        seconds: for how long it was to run.
        container: at the end of that; None where it did not start, for the reason in `error`.
        ended: its exit code, where it ended by itself.
        listening: TCP ports; None where nobody could see.
    """

    seconds: float
    engine: Engine
    container: Container | None
    error: str = ""
    ended: int | None = None
    listening: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class TrialWord:
    """What speaks against the image, what to know of it, and what nobody could see."""

    reasons: tuple[str, ...]
    warnings: tuple[str, ...]
    blind: tuple[str, ...]


def judge_trial(trial: Trial) -> TrialWord:
    """Say what a trial means."""
    container = trial.container
    if container is None:
        return TrialWord((f"it does not start without capabilities and network: {trial.error}",), (), ())
    reasons, warnings, blind = [], [], []
    if trial.ended:
        reasons.append(f"it ended with code {trial.ended} within {trial.seconds:g} s, without capabilities and network")
    elif trial.ended is not None:
        warnings.append(f"it ended by itself within {trial.seconds:g} s")
    for check, words in (
        (written, "it writes programs outside its volumes"),
        (ssh_inside, "it runs an ssh server"),
        (loose_process, "it runs programs from where anybody may write"),
    ):
        try:
            found = [problem.detail for problem in check(container, trial.engine)]
        except Unseen as unseen:
            blind.append(f"what it does when it runs: {unseen.reason}")
            continue
        if found:
            reasons.append(f"{words}: {_listed(found)}")
    warnings += _remarks(trial, container)
    return TrialWord(tuple(reasons), tuple(warnings), tuple(dict.fromkeys(blind)))


def _remarks(trial: Trial, container: Container) -> Iterator[str]:
    if any(one.user in _ROOT for one in container.processes):
        yield "it runs as root"
    files = [one.path for one in container.written if not one.executable]
    if files:
        yield f"it writes outside its volumes: {_listed(files)}"
    if trial.listening:
        yield f"it listens on {', '.join(f'tcp/{port}' for port in trial.listening)}"
    elif trial.listening is None and trial.ended is None:
        yield "where it listens could not be seen"


def _listed(words: list[str]) -> str:
    more = f" and {len(words) - _SHOWN} more" if len(words) > _SHOWN else ""
    return ", ".join(words[:_SHOWN]) + more
