"""What runs against what should: the image behind a tag, programs that came after the start, and odd processes."""

from collections.abc import Iterator

from estate.containers.engine import Container, Engine
from estate.containers.runtime.check import Check, Problem, Unseen, need
from estate.findings import Severity

LOW, MEDIUM, HIGH = Severity.LOW, Severity.MEDIUM, Severity.HIGH
_LOOSE = ("/tmp/", "/dev/shm/", "/var/tmp/", "/run/shm/")  # noqa: S108  # what is looked for
_SSHD = frozenset({"sshd", "dropbear", "sshd-session"})
_STOPPED = frozenset({"created", "configured", "initialized", "exited", "stopped", "dead", "removing"})
_MOST = 200
_SHORT_ID = 12


def moved_here(container: Container, _engine: Engine) -> Iterator[Problem]:
    """R29: the name means another image in this engine than the one that runs."""
    need(container, "image")
    if container.tag_id and container.image_id and container.tag_id != container.image_id and not _pinned(container):
        yield Problem("image", MEDIUM, f"{container.image} is another image here now than the one that runs")


def moved_there(container: Container, _engine: Engine) -> Iterator[Problem]:
    """R30: the registry has another image under the name."""
    if _pinned(container):
        return
    need(container, "registry")
    if not container.registry_digest:
        raise Unseen("not-asked")
    if not any(one.endswith(f"@{container.registry_digest}") for one in container.image_digests):
        yield Problem("registry", MEDIUM, f"{container.image} is another image in its registry than the one that runs")


def mutable_tag(container: Container, _engine: Engine) -> Iterator[Problem]:
    """R31."""
    name = container.image.rpartition("/")[2]
    if not _pinned(container):
        tag = name.partition(":")[2]
        if tag in {"", "latest"}:
            yield Problem("tag", LOW, f"{container.image} names no version")


def written(container: Container, _engine: Engine) -> Iterator[Problem]:
    """R32: programs that the image does not have, or has otherwise."""
    need(container, "diff")
    found = [one for one in container.written if one.executable]
    for one in found[:_MOST]:
        yield Problem(one.path, HIGH, f"{one.path} was {one.how} since the start, and can be run")
    if any(one.executable is None for one in container.written) or len(found) > _MOST:
        raise Unseen("too-many")


def ssh_inside(container: Container, _engine: Engine) -> Iterator[Problem]:
    """R33."""
    if container.state in _STOPPED:
        return
    need(container, "top")
    for name in sorted({one.program for one in container.processes if one.program in _SSHD}):
        yield Problem(name, MEDIUM, f"{name} runs inside")


def loose_process(container: Container, _engine: Engine) -> Iterator[Problem]:
    """R34."""
    if container.state in _STOPPED:
        return
    need(container, "top")
    for path in sorted({one.path for one in container.processes if one.path.startswith(_LOOSE)}):
        yield Problem(path, HIGH, f"{path} runs, from a place where anybody may write")


def _pinned(container: Container) -> bool:
    """Whether it was named by what never moves: a digest, or the beginning of an image's id."""
    named = container.image.removeprefix("sha256:")
    by_id = len(named) >= _SHORT_ID and container.image_id.removeprefix("sha256:").startswith(named)
    return by_id or "@sha256:" in container.image or container.image.startswith("sha256:")


CHECKS: tuple[Check, ...] = (
    Check("R29", "Another image runs than its tag says here", moved_here, "Start the container anew.", ("5.28",)),
    Check(
        "R30", "Another image runs than its registry has", moved_there, "Pull, and start the container anew.", ("5.28",)
    ),
    Check(
        "R31", "A container's image has no fixed version", mutable_tag, "Name a version, or better a digest.", ("5.28",)
    ),
    Check("R32", "A program was written after the start", written, "Keep it for forensics; start the container anew."),
    Check("R33", "An ssh server runs inside a container", ssh_inside, "Use docker exec instead.", ("5.7",)),
    Check("R34", "A program runs from where anybody may write", loose_process, "Keep it for forensics; stop it."),
)
