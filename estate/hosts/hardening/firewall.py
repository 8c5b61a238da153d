"""What the host's own packet filter does with a packet to it that no rule names: nftables and both older tables."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address

from estate.findings import Severity
from estate.hosts.checks import Check, Inventoried, Inventory, Problem, attributes
from estate.hosts.hardening.told import is_container
from estate.hosts.host import Host, Unseen, lines

_TABLE = re.compile(r"table (\w+) (\S+) \{")
_CHAIN = re.compile(r"\tchain (\S+) \{")
_BASE = re.compile(r"\t\ttype (\w+) hook (\w+) .*?(?:policy (\w+))?;?\s*\Z")
_NOISE = re.compile(
    r"(?:counter(?: packets \d+ bytes \d+)?|log|prefix \"(?:[^\"\\]|\\.)*\"|level \w+|group \d+|snaplen \d+"
    r"|queue-threshold \d+|flags (?:tcp [a-z,]+|ip options|\w+))(?:\s+|\Z)"
)
_VERDICT = re.compile(
    r"(drop|reject|accept|return|jump|goto|queue|xt target \"REJECT\")(?: (.*?))?(?: comment \".*\")?\Z"
)
_OLD = re.compile(r"-A (\S+) (?:-m comment --comment (?:\"[^\"]*\"|\S+) )?-([jg]) (\S+)")
_POLICY = re.compile(r"-P (\S+) (\S+)")
_ADDRESS = re.compile(r"\d+: \S+\s+inet6? ([0-9a-fA-F.:]{2,45})(?:/\d+)? ")
_WORDS = {
    "DROP": "drop",
    "REJECT": "drop",
    "ACCEPT": "accept",
    "RETURN": "return",
    "QUEUE": "queue",
    "NFQUEUE": "queue",
}
_DEEPEST = 32
_WHY = {"3": "missing-tool", "124": "timeout", "137": "timeout"}


@dataclass(frozen=True, slots=True)
class Chain:
    """A chain; `hook` is empty where only other chains lead to it. `steps` are the rules that every packet meets."""

    family: str
    table: str
    name: str
    kind: str
    hook: str
    policy: str
    steps: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Firewall:
    """Every chain that could be seen; `fault` says why there may be more."""

    chains: tuple[Chain, ...]
    fault: str
    addresses: tuple[str, ...]
    ufw: str

    def falls(self, chain: Chain) -> str:
        """`drop` or `accept`: what becomes of a packet that no condition of this base chain names."""
        return self._end(chain, 0) or chain.policy

    def drops(self, family: str) -> bool:
        """Whether a packet of `ip` or `ip6` to the host itself is dropped where no rule names it."""
        return any(
            chain.hook in {"input", "prerouting"} and chain.kind == "filter" and self.falls(chain) in {"drop", "queue"}
            for chain in self.chains
            if chain.family in {family, "inet"}
        )

    def _end(self, chain: Chain, depth: int) -> str:
        for verdict, to in chain.steps:
            if verdict in {"drop", "accept", "queue"}:
                return verdict
            if verdict == "return":
                return ""
            end = self._end_of(chain, to, depth)
            if end or verdict == "goto":
                return end
        return ""

    def _end_of(self, chain: Chain, name: str, depth: int) -> str:
        where = (chain.family, chain.table, name)
        found = next((each for each in self.chains if (each.family, each.table, each.name) == where), None)
        return "" if found is None or depth >= _DEEPEST else self._end(found, depth + 1)


def read_firewall(host: Host) -> Firewall:
    """The filter as the kernel has it.

    Raises:
        Unseen: nothing of it could be read.
    """
    by_word: dict[str, list[str]] = {}
    for line in lines(host.section("firewall", partly=True)):
        word, _, rest = line.partition("\t")
        by_word.setdefault(word, []).append(rest)
    fault = host.fault("firewall")
    if not fault:
        codes = [(by_word.get(word) or [""])[-1].removeprefix("rc=") for word in ("nft", "ip", "ip6")]
        bad = [code for code in codes if code != "0"]
        fault = _WHY.get(bad[0], "failed") if bad else ""
    chains = (*_new(by_word.get("nft", [])), *_old("ip", by_word.get("ip", [])), *_old("ip6", by_word.get("ip6", [])))
    addresses = (found[1] for line in by_word.get("addr", ()) if (found := _ADDRESS.match(line)))
    return Firewall(chains, fault, tuple(addresses), (by_word.get("ufw") or [""])[0])


def _new(rules: list[str]) -> Iterator[Chain]:
    family = table = name = kind = hook = policy = ""
    steps: list[tuple[str, str]] = []
    for line in (*rules, "}"):
        if (found := _TABLE.match(line)) is not None:
            family, table = found.groups()
        elif (found := _CHAIN.match(line)) is not None:
            name, kind, hook, policy, steps = found[1], "", "", "", []
        elif (found := _BASE.match(line)) is not None:
            kind, hook, policy = found[1], found[2], found[3] or "accept"
        elif line.startswith("\t\t"):
            if (step := _step(line.strip())) is not None:
                steps.append(step)
        elif line.strip() == "}" and name:
            yield Chain(family, table, name, kind, hook, policy, tuple(steps))
            name = ""


def _step(rule: str) -> tuple[str, str] | None:
    while (noise := _NOISE.match(rule)) is not None:
        rule = rule[noise.end() :]
    if (found := _VERDICT.match(rule)) is None:
        return None
    word = "drop" if found[1] in {"reject", 'xt target "REJECT"'} else found[1]
    if word not in {"drop", "jump", "goto"} and found[2] and not found[2].startswith("comment "):
        return None if word != "queue" else (word, "")
    return word, found[2] or ""


def _old(family: str, rules: list[str]) -> Iterator[Chain]:
    policies = {found[1]: found[2] for line in rules if (found := _POLICY.match(line))}
    steps: dict[str, list[tuple[str, str]]] = {name: [] for name in policies}
    for line in rules:
        if (found := _OLD.match(line)) is not None:
            chain, how, target = found.groups()
            step = (_WORDS[target], "") if target in _WORDS else ("jump" if how == "j" else "goto", target)
            steps.setdefault(chain, []).append(step)
    for name, walked in steps.items():
        policy = _WORDS.get(policies.get(name, ""), "")
        yield Chain(family, "filter", name, "filter", name.lower() if policy else "", policy, tuple(walked))


def no_filter(host: Host) -> Iterator[Problem]:
    """HOST-HRD-001."""
    if is_container(host):
        return
    firewall = host.read(read_firewall)
    open_families = [family for family in ("ip", "ip6") if not firewall.drops(family)]
    six = tuple(address for address in firewall.addresses if ":" in address)
    if open_families == ["ip6"] and not six and not firewall.fault:
        return
    if open_families and firewall.fault:
        raise Unseen(firewall.fault)
    if "ip" in open_families:
        four = tuple(address for address in firewall.addresses if ":" not in address)
        yield Problem("ipv4", _severity(four), _evidence(firewall, "ip"), "packets that no rule names are let in")
    elif open_families:
        yield Problem("ipv6", _severity(six), _evidence(firewall, "ip6"), "IPv4 is filtered, IPv6 is not")


def _severity(addresses: tuple[str, ...]) -> Severity:
    return Severity.HIGH if any(_public(address) for address in addresses) else Severity.MEDIUM


def _public(address: str) -> bool:
    try:
        return ip_address(address).is_global
    except ValueError:
        return False


def _evidence(firewall: Firewall, family: str) -> str:
    chains = (chain for chain in firewall.chains if chain.hook == "input" and chain.family in {family, "inet"})
    told = sorted({f"{each.family} {each.table} {each.name}: accepts what no rule names" for each in chains})
    if firewall.ufw == "yes":
        told.append("ufw.conf says ENABLED=yes, but its rules are not loaded")
    return "; ".join(told) or "no chain is hooked to input"


def _chains(host: Host) -> Iterator[Inventoried]:
    firewall = host.read(read_firewall)
    for chain in firewall.chains:
        if chain.hook and chain.kind == "filter":
            falls = firewall.falls(chain)
            yield f"{chain.family}/{chain.table}/{chain.name}", attributes(hook=chain.hook, otherwise=falls)
    if firewall.fault:
        raise Unseen(firewall.fault)


INVENTORY = (Inventory("firewall", "hardening", _chains),)
CHECKS = (
    Check(
        id="HOST-HRD-001",
        title="The host's own firewall lets in what no rule names",
        run=no_filter,
        remediation=(
            "Allow what is needed first, ssh above all, then drop the rest: apt-get install ufw && ufw allow OpenSSH "
            "&& ufw default deny incoming && ufw enable"
        ),
        cis=("4.2.4", "4.3.8", "4.4.2.1", "4.4.3.1"),
        controls=("4.4", "4.5"),
        attack=("T1562.004",),
    ),
)
