"""How far a command that sudo allows can be stretched: by its arguments, by what it starts, by a pattern."""

import re
from typing import Literal

from estate.findings import Severity
from estate.hosts.privilege.gtfobins import ALSO, READ, SHELL, WRITE, program, words
from estate.hosts.privilege.sudoers.grammar import Command

Stretch = Literal["", "reads", "escapes"]

LOWER = {
    Severity.CRITICAL: Severity.HIGH,
    Severity.HIGH: Severity.MEDIUM,
    Severity.MEDIUM: Severity.LOW,
    Severity.LOW: Severity.LOW,
    Severity.INFO: Severity.INFO,
}
_SHELLS = words("sh bash dash ash zsh ksh ksh93 mksh csh tcsh fish rbash busybox")
_ASKS_FOR_ONE = words("su sudo pkexec login machinectl visudo vipw vigr")
_TAKES_OVER = words("""vi vim nano emacs ed ex pico joe view rview rvim vimdiff less more most pg man info mc screen
    tmux ftp sftp telnet gdb crash irb mysql psql sqlite3 lua python perl ruby node php tclsh bc iftop crontab""")
"""Who calls them can type, whatever their arguments: a shell is one keystroke away."""
_PAGED = {
    "systemctl": re.compile(r"(status|cat|show|list-\S+|help|edit|\*)\b(?!.*--no-pager)"),
    "journalctl": re.compile(r"(?!.*--no-pager)"),
    "git": re.compile(r"(?!.*--no-pager).*\b(log|diff|show|help|branch|tag|blame|commit|rebase|-p)\b"),
    "apt-get": re.compile(r"changelog\b"),
    "apt": re.compile(r"(changelog|list|show)\b"),
    "loginctl": re.compile(r"(?!.*--no-pager)"),
    "timedatectl": re.compile(r"(?!.*--no-pager)(status|show|list-\S+)"),
    "dmesg": re.compile(r".*(-H|--human)\b"),
}
_LOOSE = re.compile(r"(?<!\\)[*?\[]")
_ANY = re.compile(r"(?<!\\)\.[*+]")


def pinned(command: Command) -> bool:
    """Whether the rule fixes every argument: any are allowed where it names none."""
    return command.arguments is not None and not loose(command.arguments)


def loose(text: str) -> bool:
    """Whether a pattern takes more than one text: a wildcard, or a regular expression that takes anything."""
    if text.startswith("^") and text.endswith("$"):
        return _ANY.search(text) is not None
    return _LOOSE.search(text) is not None


def stretch(command: Command) -> Stretch:
    """What a caller can make of a command besides what it is for."""
    name = program(command.path)
    told = "" if command.arguments in {None, '""'} else command.arguments or ""
    if command.path == "sudoedit":
        return "" if told and not loose(told) else "escapes"
    if not pinned(command):
        return "escapes" if name in SHELL | WRITE | ALSO else "reads" if name in READ else ""
    words = told.split()
    if name in _SHELLS and all(word.startswith("-") and "c" not in word for word in words):
        return "escapes"
    if name in _ASKS_FOR_ONE and all(word.startswith("-") or word == "root" for word in words):
        return "escapes"
    if name in _TAKES_OVER and (name not in {"python", "perl", "ruby", "node", "php", "lua", "tclsh"} or not words):
        return "escapes"
    if name == "mc" or (name in _PAGED and _PAGED[name].match(told)):
        return "escapes"
    return ""


def wide(command: Command) -> str:
    """Why a command means more than one: a word for it, or nothing."""
    if command.negated:
        return "an exception, which a copy or a link of the program gets around"
    if command.path.endswith("/"):
        return "a whole directory"
    if command.path.startswith("^") and loose(command.path):
        return "a pattern that takes any path"
    if command.path.startswith("/") and loose(command.path):
        return "a wildcard in its path"
    if command.arguments is not None and loose(command.arguments):
        return "a wildcard in its arguments, which takes several words and any path"
    return ""
