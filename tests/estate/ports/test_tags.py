import io

import pytest

from estate.coverage import Keys
from estate.observations import Reading, merge
from estate.ports.nmap import NmapReader

SYN = '<scaninfo type="syn" protocol="tcp" numservices="30" services="1-30"/>'
UP = '<status state="up" reason="echo-reply" reason_ttl="64"/>\n<address addr="10.0.0.2" addrtype="ipv4"/>\n'


def read(text: str) -> tuple[list[Reading], NmapReader]:
    reader = NmapReader(io.BytesIO(text.encode()))
    return list(reader), reader


def report(*hosts: str, args: str = "nmap -v -sS -p 1-30 10.0.0.2", info: str = SYN, scanner: str = "nmap") -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE nmaprun>\n'
        f'<nmaprun scanner="{scanner}" args="{args}" start="1700000000" version="7.93" xmloutputversion="1.05">\n'
        f"{info}\n" + "".join(f"<host>{host}</host>\n" for host in hosts) + '<runstats><finished time="1700000009" '
        'exit="success"/><hosts up="1" down="0" total="1"/>\n</runstats>\n</nmaprun>\n'
    )


def port(number: int, state: str, reason: str, protocol: str = "tcp", rest: str = "") -> str:
    return (
        f'<port protocol="{protocol}" portid="{number}"><state state="{state}" reason="{reason}" reason_ttl="0"/>'
        f"{rest}</port>\n"
    )


def extra(state: str, count: int, *reasons: str) -> str:
    return f'<extraports state="{state}" count="{count}">\n{"".join(reasons)}</extraports>\n'


def one(*ports: str, **options: str) -> Reading:
    (reading,), _ = read(report(f"{UP}<ports>{''.join(ports)}</ports>\n", **options))
    return reading


def looks(reading: Reading) -> set[tuple[str, str, str]]:
    return {(look.verdict.word, look.reason, str(look.keys)) for look in reading.looks}


def test_ranges_and_listed_ports_of_one_state_are_one_look():
    reading = one(
        extra("closed", 26, '<extrareasons reason="reset" count="26" proto="tcp" ports="1-21,26-30"/>\n'),
        port(22, "open", "syn-ack"),
        port(23, "closed", "reset"),
        port(24, "filtered", "no-response"),
        port(25, "filtered", "admin-prohibited"),
    )
    assert set(reading.present) == {"tcp/22"}
    assert looks(reading) == {
        ("negative", "reset", "tcp/1-21,23,26-30"),
        ("silent", "no-response", "tcp/24"),
        ("silent", "admin-prohibited", "tcp/25"),
    }


def test_counts_alone_speak_where_nothing_else_can_be_meant():
    old = extra("closed", 29, '<extrareasons reason="resets" count="29"/>\n')
    assert looks(one(old, port(22, "open", "syn-ack"))) == {("negative", "reset", "tcp/1-21,23-30")}
    bare = extra("filtered", 29)
    assert looks(one(bare, port(22, "open", "syn-ack"))) == {("silent", "no-response", "tcp/1-21,23-30")}
    mixed = extra(
        "filtered",
        29,
        '<extrareasons reason="no-responses" count="20"/>\n',
        '<extrareasons reason="net-unreaches" count="9"/>\n',
    )
    assert looks(one(mixed, port(22, "open", "syn-ack"))) == {("blind", "net-unreach", "tcp/1-21,23-30")}


@pytest.mark.parametrize(
    "ports",
    [
        (extra("closed", 28, '<extrareasons reason="resets" count="28"/>\n'), port(22, "open", "syn-ack")),
        (extra("closed", 20), extra("filtered", 9), port(22, "open", "syn-ack")),
        (extra("closed", 29, '<extrareasons reason="resets" count="29"/>\n'),),
    ],
)
def test_counts_that_could_mean_several_ports_say_nothing(ports):
    reading = one(*ports)
    assert reading.looks == ()
    assert merge("10.0.0.2", Keys.parse("tcp/1-30"), [reading]).blind[0].reason == "not-in-report"


def test_ranges_without_a_protocol_are_of_the_only_one_that_was_asked():
    ranged = extra("closed", 2, '<extrareasons reason="reset" count="2" ports="5-6"/>\n')
    assert looks(one(ranged)) == {("negative", "reset", "tcp/5-6")}
    both = SYN + '<scaninfo type="udp" protocol="udp" numservices="1" services="53"/>'
    assert one(ranged, info=both).looks == ()


def test_an_ack_scan_sees_no_port():
    info = SYN.replace('"syn"', '"ack"')
    assert looks(one(port(22, "unfiltered", "reset"), info=info)) == {("blind", "unfiltered", "tcp/22")}


@pytest.mark.parametrize("kind", ["fin", "null", "xmas", "maimon", "window", "ack"])
def test_a_scan_that_infers_proves_no_absence(kind):
    info = SYN.replace('"syn"', f'"{kind}"')
    assert looks(one(port(22, "closed", "reset"), info=info)) == {("blind", f"{kind}-scan", "tcp/22")}


def test_a_window_scan_does_not_even_prove_presence():
    reading = one(port(22, "open", "reset"), info=SYN.replace('"syn"', '"window"'))
    assert reading.present == {}
    assert looks(reading) == {("blind", "window-scan", "tcp/22")}


def test_a_host_that_only_neighbour_discovery_calls_down_was_asked():
    down = '<status state="down" reason="no-response" reason_ttl="0"/>\n<address addr="10.0.0.2" addrtype="ipv4"/>\n'
    (pinged,), _ = read(report(down))
    assert looks(pinged) == {("blind", "host-down", "tcp/1-30")}
    (unpinged,), _ = read(report(down, args="nmap -v -Pn -sS -p 1-30 10.0.0.2"))
    assert looks(unpinged) == {("silent", "host-down", "tcp/1-30")}
    assert unpinged.looks[0].weak


def test_where_nothing_answered_an_unreachable_host_is_away_and_elsewhere_it_is_a_firewall():
    declared = UP.replace("echo-reply", "user-set")
    silence = port(22, "filtered", "host-unreach") + port(23, "filtered", "no-response")
    (away,), _ = read(report(f"{declared}<ports>{silence}</ports>"))
    assert looks(away) == {("silent", "host-down", "tcp/22-23")}
    (walled,), _ = read(report(f"{declared}<ports>{silence}{port(24, 'closed', 'reset')}</ports>"))
    assert ("silent", "host-unreach", "tcp/22") in looks(walled)
    (answering,), _ = read(report(f"{UP}<ports>{silence}</ports>"))
    assert ("silent", "host-unreach", "tcp/22") in looks(answering)


def test_in_a_connect_scan_where_nothing_answered_prohibited_is_what_our_own_routes_say():
    declared = UP.replace("echo-reply", "user-set")
    host = f"{declared}<ports>{port(22, 'filtered', 'admin-prohibited')}</ports>"
    (ours,), _ = read(report(host, info=SYN.replace('"syn"', '"connect"')))
    assert looks(ours) == {("blind", "admin-prohibited", "tcp/22")}
    (theirs,), _ = read(report(host))
    assert looks(theirs) == {("silent", "admin-prohibited", "tcp/22")}


def test_where_the_way_broke_silence_proves_nothing_but_answers_do():
    reading = one(
        port(22, "open", "syn-ack"),
        port(23, "closed", "reset"),
        port(24, "filtered", "no-response"),
        port(25, "filtered", "net-unreach"),
    )
    assert set(reading.present) == {"tcp/22"}
    assert looks(reading) == {("negative", "reset", "tcp/23"), ("blind", "net-unreach", "tcp/24-25")}


def test_ports_that_a_timed_out_host_still_lists_count():
    host = f"{UP}<ports>{port(22, 'open', 'syn-ack')}{port(23, 'closed', 'reset')}</ports>"
    (reading,), _ = read(report(host).replace("<host>", '<host timedout="true">'))
    assert set(reading.present) == {"tcp/22"}
    assert looks(reading) == {("negative", "reset", "tcp/23"), ("blind", "host-timeout", "tcp/1-21,24-30")}


def test_a_host_without_ports_is_blind_for_the_reason_that_the_command_line_gives():
    assert looks(read(report(UP))[0][0]) == {("blind", "no-ports", "tcp/1-30")}
    assert looks(read(report(UP, args="nmap -sn 10.0.0.2"))[0][0]) == {("blind", "not-scanned", "tcp/1-30")}
    listed = UP.replace('"up" reason="echo-reply"', '"unknown" reason="user-set"')
    assert looks(read(report(listed, args="nmap -sL 10.0.0.2"))[0][0]) == {("blind", "not-scanned", "tcp/1-30")}


def test_ip_protocols_are_no_ports():
    info = '<scaninfo type="ipproto" protocol="ip" numservices="2" services="1-2"/>'
    reading = one(port(1, "open", "echo-reply", "ip"), port(2, "closed", "proto-unreach", "ip"), info=info)
    assert (reading.present, reading.looks) == ({}, ())


@pytest.mark.parametrize(
    ("args", "probed"), [("nmap -sSV x", True), ("nmap -A x", True), ("nmap -sS --script V", False)]
)
def test_the_command_line_says_whether_versions_were_asked_for(args, probed):
    assert read(report(args=args))[1].head.versions_probed is probed


def test_services_of_other_elements_are_not_the_ports():
    service = '<service name="ssh" product="x" method="probed" conf="10"/>'
    os = '<os><osmatch name="n" accuracy="9" line="1"><osclass><cpe>cpe:/o:linux</cpe></osclass></osmatch></os>'
    host = f"{UP}<ports>{port(22, 'open', 'syn-ack', rest=service)}</ports>\n{os}\n"
    (reading,), _ = read(report(host))
    assert reading.present == {"tcp/22": (("product", "x"), ("service", "ssh"))}


def test_ipv4_is_the_subject_and_other_addresses_and_the_name_that_was_asked_are_notes():
    addresses = (
        '<address addr="FD00::1" addrtype="ipv6"/><address addr="00:00:5E:00:53:01" addrtype="mac"/>'
        '<address addr="10.0.0.9" addrtype="ipv4"/>'
    )
    names = '<hostnames><hostname name="web" type="user"/><hostname name="other" type="PTR"/></hostnames>'
    host = (
        f'<status state="up" reason="x" reason_ttl="0"/>{addresses}{names}<ports>{port(22, "open", "syn-ack")}</ports>'
    )
    (reading,), _ = read(report(host))
    assert reading.subject == "10.0.0.9"
    assert reading.notes == (("address", "fd00::1"), ("asked-as", "web"))


def test_a_host_that_has_only_a_hardware_address_is_left_out():
    assert read(report('<address addr="00:00:5E:00:53:01" addrtype="mac"/>'))[0] == []


def test_masscan_reports_only_what_answered():
    hosts = "".join(
        f'<host endtime="1"><address addr="10.0.0.2" addrtype="ipv4"/><ports><port protocol="tcp" portid="{number}">'
        f'<state state="{state}" reason="x" reason_ttl="5"/></port></ports></host>\n'
        for number, state in ((80, "open"), (443, "open"), (81, "closed"))
    )
    text = (
        '<?xml version="1.0"?>\n<!-- masscan v1.0 scan -->\n<nmaprun scanner="masscan" start="1700000000" '
        'version="1.0-BETA"  xmloutputversion="1.03">\n<scaninfo type="syn" protocol="tcp" />\n'
        f'{hosts}<runstats>\n<finished time="1" timestr="x" elapsed="2" />\n<hosts up="3" down="0" total="3" />\n'
        "</runstats>\n</nmaprun>\n"
    )
    readings, reader = read(text)
    assert [(reading.subject, set(reading.present)) for reading in readings] == [
        ("10.0.0.2", {"tcp/80"}),
        ("10.0.0.2", {"tcp/443"}),
        ("10.0.0.2", set()),
    ]
    assert all(reading.looks == () for reading in readings)
    assert reader.head.scanner == "masscan"
    assert reader.tail.complete


def test_the_look_is_numbered_as_the_caller_says():
    reader = NmapReader(io.BytesIO(report(f"{UP}<ports>{port(22, 'open', 'syn-ack')}</ports>").encode()), look=3)
    assert next(iter(reader)).look == 3


def test_what_stands_between_hosts_belongs_to_none():
    host = f"{UP}<ports>{port(22, 'open', 'syn-ack')}</ports>"
    stray = port(23, "open", "syn-ack") + '<address addr="10.0.0.3" addrtype="ipv4"/><hostname name="x" type="user"/>'
    readings, _ = read(report(host, host).replace("</host>\n", f"</host>\n{stray}"))
    assert [(reading.subject, set(reading.present), reading.notes) for reading in readings] == [
        ("10.0.0.2", {"tcp/22"}, ())
    ] * 2
