"""What a host gives away over the network as root: exported file systems, and a container engine's interface."""

import re
from collections.abc import Iterator

from estate.findings import Severity
from estate.hosts.checks import Check, Problem
from estate.hosts.host import Host, lines
from estate.hosts.privilege.units import read_units

_CLIENT = re.compile(r'((?:"[^"]*"|[^\s"()])*)(?:\(([^)]*)\))?')
_EVERYBODY = frozenset({"", "*", "0.0.0.0/0", "::/0", "0.0.0.0/0.0.0.0"})
_ADDRESS = re.compile(r"(?:-H=?|--host=)?(tcp://\S+)\Z")
_LISTED = re.compile(r'J "(hosts|insecure-registries|tls|tlsverify)"\s*:\s*(.*)\Z', re.DOTALL)
_OWN_REGISTRY = re.compile(r"(?:127\.|localhost(?::|\Z)|\[?::1)")


def exports(host: Host) -> Iterator[Problem]:
    """File systems exported so that a client's root is root here, or to be written by everybody."""
    text = "\n".join(row[1:] for row in lines(host.section("exports", partly=True)) if row.startswith("|"))
    for line in re.sub(r"\\\n", " ", text).split("\n"):
        words = [found for found in _CLIENT.finditer(line.split("#", 1)[0].strip()) if found[0]]
        if not words or not words[0][1]:
            continue
        path = re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), words[0][1].strip('"'))
        defaults: list[str] = []
        for word in words[1:] or words[:0]:
            if word[1].startswith("-"):
                defaults = word[1][1:].split(",")
                continue
            yield from _export(path, word[1], [*defaults, *(word[2] or "").split(",")])
    host.section("exports")


def _export(path: str, client: str, options: list[str]) -> Iterator[Problem]:
    everybody = client in _EVERYBODY
    squashed = _last(options, "no_root_squash", ("root_squash", "all_squash"))
    writable = _last(options, "rw", ("ro",))
    kerberos = any(option.startswith("sec=krb5") for option in options)
    shown = f"{path} {client or '*'}({','.join(option for option in options if option)})"
    if squashed:
        severity = Severity.CRITICAL if everybody and writable else Severity.HIGH
        yield Problem(f"{path}:{client or '*'}", severity, shown)
    elif everybody and writable and not kerberos:
        yield Problem(f"{path}:{client or '*'}", Severity.HIGH, shown)


def _last(options: list[str], on: str, off: tuple[str, ...]) -> bool:
    """Whether the last of two words that contradict each other is the first of them."""
    said = [option for option in options if option == on or option in off]
    return bool(said) and said[-1] == on


def open_engine(host: Host) -> Iterator[Problem]:
    """A container engine that takes commands over TCP from whoever has no certificate, or images without TLS."""
    verified = False
    places: dict[str, str] = {}
    for file, row in _dockerd(host):
        if (address := _ADDRESS.match(row)) is not None:
            places.setdefault(address[1], file)
        elif re.match(r"--tlsverify(?:=true)?\Z", row):
            verified = True
        elif (listed := _LISTED.match(row)) is not None:
            if listed[1] == "tlsverify":
                verified = verified or listed[2].strip() == "true"
            for value in re.findall(r'"([^"]*)"', listed[2]):
                if listed[1] == "hosts" and value.startswith("tcp://"):
                    places.setdefault(value, file)
                elif listed[1] == "insecure-registries" and not _OWN_REGISTRY.match(value):
                    evidence = f"{file}: insecure-registries has {value}"
                    yield Problem(f"insecure-registries:{value}", Severity.MEDIUM, evidence)
    for place, file in places.items():
        if not verified:
            evidence = f"{file}: {place} without tlsverify: whoever reaches it is root"
            yield Problem(f"hosts:{place}", Severity.CRITICAL, evidence)
    host.section("dockerd")
    host.section("units")


def _dockerd(host: Host) -> Iterator[tuple[str, str]]:
    """Words of dockerd's with where they stand: its settings, its process, its unit."""
    file = "daemon.json"
    for row in lines(host.section("dockerd", partly=True)):
        if row.startswith("F "):
            file = row[2:]
        elif row.startswith("A "):
            yield "dockerd's arguments", row[2:]
        else:
            yield file, row
    if host.fault("units") != "not-asked":
        yield from host.read(read_units).docker


CHECKS = (
    Check(
        "HOST-PRV-024",
        "An NFS export trusts its clients' root, or everybody",
        exports,
        "In /etc/exports, export {first} with root_squash and to named clients instead of {rest}; then: exportfs -ra",
        cis=("2.1.9",),
        attack=("T1021", "T1548"),
    ),
    Check(
        "HOST-PRV-026",
        "A container engine takes commands or images without TLS",
        open_engine,
        "Take {rest} out of {first} in /etc/docker/daemon.json (or of -H in docker.service), or set tlsverify with a "
        "CA of your own; then: systemctl restart docker",
        attack=("T1610",),
    ),
)
