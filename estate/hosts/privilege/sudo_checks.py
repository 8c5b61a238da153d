"""Rules of sudo by which somebody becomes root."""

from collections.abc import Iterator

from estate.findings import Severity
from estate.hosts.checks import Check, Inventoried, Inventory, Problem, attributes
from estate.hosts.host import Host, Unseen
from estate.hosts.privilege.escapes import LOWER, stretch, wide
from estate.hosts.privilege.gtfobins import program, words
from estate.hosts.privilege.paths import read_paths
from estate.hosts.privilege.sudo import grants_to_others, read_sudo, without_password
from estate.hosts.privilege.sudoers.policy import Grant, spell_command

_INTERPRETERS = words("sh bash dash ash ksh zsh python perl ruby php node lua tclsh env nice timeout nohup")


def _evidence(grant: Grant) -> str:
    return f"{grant.file}: {grant.spelled}"


def everything_without_password(host: Host) -> Iterator[Problem]:
    """All commands for no password."""
    sudo = host.read(read_sudo)
    for grant in grants_to_others(host):
        everything = grant.command.path == "ALL" and not grant.command.negated
        if everything and grant.users and without_password(sudo, grant):
            severity = Severity.HIGH if grant.as_root else Severity.MEDIUM
            if grant.principal == "ALL" and grant.as_root:
                severity = Severity.CRITICAL
            yield Problem(grant.principal, severity, _evidence(grant))
    sudo.whole()


def shell_escape(host: Host) -> Iterator[Problem]:
    """A program that hands root on."""
    sudo = host.read(read_sudo)
    for grant in grants_to_others(host):
        reach = "" if grant.command.negated or not grant.users else stretch(grant.command)
        if not reach:
            continue
        severity = Severity.CRITICAL if without_password(sudo, grant) else Severity.HIGH
        lower = (grant.command.arguments is not None and grant.command.path != "sudoedit") + (reach == "reads")
        lower += (grant.tag("EXEC") is False) + (not grant.as_root)
        for _ in range(lower):
            severity = LOWER[severity]
        yield Problem(f"{grant.principal}:{spell_command(grant.command)}", severity, _evidence(grant))
    sudo.whole()


def wide_rule(host: Host) -> Iterator[Problem]:
    """A rule that allows more than it seems to."""
    for grant in grants_to_others(host):
        if why := wide(grant.command):
            severity = Severity.HIGH if grant.as_root else Severity.MEDIUM
            if grant.command.negated:
                severity = LOWER[severity]
            evidence = f"{_evidence(grant)} ({why})"
            yield Problem(f"{grant.principal}:{spell_command(grant.command)}", severity, evidence)
    host.read(read_sudo).whole()


def replaceable_target(host: Host) -> Iterator[Problem]:
    """A command that others than root can replace."""
    paths = host.read(read_paths)
    unknown = paths.fault
    for grant in grants_to_others(host):
        if grant.command.negated:
            continue
        for path in _targets(grant):
            weak = paths.weak(path)
            if weak is not None:
                yield Problem(path, Severity.CRITICAL, f"{_evidence(grant)}; {paths.told(weak)}")
            elif not paths.known(path):
                unknown = unknown or ("not-asked" if paths.reader == 0 else "no-privilege")
    host.read(read_sudo).whole()
    if unknown:
        raise Unseen(unknown)


def _targets(grant: Grant) -> Iterator[str]:
    """The paths that a grant runs: its program, or the directory of many, and an interpreter's script."""
    path = grant.command.path.replace("\\", "")
    if path.startswith("/"):
        cut = min((at for at in map(path.find, "*?[") if at >= 0), default=len(path))
        yield path if cut == len(path) else path[:cut].rpartition("/")[0] or "/"
    words = (grant.command.arguments or "").replace("\\", "").split()
    if program(path) in _INTERPRETERS:
        scripts = [word for word in words if word.startswith("/") and not any(sign in word for sign in "*?[")]
        yield from scripts[:1]


def sudoers_files(host: Host) -> Iterator[Problem]:
    """Files of sudo that others than root may write, or that sudo ignores for that."""
    sudo = host.read(read_sudo)
    for path, stat in sudo.modes:
        group = stat.gid == 0 or (stat.directory and not stat.mode & 0o020)
        if stat.uid == 0 and group and not stat.mode & 0o022:
            continue
        severity = Severity.CRITICAL if stat.directory else Severity.MEDIUM
        paths = host.read(read_paths)
        owner = paths.names.owner(stat.uid, stat.gid)
        yield Problem(path, severity, f"mode {stat.permissions} {owner}, not 0440 root:root")
    if host.fault("sudoers") not in {"", "no-privilege"} or sudo.unlisted:
        sudo.whole()


def rules(host: Host) -> Iterator[Inventoried]:
    """Every rule in one spelling, aliases put in."""
    sudo = host.read(read_sudo)
    for grant in sudo.policy.grants:
        yield grant.spelled, attributes(file=grant.file)
    sudo.whole()


INVENTORY = (Inventory("sudo-rule", "privilege", rules),)
CHECKS = (
    Check(
        "HOST-PRV-004",
        "sudo allows everything without a password",
        everything_without_password,
        "Name the commands that {resource} needs, and leave NOPASSWD out; find the rule: "
        "grep -rn NOPASSWD /etc/sudoers /etc/sudoers.d; edit it: visudo",
        cis=("5.2.4",),
        controls=("5.4",),
        attack=("T1548.003",),
    ),
    Check(
        "HOST-PRV-005",
        "sudo allows a program that starts a shell or reads and writes any file",
        shell_escape,
        "Give {first} a wrapper with fixed arguments, or sudoedit for a file, instead of {rest}: visudo",
        cis=("5.2.4",),
        attack=("T1548.003",),
        other=("https://gtfobins.github.io/#+sudo",),
    ),
    Check(
        "HOST-PRV-006",
        "A rule of sudo has a wildcard, a directory or an exception",
        wide_rule,
        "Write {rest} of {first} with its exact arguments, or as a regular expression ^...$ (sudo 1.9.10 and newer): "
        "visudo",
        attack=("T1548.003",),
    ),
    Check(
        "HOST-PRV-007",
        "Others than root can replace what sudo runs",
        replaceable_target,
        "chown root:root {resource} && chmod go-w {resource}, and the same for the directories above it",
        controls=("3.3",),
        attack=("T1574.010",),
    ),
    Check(
        "HOST-PRV-009",
        "A file of sudo's policy has the wrong owner or mode",
        sudoers_files,
        "chown root:root {resource} && chmod g-w,o-rwx {resource}",
        cis=("5.2",),
        controls=("3.3",),
        attack=("T1548.003",),
    ),
)
