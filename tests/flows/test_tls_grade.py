"""Grades and certificates as operators get them: one server, looked at, configured otherwise, looked at again."""

import json
import urllib.request
from collections.abc import Iterator

import pytest

from flows.certificate_expiry import certificate_expiry
from flows.tls_grade import tls_grade
from infra.lab.tls.lab import TlsLab, tls_lab


@pytest.fixture(scope="module")
def lab() -> Iterator[TlsLab]:
    with tls_lab(["switching", "reissued"]) as found:
        yield found


def estate(lab: TlsLab, *names: str, more: str = "") -> str:
    cases = [lab.cases[name] for name in names]
    endpoints = "\n".join(
        f'[[endpoints]]\nhost = "{case.address}"\nport = {case.port}\nname = "{case.sni}"\n' for case in cases
    )
    return f"""
[[scopes]]
name = "lab"
authorised_by = "the tests"
networks = {json.dumps([case.address for case in cases])}
ports = "tcp/{",".join(str(case.port) for case in cases)}"
versions = false

[tls]
roots = "{lab.roots}"

{endpoints}
{more}
"""


NEWEST = {"flow_runs": b'{"sort": "START_TIME_DESC"}', "artifacts": b'{"sort": "CREATED_DESC"}'}


def ask_prefect(url: str, what: str) -> list[dict[str, object]]:
    """The newest of a server that other tests fill as well: it answers with 200 at most."""
    order = urllib.request.Request(f"{url}/{what}/filter", NEWEST[what], {"Content-Type": "application/json"})
    with urllib.request.urlopen(order, timeout=30) as answer:
        found: list[dict[str, object]] = json.load(answer)
    return found


def test_a_server_that_switches_tls_11_on_shows_exactly_that(roundsman, lab, prefect_server) -> None:
    case = lab.cases["switching"]
    lab.reconfigure("switching", ciphers="ECDHE+AESGCM:ECDHE+AES")
    roundsman.describes(estate(lab, "switching"))
    first = roundsman.run("scan", "tls", "--json")
    assert first.code == 0, first.err
    assert (first.said["state"], first.kinds) == ("complete", {"first_observed"})
    grade = f"tls/{case.port}/{case.sni}/grade"
    (told,) = (one for one in first.said["changes"] if one["key"] == grade)
    assert (told["after"]["grade"], told["aspect"], told["asset"]) == ("A+", "tls", f"host:{case.address}")

    lab.reconfigure("switching", protocols="TLSv1.1 TLSv1.2 TLSv1.3")
    second = roundsman.run("scan", "tls", "--json", "--fail-on", "change")
    assert second.code == 1, second.err
    changes = {(one["kind"], one["key"].rpartition(f"{case.sni}/")[2]): one for one in second.said["changes"]}
    assert set(changes) == {("changed", "grade"), ("appeared", "protocol/TLS1.1")}
    assert changes["changed", "grade"]["reason"] == "grade fell from A+ to B: TLS 1.1 is offered"
    assert {one["cause"] for one in second.said["changes"]} == {"estate"}
    assert [one["rule"] for one in second.said["findings"]] == ["tls11-offered"]

    names = {str(run["name"]) for run in ask_prefect(prefect_server, "flow_runs")}
    assert "tls-grade lab, full" in names
    pages = [str(one["data"]) for one in ask_prefect(prefect_server, "artifacts") if one["key"] == "tls-grade-lab"]
    assert any("### Grades" in page and case.address in page for page in pages)
    assert "tls-grade-lab-changes" in {one["key"] for one in ask_prefect(prefect_server, "artifacts")}

    people = roundsman.run("scan", "tls", "--watch")
    assert people.code == 0, people.err
    assert "Nothing changed." in people.out

    lab.reconfigure("switching", protocols="TLSv1.2 TLSv1.3", ciphers="ECDHE+AESGCM:ECDHE+CHACHA20")
    (finding,) = (one for one in second.said["findings"] if one["rule"] == "tls11-offered")
    fixed = roundsman.run("verify", finding["fingerprint"], "--json")
    assert fixed.code == 0, fixed.err
    assert {one["rule"]: one["detection"] for one in fixed.said["findings"]}.get("tls11-offered") in {None, "absent"}
    assert ("gone", "proved") in {(kind, sure) for kind, sure, _, key in fixed.changes if key.endswith("TLS1.1")}


def test_a_certificate_that_is_reissued_with_its_key_is_told_as_that(roundsman, lab, prefect_server) -> None:
    case = lab.cases["reissued"]
    roundsman.describes(estate(lab, "reissued"))
    first = roundsman.run("scan", "certificates", "--json")
    assert first.code == 0, first.err
    place = f"certificate/{case.port}/{case.sni}"
    assert ("first_observed", place) in {(kind, key) for kind, _, _, key in first.changes}
    same = roundsman.run("scan", "certificates", "--json")
    assert same.said["changes"] == []

    lab.reconfigure("reissued", chain="reissued")
    second = roundsman.run("scan", "certificates", "--json")
    (renewal,) = (one for one in second.said["changes"] if one["key"] == place)
    assert renewal["reason"].startswith("reissued with the same key")
    assert "same-key-after-reissue" in {one["rule"] for one in second.said["findings"]}
    pages = [one for one in ask_prefect(prefect_server, "artifacts") if one["key"] == "certificate-expiry-lab"]
    assert any("### Which end when" in str(one["data"]) for one in pages)


def test_all_scans_find_the_port_its_grade_and_its_certificate_in_one_object(roundsman, lab) -> None:
    roundsman.describes(estate(lab, "switching"))
    ran = roundsman.run("scan", "all", "--json")
    assert ran.code == 0, ran.err
    runs = {run["scan"]: run for run in roundsman.run("runs", "--json").said["runs"]}
    assert set(ran.said["runs"]) == {run["id"] for run in runs.values()}
    assert {one["aspect"] for one in ran.said["changes"]} >= {"ports", "tls", "certificate"}
    assert all(runs[scan]["asked"] == runs[scan]["answered"] for scan in ("ports", "tls", "certificates"))


def test_a_scope_without_tls_endpoints_says_so_and_opens_no_run(roundsman) -> None:
    roundsman.describes(
        '[[scopes]]\nname = "lab"\nauthorised_by = "the tests"\nnetworks = ["127.0.0.3"]\nports = "tcp/1"\n'
    )
    never = roundsman.run("scan", "tls", "--json")
    assert (never.code, never.out) == (3, "")
    assert "no TLS endpoint is known in scope 'lab': `roundsman scan ports` finds them" in never.err
    assert json.loads(roundsman.run("runs", "--json").out)["runs"] == []
    everything = roundsman.run("scan", "all", "--json")
    assert everything.code == 0, everything.err
    for what in ("tls", "certificates"):
        swept = roundsman.run("scan", what, "--json")
        assert swept.code == 0
        assert (swept.said["run"], swept.said["state"], swept.said["changes"]) == (None, "complete", [])
        assert "no open port in scope 'lab' is known to speak TLS" in swept.err
    assert not {"tls", "certificates"} & {run["scan"] for run in roundsman.run("runs", "--json").said["runs"]}


@pytest.mark.parametrize(
    ("flow", "fields"),
    [
        (tls_grade, {"Grading": ["scope", "only", "trigger", "profile"]}),
        (certificate_expiry, {"Certificates": ["scope", "only", "trigger"]}),
    ],
)
def test_the_form_explains_every_field(flow, fields) -> None:
    schema = flow.parameters.model_dump()
    assert {name: list(told["properties"]) for name, told in schema["definitions"].items()} == fields
    for definition in schema["definitions"].values():
        for name, told in definition["properties"].items():
            assert told.get("description"), name
            assert told.get("title"), name
