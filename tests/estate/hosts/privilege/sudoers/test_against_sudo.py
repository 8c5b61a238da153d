"""The reader of sudoers against sudo's own: `cvtsudoers`, on rules made up by the thousand."""

import json
import re
import subprocess
from random import Random
from typing import Any

import pytest

from estate.hosts.privilege.sudoers.policy import Policy, read_policy, spell
from estate.hosts.privilege.sudoers.text import Files

ALIASES = r"""User_Alias UA = carol, !dave, %ops : UB = UA, !erin
Host_Alias HA = h1, !h2, 192.168.0.0/16
Runas_Alias RA = op, !adm2
Cmnd_Alias CA = /bin/c1, !/bin/c2 "" : CB = CA, !/bin/c3 x\,y, sudoedit /etc/c
"""
USERS = (
    "alice",
    "%wheel",
    "#1001",
    "%#50",
    "+ng",
    "%:nu",
    '"a b"',
    r"DOM\\bob",
    r"a\,b",
    "UA",
    "UB",
    "ALL",
    "u-1.x",
    "a$",
)
HOSTS = ("ALL", "web1", "web-1.example.org", "10.0.0.0/8", "10.1.2.3", "2001:db8::1", "::1", "HA", "+hosts", "db*")
RUNAS = ("root", "ALL", "postgres", "#0", "%dba", "RA", "www-data")
GROUPS = ("adm", "ALL", "disk", "#12")
TAGS = ("NOPASSWD:", "PASSWD: ", "NOEXEC:", "EXEC: ", "LOG_INPUT:", "NOLOG_OUTPUT:", "MAIL:", "NOMAIL:", "NOPASSWD : ")
DIGESTS = ("", "", "", "", f"sha224:{'a' * 56} ", f"sha256:{'0f' * 32} ", f"sha256:{'0f' * 32}, sha224:{'b' * 56} ")
PATHS = (
    *("/bin/ls", "/usr/bin/find", r"/bin/a\ b", "/opt/x/", "/usr/bin/*", "/bin/[a-z]*", "sudoedit /etc/motd"),
    *("sudoedit /etc/a /etc/b", r"/bin/x\,y", r"/bin/q\:r", "^/usr/bin/(a|b)$", "list"),
)
ARGUMENTS = (
    *(
        "",
        "",
        "",
        ' ""',
        " -l",
        " -a  b   c",
        " *",
        r" a\,b",
        r" a\:b",
        r" --x\=y",
        r" a\#b",
        " ^-[a-z]+$",
        " ^a,b:c=d$",
    ),
    *(
        " [A-Z]*",
        r" a\ b",
        ' "quoted arg"',
        r" \*x",
        r" a\\b",
        " 'x y'",
        " -x ^y",
        " x$ y",
        " a!b",
        " (x)",
        " a@b",
        " +y",
    ),
)
OPTIONS = ("", "", "", "", "TIMEOUT=5m ", "ROLE=r ", "TYPE=t ", "NOTBEFORE=20200101000000Z ")
GAPS = ("", " ", "  ", "\t", " \\\n  ")
THEIR_TAGS = {
    "authenticate": "PASSWD",
    "noexec": "EXEC",
    "log_input": "LOG_INPUT",
    "log_output": "LOG_OUTPUT",
    "send_mail": "MAIL",
}
PREFIXES = {
    "usergroup": "%",
    "netgroup": "+",
    "nonunixgroup": "%:",
    "userid": "#",
    "usergid": "%#",
    "nonunixgid": "%:#",
}
Row = tuple[str, str, str, str, tuple[tuple[str, bool], ...], str, tuple[str, ...]]


class Author:
    """Writes rules of sudo, any of which is in its grammar."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)

    def gap(self) -> str:
        return self.random.choice(GAPS)

    def some(self, words: tuple[str, ...], most: int = 3, negated: bool = True) -> str:
        signs = ("", "", "", "!") if negated else ("",)
        chosen = (self.random.choice(signs) + self.random.choice(words) for _ in range(self.random.randint(1, most)))
        return f"{self.gap()},{self.gap()}".join(chosen)

    def command(self) -> str:
        choice = self.random.choice
        if self.random.random() < 0.3:
            return choice(("", "", "!")) + choice(("ALL", "CA", "CB"))
        path = choice(PATHS)
        arguments = choice(ARGUMENTS) if path[0] in "/^" and not path.endswith("/") else ""
        return choice(DIGESTS) + choice(("", "", "!")) + path + arguments

    def entry(self) -> str:
        choice = self.random.choice
        user, group = self.some(RUNAS, 2), self.some(GROUPS, 2, negated=False)
        runas = choice(("", "", f"({user})", f"({user} : {group})", f"(:{group})", "()"))
        tags = "".join(choice(TAGS) for _ in range(choice((0, 0, 1, 2))))
        return f"{runas}{self.gap()}{choice(OPTIONS)}{tags}{self.command()}"

    def rule(self) -> str:
        parts = (
            f"{self.some(HOSTS, 2)}{self.gap()}={self.gap()}"
            + f"{self.gap()},{self.gap()}".join(self.entry() for _ in range(self.random.randint(1, 3)))
            for _ in range(self.random.choice((1, 1, 1, 2)))
        )
        return f"{self.some(USERS)} {' : '.join(parts)}\n"


def member(told: dict[str, Any]) -> str:
    ((kind, value),) = ((kind, value) for kind, value in told.items() if kind != "negated")
    return f"{'!' * told.get('negated', False)}{PREFIXES.get(kind, '')}{value}"


def unescaped(command: str) -> str:
    """Their export has some escapes taken away; what is left over is the same."""
    return re.sub(r"\\([,:=#\\ ])", r"\1", command)


def theirs(text: str) -> set[Row]:
    done = subprocess.run(
        ("cvtsudoers", "-e", "-f", "json", "-"), input=text.encode(), capture_output=True, check=True, timeout=30
    )
    assert done.stderr == b"", text
    found: set[Row] = set()
    for specification in json.loads(done.stdout).get("User_Specs", ()):
        users = [member(each) for each in specification["User_List"]]
        hosts = ",".join(map(member, specification["Host_List"]))
        for entry in specification["Cmnd_Specs"]:
            told = [item for option in entry.get("Options", ()) for item in option.items()]
            tags = {THEIR_TAGS[name]: value != (name == "noexec") for name, value in told if name in THEIR_TAGS}
            named = "runasusers" in entry or "runasgroups" in entry
            runas = [member(each) for each in entry.get("runasusers", ())] if named else ["root"]
            groups = [member(each).removeprefix("%") for each in entry.get("runasgroups", ())]
            for each in entry["Commands"]:
                command = f"{'!' * each.get('negated', False)}{each['command']}"
                digests = [
                    f"{kind}:{value}"
                    for kind in ("sha224", "sha256", "sha384", "sha512")
                    for value in (each.get(kind, []) if isinstance(each.get(kind, []), list) else [each[kind]])
                ]
                principals = [",".join(users)] if any(user.startswith("!") for user in users) else users
                for principal in principals:
                    found.add(
                        (
                            *(principal, hosts, ",".join(filter(None, runas)), ",".join(groups)),
                            *(tuple(sorted(tags.items())), unescaped(command), tuple(sorted(digests))),
                        )
                    )
    return found


def read(text: str) -> Policy:
    return read_policy(Files("/etc/sudoers", {"/etc/sudoers": text}, frozenset(), "web1"))


def ours(policy: Policy) -> set[Row]:
    return {
        (
            *(grant.principal, spell(grant.hosts), spell(grant.users), spell(grant.groups), grant.tags),
            unescaped(
                f"{'!' * grant.command.negated}{grant.command.path}"
                + ("" if grant.command.arguments is None else f" {grant.command.arguments}")
            ),
            tuple(sorted(grant.command.digests)),
        )
        for grant in policy.grants
    }


@pytest.mark.parametrize("seed", range(40))
def test_what_sudo_reads_is_what_is_read(seed: int) -> None:
    author = Author(seed)
    text = ALIASES + "".join(author.rule() for _ in range(50))
    policy = read(text)
    assert policy.faults == ()
    assert ours(policy) == theirs(text)


@pytest.mark.parametrize("seed", range(4))
def test_the_one_spelling_of_a_rule_is_read_as_the_same_rule(seed: int) -> None:
    author = Author(seed)
    policy = read(ALIASES + "".join(author.rule() for _ in range(50)))
    plain = [grant for grant in policy.grants if not re.search(r"[\\ ,]", grant.principal) and grant.users]
    assert len(plain) > 20
    for grant in plain:
        (again,) = read(grant.spelled).grants
        assert again.spelled == grant.spelled
