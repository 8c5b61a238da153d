"""Known vulnerabilities of a host's packages: OSV's answers, with what KEV and EPSS make of them.

A record without a fix is no finding by itself: OSV's converters make every undecided entry of Debian's and Ubuntu's
trackers one of these. It counts where it is known to be used in attacks.
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from estate.errors import BadReport
from estate.findings import Severity
from estate.hosts.checks import Check, Problem
from estate.hosts.host import Host, Unseen
from estate.hosts.packages import Packages, read_packages
from estate.hosts.versions import BadVersion, compare, manager_of
from estate.intel.knowledge import Knowledge, read_knowledge
from estate.intel.osv import Record
from estate.intel.packages import Asked
from estate.intel.rating import base_severity, rate, score_of

DOCUMENT = "intel"
_KNOWN = "used in attacks (KEV)"
_LIBRARIES = frozenset({"PyPI", "npm", "RubyGems", "Packagist", "Go", "crates.io", "Maven", "NuGet"})


@dataclass(frozen=True, slots=True)
class _Found:
    """One vulnerability of one package, over all the records that tell of it."""

    cve: str
    severity: Severity
    fixed: str
    exploited: bool


def asked_of(packages: Packages) -> tuple[Asked, ...]:
    """What a vulnerability database is asked for a host's packages: each version of each source once."""
    system = (
        Asked(ecosystem, package.source or package.name, package.source_version or package.version)
        for ecosystem in packages.ecosystems
        for package in packages.system
    )
    libraries = (Asked(package.ecosystem, package.name, package.version) for package in packages.languages)
    # What is no text cannot be asked, and stays unanswered.
    return tuple(sorted(one for one in {*system, *libraries} if all(word.isprintable() for word in one)))


def system_vulnerabilities(host: Host) -> Iterator[Problem]:
    """HOST-PKG-005: packages of the distribution."""
    packages = host.read(read_packages)
    if packages.system_fault and not packages.system:
        raise Unseen(packages.system_fault)
    knowledge = _knowledge(host)
    if not packages.ecosystems and packages.system:
        raise Unseen("not-rated")
    wanted = {asked for asked in asked_of(packages) if asked.ecosystem not in _LIBRARIES}
    worst: dict[str, Problem] = {}
    for asked in sorted(wanted):
        for found in _found(knowledge, asked):
            resource = f"{asked.name}:{found.cve}"
            problem = Problem(resource, found.severity, _evidence(asked, found), f"{asked.name} ({found.cve})")
            before = worst.get(resource)
            if before is None or problem.severity.rank > before.severity.rank:
                worst[resource] = problem
    yield from worst.values()
    _whole(knowledge, wanted, packages.system_fault)


def library_vulnerabilities(host: Host) -> Iterator[Problem]:
    """HOST-PKG-011: packages of languages, each where it lies."""
    packages = host.read(read_packages)
    if packages.languages_fault and not packages.languages:
        raise Unseen(packages.languages_fault)
    knowledge = _knowledge(host)
    wanted = {Asked(each.ecosystem, each.name, each.version) for each in packages.languages}
    for package in packages.languages:
        asked = Asked(package.ecosystem, package.name, package.version)
        for found in _found(knowledge, asked):
            yield Problem(
                f"{package.name}:{found.cve}:{package.ecosystem}:{package.path}",
                found.severity.raised(-1) if not found.exploited else found.severity,
                _evidence(asked, found),
                f"{package.name} in {package.path} ({found.cve})",
            )
    _whole(knowledge, wanted, packages.languages_fault)


def _knowledge(host: Host) -> Knowledge:
    text = host.documents.get(DOCUMENT)
    if text is None:
        raise Unseen("not-rated")
    try:
        return read_knowledge(text)
    except BadReport:
        raise Unseen("unreadable") from None


def _whole(knowledge: Knowledge, wanted: Iterable[Asked], fault: str) -> None:
    """Say so where not everything was listed or answered.

    Raises:
        Unseen: then.
    """
    if fault:
        raise Unseen(fault)
    asked_all = list(wanted)
    if any(asked not in knowledge.by_package for asked in asked_all):
        raise Unseen("not-rated")
    # Without the catalogue of what is used in attacks, what has no fix would read as nothing.
    if knowledge.kev is None and any(knowledge.by_package[asked] for asked in asked_all):
        raise Unseen("not-rated")


def _found(knowledge: Knowledge, asked: Asked) -> Iterator[_Found]:
    """What is known of one version of one package, by CVE."""
    records = [knowledge.records[one] for one in knowledge.by_package.get(asked, ()) if one in knowledge.records]
    by_cve: dict[str, list[Record]] = {}
    for record in records:
        if not record.withdrawn:
            for name in record.cves or (record.id,):
                by_cve.setdefault(name, []).append(record)
    for cve, told in sorted(by_cve.items()):
        fixed = _first_fix(asked, told)
        exploited = bool(knowledge.kev and cve in knowledge.kev)
        if not fixed and not exploited:
            continue
        base = base_severity(told, (one.urgency_of(asked.ecosystem, asked.name) for one in told))
        epss = (knowledge.epss or {}).get(cve)
        severity = rate(base, score_of(told), exploited=exploited, epss=epss, fixable=bool(fixed))
        yield _Found(cve, severity, fixed, exploited)


def _first_fix(asked: Asked, records: Iterable[Record]) -> str:
    """The lowest version above the installed one in which a fix came; empty where there is none."""
    versions = {version for record in records for version in record.fixed_in(asked.ecosystem, asked.name)}
    if asked.ecosystem in _LIBRARIES:
        # What orders versions of a language is that language's business; OSV's own answer says that ours is affected.
        return ", ".join(sorted(versions)[:3])
    manager = manager_of(asked.ecosystem)
    best = ""
    for version in sorted(versions):
        # A version that its manager would refuse cannot be installed, so it fixes nothing.
        with suppress(BadVersion):
            if compare(manager, version, asked.version) > 0 and (not best or compare(manager, version, best) < 0):
                best = version
    return best


def _evidence(asked: Asked, found: _Found) -> str:
    words = [f"{asked.name} {asked.version}", f"fixed in {found.fixed}" if found.fixed else "no fix yet"]
    return ", ".join([*words, _KNOWN] if found.exploited else words)


CHECKS: tuple[Check, ...] = (
    Check(
        "HOST-PKG-005",
        "A package has a known vulnerability",
        system_vulnerabilities,
        "Upgrade {first} to the fixed version: apt-get install --only-upgrade, dnf upgrade or apk upgrade.",
        cis=("1.2.2.1",),
        controls=("7.5", "7.6", "7.7"),
        attack=("T1190", "T1068"),
        other=("https://osv.dev/",),
    ),
    Check(
        "HOST-PKG-011",
        "A language's package has a known vulnerability",
        library_vulnerabilities,
        "Upgrade {first} where it lies, and the lock file that asks for it.",
        controls=("7.4",),
        attack=("T1195.001",),
        other=("https://osv.dev/",),
    ),
)
