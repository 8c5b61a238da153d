"""Who asked a host, and when by its own clock: most that could not be seen is explained by it."""

from dataclasses import dataclass

from estate.hosts.host import Host, Unseen, lines


@dataclass(frozen=True, slots=True)
class Who:
    """The first section of every collection; `now` is a Unix time, None where the host did not say."""

    uid: int
    now: int | None
    kernel: str
    machine: str
    container: bool

    @property
    def root(self) -> bool:
        """Whether nothing was closed to who asked."""
        return self.uid == 0


def read_who(host: Host) -> Who:
    """Read the section `who`.

    Raises:
        Unseen: it is not there, or does not say as whom we asked.
    """
    said: dict[str, str] = {}
    for line in lines(host.section("who")):
        key, _, value = line.partition("=")
        said.setdefault(key, value)
    uid, now = _number(said.get("uid", "")), _number(said.get("now", ""))
    if uid is None:
        raise Unseen("unreadable")
    return Who(uid, now, said.get("kernel", ""), said.get("arch", ""), said.get("container") == "yes")


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 20 else None
