"""What a check and an inventory of a host are: pure functions of what was collected, with the words around them."""

import re
import shlex
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from estate.findings import Rule, Severity
from estate.hosts.host import Host
from estate.observations import Attributes

NAMESPACE = "host"
Aspect = Literal["packages", "privilege", "access", "hardening"]
_PLAIN = re.compile(r"[\x20-\x7e]*\Z")
_PLACE = re.compile(r"\{(?:resource|first|rest)\}")


@dataclass(frozen=True, slots=True)
class Problem:
    """One place at which a check failed.

    Args:
        resource: what is wrong, as the fingerprint names it: a path, a user, a setting; never a count, time, size or
            version, and `host` where it is the host itself.
        severity: how bad it is here.
        evidence: the line that fired, without secrets and without anything that differs from run to run.
        subject: what people call it, where the resource does not say it.
    """

    resource: str
    severity: Severity
    evidence: str
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """One question with an answer of `failed` (problems), `passed` (none) or `not assessed` (it raises `Unseen`).

    A check that sees a part yields what it found and then raises `Unseen`: the problems stand, and nothing is resolved.

    Args:
        id: as in `HOST-PRV-004`, for ever.
        title: what is wrong where it fails.
        run: the function.
        remediation: what an operator may paste; `{resource}` stands for the problem's resource, quoted for a shell,
            `{first}` and `{rest}` for its parts before and after the first colon.
        cis: sections of the CIS Debian Linux 12 Benchmark v1.1.0.
        controls: safeguards of the CIS Controls v8.
        attack: techniques of MITRE ATT&CK v18.
        other: more references.
    """

    id: str
    title: str
    run: Callable[[Host], Iterable[Problem]]
    remediation: str
    cis: tuple[str, ...] = ()
    controls: tuple[str, ...] = ()
    attack: tuple[str, ...] = ()
    other: tuple[str, ...] = ()

    @property
    def rule(self) -> Rule:
        """The check as findings know it."""
        refs = (
            *(f"CIS Debian 12 {number}" for number in self.cis),
            *(f"CIS Controls {number}" for number in self.controls),
            *(f"ATT&CK {technique}" for technique in self.attack),
            *self.other,
        )
        return Rule(NAMESPACE, self.id, self.title, self.remediation, refs)


Inventoried = tuple[str, Attributes]
"""A thing's name within its family, and what is known of it."""


@dataclass(frozen=True, slots=True)
class Inventory:
    """One family of things that a host has: each is a fact `family/name`, and its absence is proved by a whole list.

    `read` yields what it sees, and raises `Unseen` at its end where that may not be all.
    """

    family: str
    aspect: Aspect
    read: Callable[[Host], Iterator[Inventoried] | Iterable[Inventoried]]


def attributes(**named: str | int | None) -> Attributes:
    """Sorted attributes; what is None was not looked at."""
    return tuple(sorted((name, str(value)) for name, value in named.items() if value is not None))


def quoted(text: str) -> str:
    """A word for a POSIX shell, in which nothing of a hostile name acts: not on the shell, nor on the terminal."""
    if _PLAIN.match(text):
        return shlex.quote(text)
    escaped = "".join(
        chr(byte) if 0x20 <= byte < 0x7F and byte not in b"\\'-" else f"\\{byte:03o}"
        for byte in text.encode("utf-8", "surrogateescape")
    )
    return f"\"$(printf '{escaped.replace('%', '%%')}')\""


def remedy(words: str, resource: str) -> str:
    """A check's remediation with the resource put in."""
    first, _, rest = resource.partition(":")
    named = {"{resource}": resource, "{first}": first, "{rest}": rest}
    # In one pass: a name that spells a placeholder is put in as it is.
    return _PLACE.sub(lambda match: quoted(named[match[0]]), words)
