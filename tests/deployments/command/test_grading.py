"""`roundsman grade` on real servers: its object, its words, its exit codes, and whom it may ask."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from estate.store.rows import STATEMENT
from estate.store.surroundings import open_surroundings
from infra.lab.tls.case import Case
from infra.lab.tls.lab import TlsLab, tls_lab

SCOPE = """
[[scopes]]
name = "lab"
authorised_by = "the tests"
networks = {networks}
ports = "tcp/443"
"""


@pytest.fixture(scope="module")
def lab() -> Iterator[TlsLab]:
    with tls_lab(["perfect", "perfect-ipv6", "tls11-on", "plaintext", "closed"]) as found:
        yield found


@pytest.fixture
def grade(roundsman, lab: TlsLab):
    def ask(*arguments: str, roots: bool = True):
        return roundsman("grade", *arguments, *(("--roots", str(lab.roots)) if roots else ()))

    return ask


@pytest.fixture
def permit(roundsman):
    def write(*networks: str, more: str = "") -> None:
        roundsman.describes(SCOPE.format(networks=json.dumps(networks)) + more)

    return write


def named(case: Case) -> tuple[str, ...]:
    assert case.sni is not None
    return (case.endpoint, "--name", case.sni)


def statements() -> list[tuple[str, str, datetime]]:
    database = open_surroundings().database
    with database.read() as connection:
        rows = connection.execute(select(STATEMENT.c.target, STATEMENT.c.stated_by, STATEMENT.c.stated_at))
        found = [tuple(row) for row in rows]
    database.engine.dispose()
    return found


def test_a_grade_is_one_object_with_every_reason(grade, permit, lab: TlsLab) -> None:
    case = lab.cases["tls11-on"]
    permit(case.address)
    ran = grade(*named(case), "--json")
    assert ran.code == 0, ran.err
    told = ran.said
    assert next(iter(told)) == "endpoint"
    assert {"grade", "grade_trust_ignored", "not_gradable", "reasons", "scores", "advice", "mozilla"} <= set(told)
    assert (told["endpoint"], told["name"], told["grade"]) == (case.endpoint, case.sni, "B")
    assert "tls11-offered" in {reason["rule"] for reason in told["reasons"]}
    assert all(reason["effect"] and reason["evidence"] for reason in told["reasons"])
    assert "nginx" in {name for advice in told["advice"] for name in advice["snippets"]}
    assert told["certificate"]["names"] == [case.sni]
    assert told["addresses"] == [{"address": case.address, "grade": "B"}]
    assert statements() == []


def test_people_are_told_the_grade_its_reasons_and_what_to_do(grade, permit, lab: TlsLab) -> None:
    case = lab.cases["tls11-on"]
    permit(case.address)
    ran = grade(*named(case), "--fail-under", "A")
    assert ran.code == 1, ran.err
    assert ran.out.startswith("B ")
    assert "TLS 1.1" in ran.out
    assert "to do:" in ran.out


def test_what_is_good_enough_passes(grade, permit, lab: TlsLab) -> None:
    case = lab.cases["perfect"]
    permit(case.address)
    ran = grade(*named(case), "--fail-under", "A+", "--json")
    assert ran.code == 0, ran.err
    assert ran.said["reasons"] == []


def test_without_the_operators_roots_nobody_trusts_it(grade, permit, lab: TlsLab) -> None:
    case = lab.cases["perfect"]
    permit(case.address)
    ran = grade(*named(case), "--json", "--fail-under", "A", roots=False)
    told = ran.said
    assert (ran.code, told["grade"], told["grade_trust_ignored"]) == (1, "T", "A+")


def test_another_name_is_a_mismatch(grade, permit, lab: TlsLab) -> None:
    case = lab.cases["perfect"]
    permit(case.address)
    ran = grade(case.endpoint, "--name", "other.example", "--json")
    assert ran.said["grade"] == "M"


def test_an_ipv6_endpoint_is_written_in_brackets(grade, permit, lab: TlsLab) -> None:
    case = lab.cases["perfect-ipv6"]
    permit("::1/128")
    ran = grade(*named(case), "--json")
    assert ran.code == 0, ran.err
    assert ran.said["endpoint"] == f"[::1]:{case.port}"


@pytest.mark.parametrize(("name", "words"), [("plaintext", "TLS"), ("closed", "the port is closed")])
def test_what_speaks_no_tls_has_no_grade_but_a_reason(grade, permit, lab: TlsLab, name: str, words: str) -> None:
    case = lab.cases[name]
    permit(case.address)
    ran = grade(case.endpoint, "--json", "--fail-under", "A")
    told = ran.said
    assert (ran.code, told["grade"], told["grade_trust_ignored"]) == (3, None, None)
    assert told["not_gradable"]
    assert words in told["not_gradable"]
    assert grade(case.endpoint).out.startswith("no grade")


def test_starttls_is_asked_for_where_it_is_named(grade, permit, lab: TlsLab) -> None:
    case = lab.cases["plaintext"]
    permit(case.address)
    ran = grade(case.endpoint, "--starttls", "smtp", "--json")
    told = ran.said
    assert (ran.code, told["starttls"], told["grade"]) == (3, "smtp", None)


def test_an_address_at_which_nothing_listens_takes_no_grade_away(
    grade, permit, lab: TlsLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = lab.cases["perfect"]
    assert case.sni is not None
    monkeypatch.setattr("tasks.names.resolve", lambda name: (case.address, "127.0.80.77"))
    permit("127.0.80.0/24")
    ran = grade(f"{case.sni}:{case.port}", "--json")
    assert (ran.code, ran.said["grade"]) == (0, "A+")
    assert [one["grade"] for one in ran.said["addresses"]] == ["A+", None]


@pytest.mark.parametrize("more", [(), ("--json",)])
def test_outside_every_scope_nothing_is_sent_without_a_statement(grade, lab: TlsLab, more: tuple[str, ...]) -> None:
    ran = grade(*named(lab.cases["perfect"]), *more)
    assert (ran.code, ran.out) == (4, "")
    assert "--i-may-scan-this" in ran.err
    assert statements() == []


def test_a_statement_is_kept_with_its_user_and_time(grade, lab: TlsLab) -> None:
    case = lab.cases["perfect"]
    began = datetime.now(UTC)
    ran = grade(*named(case), "--i-may-scan-this", "--json")
    assert (ran.code, ran.said["grade"]) == (0, "A+"), ran.err
    ((target, who, when),) = statements()
    assert (target, who) == (case.address, "ada")
    assert began <= when <= datetime.now(UTC)


@pytest.mark.parametrize("excluded", ["127.0.80.0/24", "switch.invalid"])
def test_what_is_excluded_stays_refused_whatever_anybody_says(grade, permit, lab: TlsLab, excluded: str) -> None:
    declared = '\n[[assets]]\nname = "switch.invalid"\naddresses = ["{}"]\n'.format(lab.cases["perfect"].address)
    permit("10.0.0.0/8", more=f'exclude = ["{excluded}"]\n{declared}')
    ran = grade(*named(lab.cases["perfect"]), "--i-may-scan-this")
    assert (ran.code, ran.out) == (4, "")
    assert "excluded" in ran.err
    assert statements() == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("127.0.0.1:0",), "'0' is not a port"),
        (("127.0.0.1:65536",), "'65536' is not a port"),
        (("127.0.0.1:",), "'' is not a port"),
        (("127.0.0.1:https",), "'https' is not a port"),
        (("[::1]8443",), "write [IPv6]:PORT"),
        (("-oX",), ""),
        (("two words",), ""),
        (("127.0.0.1", "--fail-under", "A++"), "is no grade"),
        (("127.0.0.1", "--roots", "/nowhere.pem"), "/nowhere.pem"),
        (("127.0.0.1", "--starttls", "gopher"), "gopher"),
    ],
)
def test_wrong_use_is_told_before_anything_is_sent(roundsman, arguments: tuple[str, ...], words: str) -> None:
    ran = roundsman("grade", *arguments, "--i-may-scan-this")
    assert ran.code == 2
    assert words in ran.err
    assert statements() == []
