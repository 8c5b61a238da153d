"""Who is believed, and which passwords are good enough: HOST-ACC-017 and 018."""

import re
from collections.abc import Iterator

from estate.findings import Severity
from estate.hosts.access.pam import Line, Pam, read_pam
from estate.hosts.access.sshd import read_server
from estate.hosts.access.texts import read_login_definitions, seen_texts
from estate.hosts.checks import Check, Problem
from estate.hosts.host import Host, Unseen
from estate.hosts.who import read_who

_AUTOMATIC = re.compile(
    r".*(-autologin|-greeter|-launch-environment|-smartcard|-fingerprint)\Z|xdm-np\Z|systemd-user\Z"
)
"""Stacks of display managers that let themselves, or whoever sits there, in on purpose."""
_ASKS_NOBODY = frozenset(
    {"pam_access", "pam_cap", "pam_debug", "pam_echo", "pam_env", "pam_faildelay", "pam_group", "pam_issue"}
    | {"pam_keyinit", "pam_lastlog", "pam_limits", "pam_loginuid", "pam_mail", "pam_motd", "pam_nologin"}
    | {"pam_permit", "pam_securetty", "pam_selinux", "pam_shells", "pam_time", "pam_umask", "pam_warn"}
)
"""Modules that say yes without knowing who is there."""
_PLACES = re.compile(r"(/usr)?/lib(32|64|x32)?(/[a-z0-9_]+-linux-[a-z0-9_]+)?/security/|\$ISA/")
_SCHEMES = {"des": Severity.MEDIUM, "md5": Severity.MEDIUM, "sha256": Severity.LOW}
_SHORTEST = 14
_OLDEST = 365


def is_logged_into(host: Host) -> bool:
    """Whether anybody logs in here at all: into a container without an ssh server nobody does."""
    try:
        return not host.read(read_who).container or host.read(read_server).there
    except Unseen:
        return True


def pam_holes(host: Host) -> Iterator[Problem]:
    """Lines that let in whoever asks, or that run or load what is not PAM's."""
    pam = host.read(read_pam)
    for path, stack in pam.stacks:
        for line in stack:
            yield from _judged(path, line)
        yield from _undecided(path, stack)
    for module in pam.modules:
        yield Problem(module, Severity.HIGH, f"{module} is of no package")
    if pam.lines and not _locks_out(pam) and host.read(is_logged_into):
        yield Problem("pam_faillock", Severity.LOW, "no stack has pam_faillock: guessing is never slowed down")
    host.section("pam")


def _judged(path: str, line: Line) -> Iterator[Problem]:
    service = path.rpartition("/")[2]
    place = f"{path}:{line.told}"
    if line.kind == "auth" and line.alone_enough and not _AUTOMATIC.match(service):
        if line.name == "pam_permit":
            yield Problem(place, Severity.CRITICAL, f"{path}: {line.told}")
        elif line.name in {"pam_rhosts", "pam_rhosts_auth"} or (
            line.name == "pam_wheel" and "trust" in line.arguments.split()
        ):
            yield Problem(place, Severity.HIGH, f"{path}: {line.told}")
    if line.name == "pam_unix" and line.kind == "auth" and {"nullok", "nullok_secure"} & set(line.arguments.split()):
        yield Problem(place, Severity.LOW, f"{path}: {line.told}")
    if line.name == "pam_exec":
        severity = Severity.HIGH if "expose_authtok" in line.arguments.split() else Severity.MEDIUM
        program = next((word for word in line.arguments.split() if word.startswith("/")), "")
        yield Problem(
            f"{path}:pam_exec {program}".rstrip(), severity, f"{path}: {line.kind} pam_exec {program}".rstrip()
        )
    if "/" in line.module and line.control not in {"include", "substack"} and not _PLACES.match(line.module):
        yield Problem(place, Severity.HIGH, f"{path}: {line.told}")


def _undecided(path: str, stack: tuple[Line, ...]) -> Iterator[Problem]:
    """A stack that says yes without having asked anybody."""
    asks = [line for line in stack if line.kind == "auth"]
    permits = [line for line in asks if line.name == "pam_permit" and line.control in {"required", "requisite"}]
    nobody = all(line.name in _ASKS_NOBODY and line.control not in {"include", "substack"} for line in asks)
    if permits and nobody and not _AUTOMATIC.match(path.rpartition("/")[2]):
        yield Problem(f"{path}:{permits[0].told}", Severity.CRITICAL, f"{path}: nothing but {permits[0].told}")


def _locks_out(pam: Pam) -> bool:
    return any(line.name in {"pam_faillock", "pam_tally2", "pam_tally"} for line in pam.lines if line.kind == "auth")


def password_policy(host: Host) -> Iterator[Problem]:
    """What a new password must be."""
    if not host.read(is_logged_into):
        return
    definitions = host.read(read_login_definitions)
    if definitions:
        yield from _definitions(dict(definitions))
    host.section("policy")
    pam = host.read(read_pam)
    if pam.lines and not any(length >= _SHORTEST for length in _lengths(host, pam)):
        yield Problem("minlen", Severity.LOW, f"no rule asks for passwords of {_SHORTEST} characters")
    host.section("pam")


def _definitions(definitions: dict[str, str]) -> Iterator[Problem]:
    days = definitions.get("PASS_MAX_DAYS", "99999")
    if not (days.isascii() and days.isdecimal() and int(days[:9]) <= _OLDEST):
        yield Problem("PASS_MAX_DAYS", Severity.LOW, f"PASS_MAX_DAYS {days}")
    scheme = definitions.get("ENCRYPT_METHOD", "DES")
    if scheme.lower() in _SCHEMES:
        yield Problem("ENCRYPT_METHOD", _SCHEMES[scheme.lower()], f"ENCRYPT_METHOD {scheme}")


def _lengths(host: Host, pam: Pam) -> Iterator[int]:
    """Least lengths that a module of the password stack asks for."""
    modules = [line for line in pam.lines if line.kind == "password"]
    for line in modules:
        if line.name in {"pam_pwquality", "pam_cracklib", "pam_unix", "pam_passwdqc"}:
            yield from map(_count, re.findall(r"(?:minlen|min)=(?:\S*,)?(\d{1,4})", line.arguments))
    if any(line.name == "pam_pwquality" for line in modules):
        for path, text in seen_texts(host, "policy").files:
            if "pwquality" in path:
                for found in text:
                    yield from map(_count, re.findall(r"\A\s*minlen\s*=\s*(\d{1,4})", found))


def _count(text: str) -> int:
    return int(text)


CHECKS = (
    Check(
        "HOST-ACC-017",
        "PAM lets in too easily, or runs what is not its own",
        pam_holes,
        "Compare {first} with its package's, and take out what fired (on Debian `pam-auth-update --force`);"
        " for pam_faillock `authselect enable-feature with-faillock`, or its lines in common-auth: pam_faillock(8).",
        cis=("5.3.2.2", "5.3.3.4.1"),
        controls=("4.10",),
        attack=("T1556.003",),
    ),
    Check(
        "HOST-ACC-018",
        "Passwords may be short, old or weakly kept",
        password_policy,
        "Set PASS_MAX_DAYS 365 and ENCRYPT_METHOD YESCRYPT in /etc/login.defs; `apt-get install libpam-pwquality` and"
        " set `minlen = 14` in /etc/security/pwquality.conf.",
        cis=("5.3.3.2.2", "5.4.1.1", "5.4.1.4"),
        controls=("5.2",),
        attack=("T1110",),
    ),
)
