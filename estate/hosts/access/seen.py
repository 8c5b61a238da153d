"""What of a section can be trusted where it is not whole: every line but the one that was cut."""

from estate.hosts.host import Host, lines


def seen_lines(host: Host, section: str) -> list[str]:
    """A section's lines; of one that is not whole, those that came with their end.

    Raises:
        Unseen: nothing of it came.
    """
    found = lines(host.section(section, partly=True))
    return found[:-1] if not found or found[-1] == "" or host.fault(section) else found
