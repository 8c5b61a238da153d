"""What may be sent to SSL Labs, what its reports say, and how its grades stand beside ours."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO

import pytest

from estate.coverage import Verdict
from estate.errors import BadReport
from estate.evidence import Document, Notes
from estate.tls.facts import explain_grade
from estate.tls.shard import Endpoint, TlsShard, sights
from estate.tls.ssllabs import Given, read_ssllabs, secret_because
from infra.lab.tls_rounds import chain, roots, shown, silence, told_by

NOW = datetime.now(UTC).replace(microsecond=0)
WEB = Endpoint("a.example", "198.41.0.4", 443, "a.example")
GRADE, DIFFERS = "tls/443/a.example/grade", "tls/443/a.example/weakness/ssllabs-differs"
PUBLIC = ("198.41.0.4", "2001:503:ba3e::2:30")


@pytest.mark.parametrize(
    "name",
    [
        "intranet",
        "db.local",
        "x.internal",
        "nas.lan",
        "ad.corp",
        "router.home.arpa",
        "a.localhost",
        "10.0.0.1",
        None,
        "4.3.2.1.in-addr.arpa",
        "x.test",
        "hidden.onion",
        "web.intranet.",
    ],
)
def test_a_name_of_the_house_is_never_sent_wherever_it_points(name):
    assert secret_because(name, PUBLIC)


@pytest.mark.parametrize(
    "address",
    [
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "127.0.0.1",
        "169.254.1.1",
        "100.64.0.1",
        "192.0.2.1",
        "224.0.0.1",
        "::1",
        "fe80::1",
        "fe80::1%eth0",
        "fd00::1",
        "::ffff:10.0.0.1",
        "2002:a00:1::1",
        "ff02::1",
        "0.0.0.0",
        "nonsense",
    ],
)
def test_a_name_that_points_inside_is_never_sent_even_if_it_points_outside_too(address):
    assert "not public" in secret_because("www.roundsman.dev", (PUBLIC[0], address))


def test_a_public_name_at_public_addresses_may_be_sent():
    assert secret_because("www.roundsman.dev", PUBLIC) == ""
    assert secret_because("www.roundsman.dev", ()) == "www.roundsman.dev resolves to nothing"


def report(*endpoints, status="READY", **more):
    return {"host": "a.example", "status": status, "criteriaVersion": "2009r", "endpoints": list(endpoints), **more}


def graded(address, grade, **more):
    return {"ipAddress": address, "statusMessage": "Ready", "grade": grade, **more}


def document(told, failed=""):
    return BytesIO(json.dumps({"asked": "a.example", "failed": failed, "report": told}).encode())


def test_each_address_has_its_grade_or_the_reason_why_not():
    opinion = read_ssllabs(
        document(
            report(
                graded("198.41.0.4", "T", gradeTrustIgnored="A"),
                graded("2001:0503:BA3E::2:30", "B", details={"certChains": []}),
                {"ipAddress": "198.41.0.5", "statusMessage": "Unable to connect to the server"},
            )
        )
    )
    assert opinion.at("198.41.0.4") == Given("T", "A")
    assert opinion.at("2001:503:ba3e::2:30") == Given("B", "B")
    assert opinion.at("198.41.0.5") == "Unable to connect to the server"
    assert opinion.at("198.41.0.6") == "SSL Labs saw another address"
    assert opinion.criteria == "2009r"


def test_without_a_report_the_reason_stands_for_every_address():
    assert read_ssllabs(document(None, "out of time")).at("198.41.0.4") == "out of time"
    error = report(status="ERROR", statusMessage="Unable to resolve domain name")
    assert read_ssllabs(document(error)).at("198.41.0.4") == "Unable to resolve domain name"
    assert read_ssllabs(document(report())).at("198.41.0.4") == "no address was assessed"
    assert read_ssllabs(document(report(graded("198.41.0.4", "Z")))).at("198.41.0.4") == "Ready"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"\xff",
        b'{"asked": 1, "failed": "", "report": null}',
        b"[" * 5000,
        b'{"asked": "a", "failed": "", "report": {"host": "a", "status": "READY", "endpoints": [{"grade": "A"}]}}',
    ],
)
def test_what_is_no_report_is_refused_in_words(body):
    with pytest.raises(BadReport, match="not an SSL Labs report"):
        read_ssllabs(BytesIO(body))


def seen(told, said, *, second=("a.example",), endpoint=WEB):
    shard = TlsShard((endpoint,), "full", roots(), second)
    documents = [told_by(endpoint, NOW, said)]
    if told is not None:
        documents.append(Document("ssllabs", 0, told))
    (sight,) = sights(shard, documents, Notes())
    return sight


@pytest.fixture(scope="module")
def good():
    return shown(chain("a.example"))


def test_another_grade_is_a_weakness_that_says_both(good):
    sight = seen(document(report(graded(WEB.address, "B"))), good)
    assert dict(sight.present[DIFFERS]) == {"found": "ours is A+, SSL Labs' is B"}
    assert dict(sight.present[GRADE])["ssllabs"] == "B"


def test_the_same_grade_is_none(good):
    sight = seen(document(report(graded(WEB.address, "A+"))), good)
    assert DIFFERS not in sight.present
    assert (sight.verdict(DIFFERS).verdict, sight.verdict(DIFFERS).reason) == (Verdict.NEGATIVE, "the grades agree")


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        (None, "SSL Labs: was not asked"),
        (document(None, "out of time"), "SSL Labs: out of time"),
        (document(report(graded("198.41.0.9", "A"))), "SSL Labs: SSL Labs saw another address"),
    ],
)
def test_where_it_gave_no_grade_nothing_is_known_of_a_difference(good, told, reason):
    sight = seen(told, good)
    assert (sight.verdict(DIFFERS).verdict, sight.verdict(DIFFERS).reason) == (Verdict.BLIND, reason)
    assert "ssllabs" not in dict(sight.present[GRADE])


def test_a_server_without_tls_has_no_difference_and_one_without_a_grade_of_ours_an_unknown_one(good):
    theirs = report(graded(WEB.address, "A"))
    assert seen(document(theirs), silence("refused")).verdict(DIFFERS).verdict is Verdict.NEGATIVE
    dark = {**good, "hsts": {"state": "blind", "reason": "reset"}}
    assert seen(document(theirs), dark).verdict(DIFFERS).reason == "no grade of ours"


@pytest.mark.parametrize(
    ("second", "endpoint"),
    [((), WEB), (("a.example",), replace(WEB, port=8443)), (("a.example",), replace(WEB, starttls="smtp"))],
)
def test_who_is_not_asked_about_has_no_such_key(good, second, endpoint):
    sight = seen(document(report(graded(WEB.address, "B"))), good, second=second, endpoint=endpoint)
    assert f"tls/{endpoint.port}/a.example/weakness/ssllabs-differs" not in sight.asked
    assert not any(key.endswith("ssllabs-differs") for key in sight.present)


def test_a_plan_remembers_whom_it_asks_about():
    shard = TlsShard((WEB,), "full", "", ("a.example",))
    assert TlsShard.from_json(shard.to_json()) == shard
    assert "second" not in TlsShard((WEB,), "full").to_json()


def test_a_change_of_their_grade_alone_is_told_as_that():
    before, after = (("grade", "A"), ("ssllabs", "A")), (("grade", "A"), ("ssllabs", "B"))
    assert explain_grade(before, after) == "grade is still A: SSL Labs' went from A to B"
