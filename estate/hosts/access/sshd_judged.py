"""What is weak in an ssh server's settings, and how weak."""

from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

from estate.findings import Severity
from estate.hosts.access.sshd import Settings


@dataclass(frozen=True, slots=True)
class Weakness:
    """One setting that is weaker than need be, in the spelling of sshd_config(5)."""

    option: str
    severity: Severity
    evidence: str


def passwords_open(settings: Settings) -> bool:
    """Whether a password alone can let somebody in, by either way of asking for one."""
    return _password_way(settings, "passwordauthentication", "password") or (
        settings.get("usepam") == "yes"
        and _password_way(settings, "kbdinteractiveauthentication", "keyboard-interactive")
    )


def _password_way(settings: Settings, option: str, method: str) -> bool:
    lists = settings.get("authenticationmethods").split()
    alone = lists in ([], ["any"]) or any(
        all(step.partition(":")[0] == method for step in each.split(",")) for each in lists
    )
    return settings.get(option) == "yes" and alone


def root_login(settings: Settings, *, root_has_password: bool) -> Weakness | None:
    """How far root itself may log in."""
    value = settings.get("permitrootlogin")
    if value in {"without-password", "prohibit-password"}:
        return Weakness("PermitRootLogin", Severity.LOW, "PermitRootLogin prohibit-password")
    if value != "yes":
        return None
    if passwords_open(settings):
        severity = Severity.CRITICAL if root_has_password else Severity.HIGH
        return Weakness("PermitRootLogin", severity, "PermitRootLogin yes, and passwords are asked for")
    return Weakness("PermitRootLogin", Severity.HIGH, "PermitRootLogin yes")


def password_login(settings: Settings, *, anybody_has_password: bool) -> Iterator[Weakness]:
    """Ways in that can be guessed."""
    severity = Severity.MEDIUM if anybody_has_password else Severity.LOW
    if _password_way(settings, "passwordauthentication", "password"):
        yield Weakness("PasswordAuthentication", severity, "PasswordAuthentication yes")
        if settings.get("permitemptypasswords") == "yes":
            yield Weakness("PermitEmptyPasswords", Severity.CRITICAL, "PermitEmptyPasswords yes")
    if settings.get("usepam") == "yes" and _password_way(
        settings, "kbdinteractiveauthentication", "keyboard-interactive"
    ):
        yield Weakness("KbdInteractiveAuthentication", severity, "KbdInteractiveAuthentication yes, with PAM")


def others(settings: Settings) -> Iterator[Weakness]:
    """Settings that take a layer away."""
    for option, bad, severity in (
        ("X11Forwarding", "yes", Severity.LOW),
        ("HostbasedAuthentication", "yes", Severity.MEDIUM),
        ("IgnoreRhosts", "no", Severity.MEDIUM),
        ("UsePAM", "no", Severity.MEDIUM),
        ("GatewayPorts", "yes", Severity.MEDIUM),
        ("GatewayPorts", "clientspecified", Severity.LOW),
        ("StrictModes", "no", Severity.MEDIUM),
    ):
        if settings.get(option.lower()) == bad:
            yield Weakness(option, severity, f"{option} {bad}")
    sets = settings.get("permituserenvironment")
    if sets == "yes" or any(fnmatchcase("ld_preload", each) for each in sets.split(",")):
        yield Weakness("PermitUserEnvironment", Severity.MEDIUM, f"PermitUserEnvironment {sets}")
    if settings.get("loglevel") in {"quiet", "silent", "fatal", "error"}:
        yield Weakness("LogLevel", Severity.MEDIUM, f"LogLevel {settings.get('loglevel').upper()}")
    if (tries := _whole(settings.get("maxauthtries"))) is not None and tries > 4:
        yield Weakness("MaxAuthTries", Severity.LOW, f"MaxAuthTries {tries}")
    grace = seconds(settings.get("logingracetime"))
    if grace is not None and (grace > 60 or grace == 0):
        severity = Severity.LOW if grace else Severity.MEDIUM
        yield Weakness("LoginGraceTime", severity, f"LoginGraceTime {settings.get('logingracetime')}")


_CIPHERS = ("*-cbc", "*-cbc@*", "3des*", "arcfour*", "blowfish*", "cast128*", "des*", "none")
_MACS = ("hmac-md5*", "*-96", "*-96-*", "hmac-ripemd160*", "none")
_OLD_MACS = ("hmac-sha1", "hmac-sha1-etm@*")
_EXCHANGES = ("*group1-sha1*", "*group14-sha1*", "*group-exchange-sha1*", "*gex-sha1*", "rsa1024-sha1")
_SIGNATURES = ("ssh-rsa", "ssh-dss", "ssh-rsa-cert-v01@*", "ssh-dss-cert-v01@*", "ssh-rsa-cert-v00@*")
ALGORITHMS = (
    ("Ciphers", _CIPHERS, ()),
    ("MACs", _MACS, _OLD_MACS),
    ("KexAlgorithms", _EXCHANGES, ()),
    ("HostKeyAlgorithms", _SIGNATURES, ()),
    ("PubkeyAcceptedAlgorithms", _SIGNATURES, ()),
    ("CASignatureAlgorithms", _SIGNATURES, ()),
    ("GSSAPIKexAlgorithms", _EXCHANGES, ()),
)
"""Patterns of what is broken, and of what is only old (HMAC with SHA-1, which OpenSSH itself still offers)."""


def algorithms(settings: Settings) -> Iterator[Weakness]:
    """Offers of algorithms that are broken or old."""
    for option, broken, old in ALGORITHMS:
        if option == "GSSAPIKexAlgorithms" and settings.get("gssapikeyexchange") != "yes":
            continue
        value = settings.get(option.lower())
        offered = [] if value.startswith("-") else [name.strip() for name in value.lstrip("+^").split(",")]
        bad = [name for name in offered if any(fnmatchcase(name, pattern) for pattern in broken)]
        aged = [name for name in offered if any(fnmatchcase(name, pattern) for pattern in old)]
        if bad or aged:
            severity = Severity.MEDIUM if bad else Severity.LOW
            yield Weakness(option, severity, f"{option} {','.join(sorted({*bad, *aged}))}")


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None


def seconds(text: str) -> int | None:
    """A time as sshd_config(5) writes it: `120`, `2m`, `1h30m`."""
    total, digits = 0, ""
    for character in text:
        if character.isascii() and character.isdecimal():
            digits += character
            if len(digits) > 9:
                return None
        elif character in "smhdw" and digits:
            total += int(digits) * {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}[character]
            digits = ""
        else:
            return None
    return total + int(digits or "0") if text else None
