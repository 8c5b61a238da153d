"""Which ports are findings, and how bad each one is."""

import pytest

from estate.assets import Asset, host
from estate.findings import Detection, Severity
from estate.observations import Attributes
from estate.ports.rules import (
    EXPECTED_PORT_CLOSED,
    TARPIT,
    TARPIT_KEY,
    UNEXPECTED_PORT,
    describe,
    expected_port_closed,
    is_tarpit,
    severity,
    tarpit,
    unexpected_port,
)

WEB = host("10.0.0.7")


def probed(service: str, **more: str) -> Attributes:
    return tuple(sorted({"service": service, **more}.items()))


@pytest.mark.parametrize(
    ("key", "rated"),
    [
        ("tcp/2375", Severity.CRITICAL),
        ("tcp/3389", Severity.HIGH),
        ("udp/161", Severity.HIGH),
        ("tcp/161", Severity.MEDIUM),
        ("tcp/22", Severity.MEDIUM),
        ("tcp/443", Severity.LOW),
        ("udp/443", Severity.MEDIUM),
    ],
)
def test_before_anybody_asks_which_service_it_is_the_port_decides(key: str, rated: Severity) -> None:
    assert severity(WEB, key, (), "inside") is rated


@pytest.mark.parametrize(
    ("key", "service", "rated"),
    [
        pytest.param("tcp/40000", "docker", Severity.CRITICAL, id="a docker interface anywhere is critical"),
        pytest.param("tcp/40000", "redis", Severity.HIGH, id="a data store anywhere is high"),
        pytest.param("tcp/40000", "X11", Severity.HIGH, id="in whatever case a tool writes it"),
        pytest.param("tcp/40000", "http", Severity.LOW, id="a web page is low"),
        pytest.param("tcp/443", "http", Severity.LOW, id="at home too"),
        pytest.param("tcp/443", "redis", Severity.HIGH, id="a data store behind a harmless port"),
        pytest.param("tcp/443", "ssh", Severity.MEDIUM, id="a service that is none of either kind is medium"),
        pytest.param("tcp/2375", "http", Severity.CRITICAL, id="the docker interface speaks http"),
        pytest.param("tcp/9200", "http", Severity.HIGH, id="a search index speaks http"),
        pytest.param("tcp/3389", "nobody-knows", Severity.HIGH, id="a service that nobody knows says nothing"),
    ],
)
def test_the_worse_of_the_probed_service_and_the_usual_one_counts(key: str, service: str, rated: Severity) -> None:
    assert severity(WEB, key, probed(service), "inside") is rated


def test_a_service_that_names_no_service_leaves_it_to_the_port() -> None:
    assert severity(WEB, "tcp/443", (("product", "nginx"),), "inside") is Severity.LOW


def test_reached_from_the_internet_it_is_one_step_worse() -> None:
    assert severity(WEB, "tcp/22", (), "internet") is Severity.HIGH
    assert severity(WEB, "tcp/2375", (), "internet") is Severity.CRITICAL
    assert severity(WEB, "tcp/22", (), "dmz") is Severity.MEDIUM


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.9.1", "::1"])
def test_reached_from_nowhere_but_itself_it_is_one_step_better(address: str) -> None:
    assert severity(host(address), "tcp/22", (), "inside") is Severity.LOW
    assert severity(host(address), "tcp/443", (), "inside") is Severity.INFO


@pytest.mark.parametrize("key", ["10.0.0.7", "fd77::6", "web-7.example.org", "localhost"])
def test_only_a_loopback_address_is_reached_from_nowhere_else(key: str) -> None:
    assert severity(host(key), "tcp/22", (), "inside") is Severity.MEDIUM


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ((), "tcp/443"),
        ((("cpe", "cpe:/a:igor_sysoev:nginx"),), "tcp/443"),
        (probed("ssh"), "ssh"),
        (probed("http", tunnel="ssl", product="nginx", version="1.22.1"), "ssl http nginx 1.22.1"),
        (probed("ssh", product="OpenSSH", version="9.2p1", extrainfo="protocol 2.0"), "ssh OpenSSH 9.2p1 protocol 2.0"),
    ],
)
def test_a_port_is_described_as_far_as_it_was_probed(value: Attributes, line: str) -> None:
    assert describe("tcp/443", value) == line


@pytest.mark.parametrize("detection", Detection)
def test_an_open_port_that_nobody_expects_is_a_finding(detection: Detection) -> None:
    ruling = unexpected_port(WEB, "tcp/6379", probed("redis"), detection, expected=False, vantage="inside")

    assert (ruling.rule, ruling.asset, ruling.locator) == (UNEXPECTED_PORT, WEB, "tcp/6379")
    assert (ruling.severity, ruling.detection) == (Severity.HIGH, detection)
    assert (ruling.subject, ruling.evidence) == ("tcp/6379 is open on 10.0.0.7", "redis")


@pytest.mark.parametrize("detection", Detection)
def test_an_open_port_that_is_expected_is_none_whatever_was_seen(detection: Detection) -> None:
    ruling = unexpected_port(WEB, "tcp/6379", (), detection, expected=True, vantage="inside")

    assert ruling.detection is Detection.ABSENT


def test_an_open_port_that_was_not_probed_is_told_by_its_number() -> None:
    ruling = unexpected_port(WEB, "tcp/6379", (), Detection.PRESENT, expected=False, vantage="inside")

    assert (ruling.severity, ruling.evidence) == (Severity.HIGH, "tcp/6379")


def test_who_can_reach_an_unexpected_port_is_part_of_its_severity() -> None:
    ruling = unexpected_port(WEB, "tcp/22", (), Detection.PRESENT, expected=False, vantage="internet")

    assert ruling.severity is Severity.HIGH


@pytest.mark.parametrize("detection", Detection)
def test_an_expected_port_that_is_closed_is_a_finding_about_its_absence(detection: Detection) -> None:
    ruling = expected_port_closed(WEB, "tcp/443", detection, "reset")

    assert (ruling.rule, ruling.asset, ruling.locator) == (EXPECTED_PORT_CLOSED, WEB, "tcp/443")
    assert (ruling.severity, ruling.detection) == (Severity.MEDIUM, detection)
    assert (ruling.subject, ruling.evidence) == ("tcp/443 should answer on 10.0.0.7", "reset")


def test_a_tarpit_is_one_finding_of_the_host() -> None:
    ruling = tarpit(WEB, Detection.PRESENT, "nearly every asked port answered")

    assert (ruling.rule, ruling.asset, ruling.locator) == (TARPIT, WEB, TARPIT_KEY)
    assert (ruling.severity, ruling.detection) == (Severity.MEDIUM, Detection.PRESENT)
    assert (ruling.subject, ruling.evidence) == (
        "every port answers on 10.0.0.7",
        "nearly every asked port answered",
    )


@pytest.mark.parametrize(
    ("open_ports", "asked", "found"),
    [
        pytest.param(128, 128, True, id="every one of many ports"),
        pytest.param(127, 127, False, id="every one of few ports is a server"),
        pytest.param(128, 142, True, id="nine in ten"),
        pytest.param(128, 143, False, id="less than nine in ten is a busy host"),
        pytest.param(900, 1000, True, id="exactly nine in ten"),
        pytest.param(65_535, 65_535, True, id="all ports"),
        pytest.param(0, 0, False, id="nothing asked"),
    ],
)
def test_so_many_open_ports_are_no_services(open_ports: int, asked: int, found: bool) -> None:
    assert is_tarpit(open_ports, asked) is found


def test_findings_of_different_rules_on_one_port_are_told_apart() -> None:
    asset = Asset("host", "web-7")
    rulings = (
        unexpected_port(asset, "tcp/443", (), Detection.PRESENT, expected=False, vantage="inside"),
        expected_port_closed(asset, "tcp/443", Detection.PRESENT, "reset"),
        tarpit(asset, Detection.PRESENT, ""),
    )

    assert len({ruling.fingerprint for ruling in rulings}) == 3
    assert all(ruling.rule.remediation and ruling.rule.title for ruling in rulings)
