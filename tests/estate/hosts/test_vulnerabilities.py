from datetime import UTC, datetime

import pytest

from estate.hosts import vulnerabilities
from estate.hosts.host import Unseen
from estate.hosts.packages import LanguagePackage, Packages, SystemPackage
from estate.hosts.vulnerabilities import asked_of, library_vulnerabilities, system_vulnerabilities
from estate.intel.knowledge import Exploited, Knowledge, spell_knowledge
from estate.intel.osv import Affected, Record

GLIBC = SystemPackage("dpkg", "libc6", "2.36-9+deb12u1", "amd64", "glibc", "2.36-9+deb12u1")
REQUESTS = LanguagePackage("PyPI", "requests", "2.30.0", "/opt/app")
ANSWER = ("Debian:12", "glibc", "2.36-9+deb12u1", ("DEBIAN-CVE-2023-4911",))
V3 = ("CVSS_V3", "CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H")


def record(fixed: tuple[str, ...] = ("2.36-9+deb12u3",), **more) -> Record:
    affected = (Affected("Debian:12", "glibc", fixed),)
    return Record("DEBIAN-CVE-2023-4911", "t", ("CVE-2023-4911",), affected=affected, severity=(V3,), **more)


def known(*records: Record, answers=(ANSWER,), **more) -> bytes:
    more.setdefault("kev", {})
    told = Knowledge(datetime(2026, 1, 1, tzinfo=UTC), answers, {one.id: one for one in records}, **more)
    return spell_knowledge(told)


@pytest.fixture
def made(host, monkeypatch: pytest.MonkeyPatch):
    """A host with these packages, of which this is known."""

    def make(document: bytes | None, system=(GLIBC,), languages=(), fault: str = "", ecosystems=("Debian:12",)):
        packages = Packages(None, ecosystems, system, fault, languages, fault)
        monkeypatch.setattr(vulnerabilities, "read_packages", lambda _host: packages)
        return host({}, documents={} if document is None else {"intel": document})

    return make


def problems(check, host) -> tuple[list[tuple[str, str, str]], str]:
    found = []
    try:
        for one in check(host):
            found.append((one.resource, one.severity.value, one.evidence))  # noqa: PERF401  # what came first stands
    except Unseen as unseen:
        return found, unseen.reason
    return found, ""


def test_a_package_is_asked_once_by_source_name_and_source_version() -> None:
    packages = Packages(None, ("Debian:12",), (GLIBC, GLIBC), "", (REQUESTS,), "")
    assert asked_of(packages) == (("Debian:12", "glibc", "2.36-9+deb12u1"), ("PyPI", "requests", "2.30.0"))


def test_a_vulnerability_with_a_fix_is_a_problem_with_both_versions(made) -> None:
    told = ("glibc:CVE-2023-4911", "high", "glibc 2.36-9+deb12u1, fixed in 2.36-9+deb12u3")
    assert problems(system_vulnerabilities, made(known(record()))) == ([told], "")


def test_a_package_without_records_has_passed(made) -> None:
    assert problems(system_vulnerabilities, made(known(answers=((*ANSWER[:3], ()),)))) == ([], "")


def test_without_a_fix_it_counts_only_where_it_is_used_in_attacks(made) -> None:
    assert problems(system_vulnerabilities, made(known(record(())))) == ([], "")
    used = known(record(()), kev={"CVE-2023-4911": Exploited("2023-11-21")})
    found, unseen = problems(system_vulnerabilities, made(used))
    assert ([(name, severity) for name, severity, _ in found], unseen) == ([("glibc:CVE-2023-4911", "critical")], "")


def test_without_the_catalogue_of_attacks_nothing_is_resolved(made) -> None:
    found, unseen = problems(system_vulnerabilities, made(known(record(()), kev=None)))
    assert (found, unseen) == ([], "not-rated")
    assert problems(system_vulnerabilities, made(known(answers=((*ANSWER[:3], ()),), kev=None))) == ([], "")


def test_a_package_whose_name_is_no_text_is_not_asked(made) -> None:
    odd = LanguagePackage("PyPI", "b\udcff", "1.0", "/home/alice")
    assert asked_of(Packages(None, (), (), "", (odd,), "")) == ()
    assert problems(library_vulnerabilities, made(known(), languages=(odd,))) == ([], "not-rated")


def test_what_was_withdrawn_is_nothing(made) -> None:
    assert problems(system_vulnerabilities, made(known(record(withdrawn=True)))) == ([], "")


def test_the_first_fix_above_the_installed_version_is_named(made) -> None:
    fixes = ("2.31-13+deb11u7", "2.37-1", "2.36-9+deb12u3", "not a version!")
    ((_, _, evidence),) = problems(system_vulnerabilities, made(known(record(fixes))))[0]
    assert evidence.endswith("fixed in 2.36-9+deb12u3")


def test_a_likely_attack_makes_it_critical_without_being_in_the_evidence(made) -> None:
    ((_, severity, evidence),) = problems(system_vulnerabilities, made(known(record(), epss={"CVE-2023-4911": 0.6})))[0]
    assert severity == "critical"
    assert "0.6" not in evidence


@pytest.mark.parametrize(
    ("document", "reason"),
    [(None, "not-rated"), (b"{}", "unreadable"), (known(answers=()), "not-rated")],
)
def test_where_nobody_answered_nothing_is_assessed(made, document, reason) -> None:
    assert problems(system_vulnerabilities, made(document)) == ([], reason)


def test_a_list_that_is_not_whole_resolves_nothing(made) -> None:
    found, unseen = problems(system_vulnerabilities, made(known(record()), fault="cut"))
    assert (len(found), unseen) == (1, "cut")


def test_a_distribution_that_the_database_does_not_know_is_not_rated(made) -> None:
    assert problems(system_vulnerabilities, made(known(record()), ecosystems=())) == ([], "not-rated")


def test_a_library_is_named_with_its_place_and_a_step_less_severe(made) -> None:
    affected = (Affected("PyPI", "requests", ("2.31.0",)),)
    one = Record("PYSEC-1", "t", ("CVE-2023-32681",), affected=affected, severity=(V3,))
    document = known(one, answers=(("PyPI", "requests", "2.30.0", ("PYSEC-1",)),))
    found, unseen = problems(library_vulnerabilities, made(document, languages=(REQUESTS,)))
    told = ("requests:CVE-2023-32681:PyPI:/opt/app", "medium", "requests 2.30.0, fixed in 2.31.0")
    assert (found, unseen) == ([told], "")
