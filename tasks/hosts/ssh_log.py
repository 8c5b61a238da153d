"""What the OpenSSH client's own log says became of a connection: exit code 255 alone may mean anything.

The words are those of sshconnect.c, sshconnect2.c, packet.c, kex.c and clientloop.c of OpenSSH 8 to 10.
"""

import re

from tasks.hosts.transport import Came, Outcome, joined, remarks

_AUTHENTICATED = re.compile(r"^Authenticated to |^debug1: Authentication succeeded", re.MULTILINE)
_SOFTWARE = re.compile(r"^debug1: Remote protocol version [0-9.]+, remote software version ([^\r\n]*)", re.MULTILINE)
_WINDOWS = re.compile(r"windows|winsshd|bitvise|weonlydo|freesshd|cygwin", re.IGNORECASE)
# How cmd and PowerShell answer a command that they do not know; a server under another name is still a Windows host.
_WINDOWS_WORDS = re.compile(
    r"is not recognized as (?:an internal or external|the name of a|a name of a)|CommandNotFoundException"
    r"|Microsoft Windows \[|^#< CLIXML|FullyQualifiedErrorId",
    re.MULTILINE,
)
_BEFORE = (
    ("host-key-changed", r"REMOTE HOST IDENTIFICATION HAS CHANGED|REVOKED HOST KEY|host key for \S+ has changed"),
    ("host-key-unknown", r"host key verification failed|no \S+ host key is known for|no host key is known"),
    ("auth-failed", r"permission denied|too many authentication failures|no supported authentication methods"),
    ("timeout", r"timed out|timeout, server|operation timed out"),
    ("failed", r"unable to negotiate|no matching|bad configuration option|no user exists for|bad owner or permissions"),
    ("unreachable", r"connection refused|no route to host|network is unreachable|could not resolve|not known"),
    ("unreachable", r"connection (?:reset|closed)|kex_exchange_ident|banner exchange|broken pipe|disconnect"),
)
_AFTER = (
    ("timeout", r"timeout, server \S+ not responding"),
    ("refused", r"request failed on channel|administratively prohibited|open failed"),
    ("unreachable", r"connection (?:reset|closed) by|broken pipe|received disconnect"),
)
# What 255 hides: no exit status came, neither as a code nor as a signal's name, since the connection was lost.
_LOST = re.compile(r"^debug1: Exit status -1\s*$", re.MULTILINE)
_KILLED = re.compile(r"^debug1: client_input_channel_req: .* rtype exit-signal", re.MULTILINE)
_PROXY = re.compile(r"^debug1: Executing proxy command", re.MULTILINE)
_NOISE = re.compile(r"(?:debug\d: .*|Authenticated to .*|Transferred: .*|Bytes per second: .*|@+|Pseudo-terminal.*)?\Z")


def explain_ssh(came: Came) -> Outcome:
    """Why nothing is framed, or with what remark something is."""
    software = _SOFTWARE.search(came.notes)
    if software is not None and _WINDOWS.search(software[1]):
        return Outcome("not-covered", f"a Windows host: {joined([software[1]])}")
    stderr = came.ended.stderr_tail
    if came.framed:
        return Outcome("", remarks(stderr))
    own = [line for line in came.notes.splitlines() if not _NOISE.match(line.strip())]
    if not _AUTHENTICATED.search(came.notes):
        error, told = _first(_BEFORE, "\n".join(own)), own
        if error in {"", "unreachable"} and _PROXY.search(came.notes):
            # A jump's client has no log of its own: what it says is on standard error.
            told = [*stderr.splitlines(), *own]
            error = _first(_BEFORE, "\n".join(told))
        return Outcome(error or "failed", joined(told) or came.ended.reason)
    said = [*stderr.splitlines(), *came.said.splitlines()]
    if _WINDOWS_WORDS.search("\n".join(said)):
        return Outcome("not-covered", f"a Windows host: {joined(said)}")
    # The log is our client's; what the host itself says of connections is not evidence of one that was lost.
    error = _first(_AFTER, "\n".join(own))
    if not error and _LOST.search(came.notes) and not _KILLED.search(came.notes):
        error = "unreachable"
    if error:
        return Outcome(error, joined([*said, *own]))
    return Outcome("refused", joined([f"it runs no collector: {came.ended.reason or 'exit 0'}", *said]))


def _first(known: tuple[tuple[str, str], ...], text: str) -> str:
    return next((error for error, pattern in known if re.search(pattern, text, re.IGNORECASE)), "")
