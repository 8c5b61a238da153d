"""Which software runs in processes that listen: a hole in it is one that somebody can reach."""

import re
from collections.abc import Callable

from estate.hosts.host import Host, Unseen
from estate.hosts.packages.rows import rows
from estate.hosts.packages.system import read_system

# The kernel serves everybody, and is mapped by nobody.
_KERNEL = re.compile(r"(?:linux-(?:image|modules|lts|virt)|kernel(?:-(?:core|modules|default|rt|uek))?)(?:-|\Z)")


def read_listening(host: Host) -> frozenset[str]:
    """The source packages of everything that a listening process has loaded, since one source is fixed as a whole.

    Raises:
        Unseen: that is not known, as only root sees what a process has loaded.
    """
    listed, fault = rows(host, "listening")
    if fault:
        raise Unseen(fault)
    names = {line.partition(":")[0] for line in listed}
    return frozenset(package.source for package in host.read(read_system).packages if package.name in names)


def is_reached(host: Host) -> Callable[[str], bool]:
    """Whether a package, by its name with or without an architecture, is of use to somebody from outside.

    Where nobody could look, everything is.
    """
    try:
        reached = host.read(read_listening)
    except Unseen:
        return lambda _: True
    source = {
        name: package.source
        for package in host.read(read_system).packages
        for name in (package.name, f"{package.name}:{package.architecture}")
    }
    return lambda name: _KERNEL.match(name) is not None or source.get(name, name) in reached
