import io
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from estate.coverage import Keys, Verdict
from estate.errors import BadReport
from estate.observations import Reading, merge
from estate.ports.nmap import NmapReader, ReportTail
from estate.text import printable

ASKED = Keys.parse("tcp/1-1024,8080")
OPEN = {"tcp/22", "tcp/80", "tcp/443", "tcp/8080"}
HOST = (
    '<host><status state="up" reason="echo-reply" reason_ttl="64"/>\n<address addr="10.0.0.2" addrtype="ipv4"/>\n'
    '<ports><port protocol="tcp" portid="22"><state state="open" reason="syn-ack" reason_ttl="0"/></port>\n'
    "</ports></host>\n"
)


def read(source: bytes | str | Path) -> tuple[list[Reading], NmapReader]:
    if isinstance(source, Path):
        source = source.read_bytes()
    reader = NmapReader(io.BytesIO(source.encode() if isinstance(source, str) else source))
    return list(reader), reader


def report(*hosts: str) -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE nmaprun>\n'
        '<nmaprun scanner="nmap" args="nmap -sS -p 22 10.0.0.2" start="1700000000" version="7.93">\n'
        f'{"".join(hosts)}<runstats><finished time="1700000009" exit="success"/><hosts up="1" down="0" total="1"/>\n'
        "</runstats>\n</nmaprun>\n"
    )


def looks(reading: Reading) -> set[tuple[str, str, str]]:
    return {(look.verdict.word, look.reason, str(look.keys)) for look in reading.looks}


def by_subject(readings: Iterable[Reading]) -> dict[str, Reading]:
    return {reading.subject: reading for reading in readings}


def test_the_head_says_what_was_asked_when_and_by_whom(evidence):
    _, reader = read(evidence / "nmap/versions_on.xml")
    head = reader.head
    assert (head.scanner, head.version, head.asked, head.versions_probed) == ("nmap", "7.93", ASKED, True)
    assert head.args.startswith("nmap -v -T4 -n -p 1-1024,8080 -sV --version-light")
    assert head.started is not None
    assert head.started.tzinfo is UTC
    assert not read(evidence / "nmap/versions_off.xml")[1].head.versions_probed


def test_the_head_is_known_before_the_first_host_is_read(evidence):
    with (evidence / "nmap/all_up.xml").open("rb") as stream:
        reader = NmapReader(stream)
        assert reader.head.asked == ASKED
        assert reader.tail.reason == "unread"


def test_every_port_of_a_host_that_answers_is_present_or_proved_closed(evidence):
    readings, reader = read(evidence / "nmap/all_up.xml")
    assert [reading.subject for reading in readings] == ["10.77.0.2", "10.77.0.3", "10.77.0.4"]
    for reading in readings:
        assert set(reading.present) == OPEN
        assert looks(reading) == {("negative", "reset", "tcp/1-21,23-79,81-442,444-1024")}
    assert reader.tail == ReportTail(True, "success", "", 3, 3, ())


def test_a_connect_scan_proves_the_same_by_refusals(evidence):
    readings, _ = read(evidence / "nmap/connect_scan.xml")
    assert {look[1] for reading in readings for look in looks(reading)} == {"conn-refused"}


def test_a_host_that_is_down_is_blind_not_gone(evidence):
    readings, reader = read(evidence / "nmap/host_down_verbose.xml")
    assert looks(by_subject(readings)["10.77.0.4"]) == {("blind", "host-down", str(ASKED))}
    assert (reader.tail.hosts_up, reader.tail.hosts_total) == (2, 3)


def test_without_v_a_host_that_is_down_is_not_in_the_report(evidence):
    readings, reader = read(evidence / "nmap/host_down_quiet.xml")
    assert set(by_subject(readings)) == {"10.77.0.2", "10.77.0.3"}
    assert (reader.tail.hosts_up, reader.tail.hosts_total) == (2, 3)


def test_a_host_that_timed_out_is_blind(evidence):
    readings, _ = read(evidence / "nmap/host_timeout.xml")
    assert looks(by_subject(readings)["10.77.0.3"]) == {("blind", "host-timeout", str(ASKED))}


@pytest.mark.parametrize("name", ["killed_sigint", "killed_sigkill"])
def test_of_a_killed_scan_whole_hosts_count_and_the_rest_is_not_there(evidence, name):
    readings, reader = read(evidence / f"nmap/{name}.xml")
    assert set(by_subject(readings)) == {"10.77.0.2"}
    assert set(readings[0].present) == OPEN
    assert (reader.tail.complete, reader.tail.reason) == (False, "truncated")


@pytest.mark.parametrize("name", ["no_route_connect", "no_route_connect_pn"])
def test_our_own_missing_route_is_blind_although_every_line_looks_like_an_answer(evidence, name):
    readings, _ = read(evidence / f"nmap/{name}.xml")
    assert [looks(reading) for reading in readings] == [{("blind", "net-unreach", str(ASKED))}] * 3


def test_targets_that_were_never_asked_are_named(evidence):
    readings, reader = read(evidence / "nmap/interface_down.xml")
    assert readings == []
    assert reader.tail.skipped == ("10.77.0.2", "10.77.0.3", "10.77.0.4")
    assert read(evidence / "nmap/unresolvable_name.xml")[1].tail == ReportTail(True, "success", "", 0, 0, ())


def test_a_firewall_that_drops_is_silent_and_one_that_resets_is_a_proof(evidence):
    dropped = by_subject(read(evidence / "nmap/firewall_drop.xml")[0])["10.77.0.3"]
    assert looks(dropped) == {("silent", "no-response", str(ASKED))}
    refused = by_subject(read(evidence / "nmap/firewall_reject_rst.xml")[0])["10.77.0.3"]
    assert looks(refused) == {("negative", "reset", str(ASKED))}


def test_an_icmp_refusal_is_no_proof_that_nothing_listens(evidence):
    rejected = by_subject(read(evidence / "nmap/firewall_reject_icmp.xml")[0])["10.77.0.3"]
    assert looks(rejected) == {("silent", "admin-prohibited", str(ASKED))}
    limited = by_subject(read(evidence / "nmap/firewall_reject_icmp_limited.xml")[0])["10.77.0.3"]
    assert {(look.verdict, look.reason) for look in limited.looks} == {
        (Verdict.SILENT, "no-response"),
        (Verdict.SILENT, "port-unreach"),
    }
    assert not merge("10.77.0.3", ASKED, [limited]).blind


def test_silence_that_one_probe_met_is_weak_but_its_resets_count(evidence):
    readings, _ = read(evidence / "nmap/max_retries_0.xml")
    silent = [look for reading in readings for look in reading.looks if look.verdict is Verdict.SILENT]
    assert silent
    assert all(look.weak for look in silent)
    assert all(any(look.verdict is Verdict.NEGATIVE for look in reading.looks) for reading in readings)


def test_hosts_that_open_leaves_out_are_not_there_and_not_closed(evidence):
    readings, _ = read(evidence / "nmap/open_only.xml")
    assert "10.77.0.3" not in by_subject(readings)


def test_a_narrower_scan_claims_no_more_than_it_asked(evidence):
    readings, reader = read(evidence / "nmap/narrow.xml")
    assert reader.head.asked == Keys.parse("tcp/22,80")
    assert all(reading.looks == () and set(reading.present) == {"tcp/22", "tcp/80"} for reading in readings)


def test_a_ping_scan_judges_no_port(evidence):
    readings, _ = read(evidence / "nmap/ping_scan.xml")
    words = {reading.subject: merge(reading.subject, ASKED, [reading]).blind for reading in readings}
    assert [look.reason for look in words["10.77.0.2"]] == ["not-scanned"]
    assert [look.reason for look in words["10.77.0.4"]] == ["host-down"]
    assert all(looks[0].keys == ASKED for looks in words.values())


def test_tcp_and_udp_of_one_number_are_two_keys(evidence):
    (reading,), _ = read(evidence / "nmap/dns_tcp_udp.xml")
    assert set(reading.present) == {"tcp/53", "udp/53"}
    assert looks(reading) == {("negative", "port-unreach", "udp/123"), ("silent", "no-response", "udp/161")}


def test_a_host_with_an_ipv6_address_only_is_read(evidence):
    (reading,), _ = read(evidence / "nmap/ipv6_only.xml")
    assert reading.subject == "fd77::6"
    assert set(reading.present) == OPEN


def test_a_host_that_was_given_twice_is_read_twice(evidence):
    assert [reading.subject for reading in read(evidence / "nmap/listed_twice.xml")[0]] == ["10.77.0.2"] * 2


def test_only_probed_services_are_attributes(evidence):
    on = by_subject(read(evidence / "nmap/versions_on.xml")[0])["10.77.0.2"].present
    assert on["tcp/22"] == (
        ("cpe", "cpe:/a:openbsd:openssh:9.2p1"),
        ("extrainfo", "protocol 2.0"),
        ("ostype", "Linux"),
        ("product", "OpenSSH"),
        ("service", "ssh"),
        ("version", "9.2p1 Debian 2+deb12u3"),
    )
    assert on["tcp/443"] == ()  # It closed at once: tcpwrapped is not a service.
    off = by_subject(read(evidence / "nmap/versions_off.xml")[0])["10.77.0.2"].present
    assert set(off) == set(on)
    assert set(off.values()) == {()}
    assert set(read(evidence / "nmap/tcpwrapped.xml")[0][0].present.values()) == {()}


def test_a_reverse_name_is_no_identity(evidence):
    before, after = (read(evidence / f"nmap/rdns_{when}.xml")[0] for when in ("before", "after"))
    assert before == after


def test_a_tarpit_is_read_whole(evidence):
    (reading,), _ = read(evidence / "nmap/tarpit.xml")
    assert len(reading.present) == 4096


def test_hostile_banners_are_inert(evidence):
    (reading,), reader = read(evidence / "nmap/hostile_banner.xml")
    assert len(reading.present) == 11
    assert reader.tail.complete
    values = [value for attributes in reading.present.values() for _, value in attributes]
    assert any("<script>" in value for value in values)
    assert values == [printable(value) for value in values]


# How a report begins and ends.


def test_an_empty_file_is_a_scan_that_was_killed_at_once():
    readings, reader = read(b"")
    assert readings == []
    assert reader.head.asked == Keys()
    assert (reader.tail.complete, reader.tail.reason) == (False, "truncated")


def test_nmaps_own_error_is_the_reason():
    text = report().replace('exit="success"', 'exit="error" errormsg="out of &lt;luck&gt;"')
    assert read(text)[1].tail.reason == "error: out of <luck>"


def test_a_report_without_its_last_words_is_not_complete():
    text = report().replace('<finished time="1700000009" exit="success"/>', "")
    assert read(text)[1].tail.reason == "no-finished"


def test_what_stands_before_a_fault_counts_and_the_line_is_named():
    text = report(HOST, HOST, HOST).splitlines(keepends=True)
    text[8] = '<address addr="10.0.0.2  addrtype="ipv4"/>\n'  # What `nmap --resume` leaves behind when it fails.
    readings, reader = read("".join(text))
    assert len(readings) == 1
    assert (reader.tail.complete, reader.tail.reason) == (False, "malformed: line 9")


def test_a_time_that_is_none_is_none_and_a_start_is_utc():
    assert read(report())[1].head.started == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
    assert read(report().replace("1700000000", "yesterday"))[1].head.started is None


@pytest.mark.parametrize(
    "text",
    [b"Starting Nmap 7.93 ( https://nmap.org )\n", b"<html><body/></html>", b"{}", b"\x1f\x8b\x08\x00", b"\0" * 99],
)
def test_what_is_no_report_is_refused_at_once(text):
    with pytest.raises(BadReport, match="no XML report of nmap"):
        read(text)
