"""The rows of a section that lists things, with the reason why they may not be all."""

from estate.hosts.host import Host, lines


def rows(host: Host, name: str) -> tuple[list[str], str]:
    """A section's whole lines, and its fault; a last line that may have been cut is none.

    Raises:
        Unseen: the section is not there.
    """
    body = host.section(name, partly=True)
    return lines(body[: body.rfind(b"\n") + 1])[:-1], host.fault(name)
