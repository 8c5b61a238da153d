"""The table beside testssl.sh: agreements in a line, and no difference without its reason."""

import json

import pytest

from infra.lab.tls.beside_testssl import Judged, read, table
from infra.lab.tls.catalogue import PLANS
from infra.lab.tls.departures import REPRESENTATIVES, departure


def case(name):
    return PLANS[name].case("127.0.80.1", 443)


def test_agreements_are_a_line_and_differences_have_a_row_with_the_reason():
    judged = {"perfect": Judged("A+"), "dh512": Judged("A-"), "expired": Judged("A", ("capped|oddly",))}
    page = table([case(name) for name in judged], judged, "testssl.sh 3.2.3")
    assert "(1 of 3):** perfect." in page
    rows = {line.split(" | ")[0]: line for line in page.splitlines() if line.startswith("| ")}
    assert "its scale knows no DHE" in rows["| dh512"]
    assert "not explained: capped\\|oddly" in rows["| expired"]
    assert "| perfect" not in rows


def test_starttls_is_never_trusted_by_its_authors_policy():
    assert "policy" in departure(case("imap-starttls"), "T")
    assert departure(case("imap-starttls"), "B") == ""


def test_every_representative_is_a_server_of_the_lab():
    assert set(REPRESENTATIVES) <= set(PLANS)


def test_a_report_is_read_for_its_grade_and_what_capped_it(tmp_path):
    path = tmp_path / "x.json"
    path.write_text(
        json.dumps(
            [{"id": "overall_grade", "finding": "B"}, {"id": "grade_cap_reason_1", "finding": "TLS 1.1 offered"}, 7]
        )
    )
    assert read(path) == Judged("B", ("TLS 1.1 offered",))


@pytest.mark.parametrize("text", [None, "", "[", '[{"id": "scanProblem", "finding": "no TLS"}]'])
def test_a_report_without_a_grade_says_why(tmp_path, text):
    path = tmp_path / "x.json"
    if text is not None:
        path.write_text(text)
    found = read(path)
    assert found.grade is None
    assert found.reasons
