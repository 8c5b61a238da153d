"""Settings of sudo (Defaults, and tags of rules) that weaken it."""

from collections.abc import Iterator

from estate.findings import Severity
from estate.hosts.checks import Check, Problem
from estate.hosts.host import Host
from estate.hosts.privilege.sudo import Sudo, grants_to_others, read_sudo
from estate.hosts.privilege.sudoers.grammar import Setting
from estate.hosts.privilege.sudoers.policy import spell, spell_command

_LOADING = (
    "LD_", "PYTHON", "PERL", "RUBYLIB", "RUBYOPT", "NODE_OPTIONS", "NODE_PATH", "BASH_ENV", "BASH_FUNC_", "ENV",
    "PATH", "IFS", "CLASSPATH", "JAVA_TOOL_OPTIONS", "GCONV_PATH", "LUA_PATH", "LUA_CPATH", "LOCPATH", "PROMPT_COMMAND",
    "SHELLOPTS", "GIT_", "TCLLIBPATH",
)  # fmt: skip
_HARMLESS = ("GIT_AUTHOR_", "GIT_COMMITTER_", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE", "PYTHONIOENCODING")
_UNSET = {
    "authenticate": (Severity.HIGH, "no password is asked for"),
    "env_reset": (Severity.HIGH, "the caller's environment reaches root's program"),
    "use_pty": (Severity.LOW, "a program may type into the caller's terminal"),
    "tty_tickets": (Severity.MEDIUM, "one password opens every terminal"),
}
_SET = {
    "setenv": (Severity.HIGH, "callers may set any variable, such as LD_PRELOAD"),
    "targetpw": (Severity.MEDIUM, "the password asked for is root's"),
    "rootpw": (Severity.MEDIUM, "the password asked for is root's"),
    "runaspw": (Severity.MEDIUM, "the password asked for is another account's"),
    "pwfeedback": (Severity.LOW, "a password's length shows"),
    "visiblepw": (Severity.MEDIUM, "a password may show as it is typed"),
}
_SHORTEST, _LONGEST = 0, 15
_PTY_BY_DEFAULT = (1, 9, 14)


def weak_settings(host: Host) -> Iterator[Problem]:
    """Settings that ask for less, or let more through, than sudo does by itself."""
    sudo = host.read(read_sudo)
    for setting in _in_force(sudo):
        for severity, why in _weak(setting):
            yield Problem(_spelled(setting), severity, f"{setting.file}: Defaults {_spelled(setting)}: {why}")
    for grant in grants_to_others(host):
        if grant.tag("SETENV") and grant.command.path != "ALL" and not grant.command.negated and grant.users:
            resource = f"SETENV {grant.principal} {spell_command(grant.command)}"
            yield Problem(resource, Severity.HIGH, f"{grant.file}: {grant.spelled}")
    told = any(each.name == "use_pty" for each in sudo.policy.settings)
    # Without rules there is no sudo here to speak of.
    if sudo.policy.grants and not told and sudo.version and sudo.version < _PTY_BY_DEFAULT and not sudo.blind:
        version = ".".join(map(str, sudo.version[:2]))
        yield Problem("use_pty", Severity.LOW, f"no Defaults use_pty, which sudo {version} does not set by itself")
    sudo.whole()


def _in_force(sudo: Sudo) -> Iterator[Setting]:
    """What counts in the end: of one name and binding the last, but every addition to a list."""
    last: dict[tuple[str, str, str], Setting] = {}
    lists: dict[tuple[str, str, str], list[Setting]] = {}
    for setting in sudo.policy.settings:
        key = (setting.name, setting.binding, spell(setting.bound) + " ".join(map(spell_command, setting.commands)))
        if setting.operator == "+=":
            lists.setdefault(key, []).append(setting)
        elif setting.operator != "-=":
            last[key] = setting
            lists.pop(key, None)
    yield from last.values()
    for added in lists.values():
        yield from added


def _weak(setting: Setting) -> Iterator[tuple[Severity, str]]:
    name, value = setting.name, setting.value
    if setting.operator == "!" and name in _UNSET:
        yield _UNSET[name]
    elif setting.operator == "+" and name in _SET:
        yield _SET[name]
    elif name == "env_keep" and (kept := [each for each in value.split() if _loads(each)]):
        yield Severity.HIGH, f"{' '.join(kept)} makes root's program load what the caller says"
    elif name == "timestamp_timeout" and not _SHORTEST <= _minutes(value) <= _LONGEST:
        yield Severity.MEDIUM, f"a password counts for longer than {_LONGEST} minutes"
    elif name == "timestamp_type" and value == "global":
        yield _UNSET["tty_tickets"]
    elif name == "exempt_group" and value:
        yield Severity.HIGH, "no password is asked of this group"
    elif name == "verifypw" and value == "never":
        yield Severity.LOW, "no password is asked for by sudo -v"


def _loads(variable: str) -> bool:
    name = variable.partition("=")[0]
    if name == "*":
        return True
    return name.startswith(_LOADING) and not name.startswith(_HARMLESS) and not _only_a_prefix(name)


def _only_a_prefix(name: str) -> bool:
    """Whether a listed whole name merely begins this one (`ENVIRONMENT`, `PATH_INFO`)."""
    return any(
        name.startswith(listed) and name != listed and not name.startswith(f"{listed}*")
        for listed in ("ENV", "PATH", "IFS", "CLASSPATH")
    )


def _minutes(value: str) -> float:
    try:
        return float(value)
    except ValueError:
        return 0.0


def _spelled(setting: Setting) -> str:
    bound = spell(setting.bound) or ",".join(map(spell_command, setting.commands))
    scope = f"{setting.binding}{bound} " if setting.binding else ""
    match setting.operator:
        case "+":
            return f"{scope}{setting.name}"
        case "!":
            return f"{scope}!{setting.name}"
        case _:
            return f"{scope}{setting.name}{setting.operator}{setting.value}"


CHECKS = (
    Check(
        "HOST-PRV-008",
        "A setting of sudo weakens it",
        weak_settings,
        "Remove {resource}, or write the safer one; find it: grep -rn Defaults /etc/sudoers /etc/sudoers.d; "
        "edit it: visudo",
        cis=("5.2.2", "5.2.5", "5.2.6"),
        attack=("T1548.003", "T1574.006"),
    ),
)
