"""Where packages come from, and whether what comes is authenticated: an unsigned source installs code as root."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from estate.findings import Severity
from estate.hosts.checks import Check, Problem
from estate.hosts.host import Host, Unseen, lines
from estate.hosts.packages.release import read_release
from estate.hosts.packages.rows import rows
from estate.hosts.packages.system import read_system

_ONE_LINE = re.compile(r"\s*(deb|deb-src)\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)")
_OPTION = re.compile(r"(\S+) \"(.*)\";\Z")
_YES = frozenset({"yes", "true", "with", "on", "enable", "1"})
_NO = frozenset({"no", "false", "without", "off", "disable", "0"})
# Whoever may write there is root already, as a rule.
_LOCAL = re.compile(r"(?:file|cdrom|copy):")
_ALLOW = re.compile(
    r"apt::get::allowunauthenticated|acquire::allow(?:insecure|weak|downgradetoinsecure)repositories", re.IGNORECASE
)
_VERIFY = re.compile(r"acquire::https(?:::.+)?::verify-(?:peer|host)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class AptSource:
    """One archive: its address, suite, file and the options (in lower case) that were set for it."""

    address: str
    suite: str
    file: str
    options: tuple[tuple[str, str], ...]

    @property
    def name(self) -> str:
        """What people call it."""
        return f"{self.address} {self.suite}"


def read_apt_sources(host: Host) -> tuple[AptSource, ...]:
    """Read the one-line and the paragraph form.

    Raises:
        Unseen: a file could not be read, or not all came.
    """
    listed, fault = rows(host, "apt_sources")
    if fault or "E" in listed:
        raise Unseen(fault or "no-privilege")
    found: list[AptSource] = []
    file, body = "", list[str]()
    for line in [*listed, "F\t"]:
        if line.startswith("F\t"):
            found += _paragraphs(file, body) if file.endswith(".sources") else _lines(file, body)
            file, body = line[2:], []
        else:
            body.append(line.removeprefix("\t"))
    return tuple(found)


def _lines(file: str, body: list[str]) -> Iterator[AptSource]:
    for line in body:
        said = _ONE_LINE.match(line)
        if said and said[1] == "deb":
            words = (word.partition("=") for word in (said[2] or "").split())
            options = tuple((key.lower().rstrip("+-"), value.lower()) for key, _, value in words)
            yield AptSource(said[3], said[4], file, options)


def _paragraphs(file: str, body: list[str]) -> Iterator[AptSource]:
    fields: dict[str, str] = {}
    last = ""
    for line in [*body, ""]:
        if not line.strip():
            yield from _paragraph(file, fields)
            fields = {}
        elif line[0] in " \t" and last:
            fields[last] = f"{fields.get(last, '')} {line.strip()}"
        else:
            key, _, value = line.partition(":")
            last = key.strip().lower()
            fields[last] = value.strip()


def _paragraph(file: str, fields: dict[str, str]) -> Iterator[AptSource]:
    if "deb" not in fields.get("types", "").split() or fields.get("enabled", "yes").lower() in _NO:
        return
    options = tuple((key, value.lower()) for key, value in fields.items() if key not in {"uris", "suites", "types"})
    for address in fields.get("uris", "").split():
        for suite in fields.get("suites", "").split():
            yield AptSource(address, suite, file, options)


def _unauthenticated(host: Host) -> Iterator[Problem]:
    managers = host.read(read_system).managers
    if "dpkg" in managers:
        yield from _apt(host)
    if "rpm" in managers:
        yield from _yum(host)


def _apt(host: Host) -> Iterator[Problem]:
    sources = host.read(read_apt_sources)
    for source in sources:
        options = dict(source.options)
        weak = [name for name in ("trusted", "allow-insecure", "allow-weak") if options.get(name) in _YES]
        if weak:
            severity = Severity.LOW if _LOCAL.match(source.address) else Severity.HIGH
            yield Problem(source.name, severity, f"{weak[0]}=yes in {source.file}")
    yield from _apt_options(host)
    if problem := _without_security(host, sources):
        yield problem


def _apt_options(host: Host) -> Iterator[Problem]:
    listed, fault = rows(host, "apt_options")
    for line in listed:
        said = _OPTION.match(line)
        if said is None:
            continue
        name, value = said[1], said[2].lower()
        if (_ALLOW.fullmatch(name) and value in _YES) or (_VERIFY.fullmatch(name) and value in _NO):
            yield Problem(name, Severity.HIGH, line)
    if fault:
        raise Unseen(fault)


def _without_security(host: Host, sources: tuple[AptSource, ...]) -> Problem | None:
    """A release that is fetched by its name from the distribution's own archive, and its security updates are not."""
    release = host.read(read_release)
    if release.id not in {"debian", "ubuntu"} or release.unstable or not release.codename:
        return None
    suites = {source.suite.strip("/") for source in sources}
    names = {release.codename, "stable", "oldstable", "oldoldstable"} & suites
    if not names or any(re.search(r"-security\b|/updates\b", suite) for suite in suites):
        return None
    return Problem("security-suite", Severity.HIGH, f"{min(names)} is fetched, {min(names)}-security is not")


def _yum(host: Host) -> Iterator[Problem]:
    listed, fault = rows(host, "yum_sources")
    settings: dict[tuple[str, str], dict[str, str]] = {}
    file = section = ""
    for line in listed:
        if line.startswith("F\t"):
            file, section = line[2:], ""
        elif line == "E":
            fault = fault or "no-privilege"
        elif (said := line.strip()).startswith("["):
            section = said.strip("[]")
        elif section:
            key, _, value = said.partition("=")
            settings.setdefault((file, section), {})[key.strip().lower()] = value.strip().lower()
    # dnf checks no signature unless it is told to; zypper always does.
    main = {key: value for (_, name), each in settings.items() if name == "main" for key, value in each.items()}
    for (where, name), each in settings.items():
        if name == "main" or each.get("enabled", "1") in _NO or "versionlock" in where:
            continue
        zypp = where.startswith("/etc/zypp/")
        checked = each.get("gpgcheck", each.get("pkg_gpgcheck", "1" if zypp else main.get("gpgcheck", "0")))
        verified = each.get("sslverify", main.get("sslverify", "1"))
        address = each.get("baseurl", "")
        local = _LOCAL.match(address) is not None
        if checked in _NO and each.get("repo_gpgcheck", "0") in _NO:
            yield Problem(name, Severity.LOW if local else Severity.HIGH, f"gpgcheck=0 in {where}")
        elif verified in _NO:
            yield Problem(name, Severity.MEDIUM, f"sslverify=0 in {where}")
    if fault:
        raise Unseen(fault)


def apt_settings(host: Host) -> dict[str, str]:
    """apt's options on sources, its timer and unattended upgrades, by their name in lower case; the first counts.

    Raises:
        Unseen: they could not be asked for.
    """
    found: dict[str, str] = {}
    for line in lines(host.section("apt_options")):
        if said := _OPTION.match(line):
            found.setdefault(said[1].lower(), said[2])
    return found


CHECKS = (
    Check(
        "HOST-PKG-009",
        "Packages come from a source that is not authenticated",
        _unauthenticated,
        "Take the option out where the evidence names it, name the archive's key instead (Signed-By: or gpgkey=, and"
        " gpgcheck=1), then: apt-get update || dnf makecache",
        cis=("1.2.1.1", "1.2.1.2"),
        controls=("2.3",),
        attack=("T1195.002",),
    ),
)
