"""How people call what an audit looks at: families of things, and checks by their titles."""

from collections.abc import Iterable, Iterator, Mapping

from estate.hosts.registry import BY_ID

FAMILIES: Mapping[str, str] = {
    "authorized-key": "key that may log in",
    "user": "account",
    "group": "group",
    "member": "group member",
    "sudo-rule": "sudo rule",
    "suid": "SUID or SGID file",
    "capability": "file with capabilities",
    "sshd-setting": "ssh server setting",
    "listener": "listening socket",
    "pkg": "package",
    "os": "operating system",
    "kernel": "kernel",
    "sysctl": "kernel setting",
    "mount": "mount",
    "firewall": "firewall chain",
    "confinement": "access control",
    "boot": "start-up setting",
    "agent": "security agent",
}
"""The first to be told about stand on top: who can get in, before what runs."""

REASONS: Mapping[str, str] = {
    "no-privilege": "this login may not see it",
    "missing-tool": "the host lacks the tool that tells it",
    "timeout": "it took too long",
    "cut": "there was too much of it",
    "truncated": "the connection ended too early",
    "stale": "the host's own lists are too old",
    "not-rated": "no vulnerability data was to be had",
    "not-asked": "it was not asked",
    "auth-failed": "the login was refused",
    "host-key-changed": "the host shows another key than before",
    "host-key-unknown": "nobody vouches for the host's key",
    "unreachable": "the host was not reached",
    "not-covered": "Windows hosts are not covered",
    "out-of-scope": "no scope covers it",
}


_PLURALS: Mapping[str, str] = {
    "authorized-key": "keys that may log in",
    "capability": "files with capabilities",
}


def counted(family: str, number: int) -> str:
    """`3 accounts`."""
    return f"{number:,} {FAMILIES.get(family, family) if number == 1 else _plural(family)}"


def _plural(family: str) -> str:
    name = FAMILIES.get(family, family)
    ending = f"{name[:-1]}ies" if name.endswith("y") and name[-2] not in "aeo" else f"{name}s"
    return _PLURALS.get(family, ending)


def place(family: str) -> int:
    """Where a family stands among the others; failed checks go before all things."""
    return -1 if family in BY_ID else list(FAMILIES).index(family) if family in FAMILIES else len(FAMILIES)


def unseen(reason: str, keys: Iterable[str]) -> str:
    """What could not be assessed for one reason, in a line."""
    named = [_spell(key.partition("/")[0]) for key in keys]
    return f"{REASONS.get(reason, reason)}: {', '.join(dict.fromkeys(named))}"


def _spell(family: str) -> str:
    return family if family in BY_ID else _plural(family)


def families(keys: Iterable[str]) -> Iterator[tuple[str, int]]:
    """How many keys there are of each family of things, in the order in which they are told; checks are none."""
    count: dict[str, int] = {}
    for key in keys:
        family = key.partition("/")[0]
        if family not in BY_ID:
            count[family] = count.get(family, 0) + 1
    yield from sorted(count.items(), key=lambda pair: (place(pair[0]), pair[0]))
