"""The one line that a login shell is asked to run: it starts the collector, with the rights that the host grants."""

import re

from estate.errors import BadInput
from estate.hosts.shard import Sudo
from tasks.hosts.collector import digest

INSTALLED = "/usr/local/sbin/roundsman-collector"
"""Where host-setup puts the collector, and what the pinned line in sudoers names."""
LEVELS = ("standard", "cloud")
STANDARD = LEVELS[0]
REMARK = "roundsman: "
"""What begins a line by which our own shell line explains itself, on standard error."""

_NONCE = re.compile(r"[0-9a-f]{32}\Z")


def shell_line(sudo: Sudo, nonce: str, level: str, seconds: int) -> str:
    """For `sshd`, whose user's shell may be a POSIX one, csh, fish or a restricted one.

    One pair of single quotes means the same to all of them, as long as there is neither a quote, a backslash, an
    exclamation mark nor a line break inside; `exec` and paths with a slash are only for the shell within.
    """
    return " ".join(
        word if word.replace("-", "").isalnum() else f"'{word}'" for word in words(sudo, nonce, level, seconds)
    )


def words(sudo: Sudo, nonce: str, level: str, seconds: int) -> tuple[str, ...]:
    """The same as arguments, for where no shell stands between us and the program.

    Where sudo refuses (1) or is not there (126, 127) it has not touched standard input, and the collector runs without
    privilege. With any other code the collector has run, and what is left of the script must not.

    Args:
        sudo: which rights to try for; root needs none.
        nonce: 32 hexadecimal digits.
        level: one of `LEVELS`.
        seconds: after which an unprivileged collector is ended on the host itself, if GNU timeout is there: sshd tells
            nobody that the connection is gone. Root's ends at its next word, or at its command's own limit.

    Raises:
        BadInput: a nonce or level that is none.
    """
    if not _NONCE.match(nonce) or level not in LEVELS:
        raise BadInput(f"a collection has a nonce of 32 hexadecimal digits, and a level of {' or '.join(LEVELS)}")
    plainly = (
        f'if timeout --version >/dev/null 2>&1; then exec timeout -k 5 {seconds} sh -s -- "$@"; fi; exec sh -s -- "$@"'
    )
    told = ("sh", nonce) if level == STANDARD else ("sh", nonce, level)
    if sudo == "no":
        return "sh", "-c", plainly, *told
    as_root = 'if test "$(id -u)" = 0; then exec sh -s -- "$@"; fi; '
    return "sh", "-c", as_root + (_pinned() if sudo == "pinned" else _trying("/bin/sh -s --")) + plainly, *told


def _trying(command: str) -> str:
    return (
        f'sudo -n {command} "$@"; c=$?; case $c in 1|126|127) ;; *) exit $c;; esac; '
        f'echo "{REMARK}sudo -n ended with $c, so the collector runs without privilege" >&2; '
    )


def _pinned() -> str:
    """Only the collector of this version, since what another says would be misread.

    Asking before sudo does leaves nothing in the host's log; a file that cannot be read is sudo's to judge.
    """
    without = "so the collector runs without privilege; see roundsman host-setup"
    return (
        f"if test -e {INSTALLED}; then d=$(sha256sum {INSTALLED} 2>/dev/null); "
        f'case $d in {digest()}*|"") {_trying(INSTALLED)};; '
        f'*) echo "{REMARK}{INSTALLED} is of another version than this one, {without}" >&2;; esac; '
        f'else echo "{REMARK}{INSTALLED} is not there, {without}" >&2; fi; '
    )
