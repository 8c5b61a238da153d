"""What is planted on the lab host `bad`: problems that have to be found, and decoys that look like one and are none."""

import re
import shlex
from dataclasses import dataclass

from estate.findings import Severity


@dataclass(frozen=True, slots=True)
class Planted:
    """One thing done to a host.

    Args:
        what: in words.
        how: the shell script that does it, as root, inside; empty where a plain host is like that.
        check: the check that has to fail; for a decoy, that must not (a pattern, where it is more than one).
        resource: where; `*` stands for any text.
        decoy: whether it is none, and nothing may be reported there.
        least: how severe it is at least, where a plain host has a milder one of it.
    """

    what: str
    how: str
    check: str
    resource: str
    decoy: bool = False
    least: Severity = Severity.INFO

    def is_at(self, check: str, resource: str, severity: Severity) -> bool:
        """Whether a failure is this one."""
        pattern = ".*".join(map(re.escape, self.resource.split("*")))
        where = re.fullmatch(pattern, resource, re.DOTALL)
        return re.fullmatch(self.check, check) is not None and where is not None and severity.rank >= self.least.rank


def decoy(what: str, how: str, check: str, resource: str) -> Planted:
    """What looks like a problem and is none."""
    return Planted(what, how, check, resource, decoy=True)


def written(path: str, text: str, mode: str = "644", owner: str = "root:root") -> str:
    """The script that puts a file there, with its folders."""
    place = shlex.quote(path)
    return (
        f"mkdir -p \"$(dirname {place})\"; printf '%s\\n' {shlex.quote(text)} >{place}; "
        f"chown {owner} {place}; chmod {mode} {place}\n"
    )


def runs(name: str, user: str = "root") -> str:
    """The script that starts a process of that name, which does nothing."""
    lower = "" if user == "root" else f"setpriv --reuid={user} --regid={user} --clear-groups "
    return f"setsid {lower}sh /run/lab/runs {shlex.quote(name)} </dev/null >/dev/null 2>&1 &\n"
