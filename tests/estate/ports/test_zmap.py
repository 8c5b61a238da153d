import io
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from estate.coverage import Keys
from estate.errors import BadReport
from estate.observations import Reading
from estate.ports.zmap import ZmapReport, read_zmap

EVIDENCE = Path(__file__).parents[2] / "evidence/zmap"
HTTP = Keys.parse("tcp/80")
WHOLE = (EVIDENCE / "port_80_whole.json").read_bytes()


def read(results: bytes, metadata: bytes | None, port: int | None = None) -> tuple[list[Reading], ZmapReport]:
    stream = None if metadata is None else io.BytesIO(metadata)
    report = read_zmap(io.BytesIO(results), stream, port=port)
    return list(report), report


def evidence(name: str) -> tuple[list[Reading], ZmapReport]:
    metadata = EVIDENCE / f"{name}.json"
    return read((EVIDENCE / f"{name}.csv").read_bytes(), metadata.read_bytes() if metadata.exists() else None)


def changed(**values: object) -> bytes:
    """The metadata of a whole run with no answers, with these fields changed; None takes one away."""
    found = {**json.loads(WHOLE), "success_unique": 0, **values}
    return json.dumps({name: value for name, value in found.items() if value is not None}).encode()


def answers(readings: list[Reading]) -> dict[str, str]:
    """Each host and what it said: its open ports, or the reason of a refusal."""
    return {
        reading.subject: " ".join(reading.present) or " ".join(look.reason for look in reading.looks)
        for reading in readings
    }


def test_a_whole_run_has_answers_and_a_silence_that_counts_as_a_sweeps():
    readings, report = evidence("port_80_whole")
    assert answers(readings) == dict.fromkeys(("10.77.0.2", "10.77.0.3", "10.77.0.4"), "tcp/80")
    assert (report.asked, report.silence, report.reason) == (HTTP, HTTP, "sweep")
    assert report.started == datetime(2026, 11, 24, 15, 23, tzinfo=UTC)
    assert report.covers("10.77.0.200")
    assert not report.covers("10.77.1.1")
    assert not report.covers("fd77::6")


def test_a_refusal_is_a_proof():
    readings, report = evidence("port_80_later")
    assert answers(readings) == {"10.77.0.2": "tcp/80", "10.77.0.3": "reset"}
    assert str(readings[1].looks[0].keys) == "tcp/80"
    assert report.silence == HTTP


def test_a_plain_list_of_addresses_are_successes():
    readings, report = evidence("open_only")
    assert set(answers(readings).values()) == {"tcp/80"}
    assert len(readings) == 3
    assert report.silence == HTTP


def test_a_run_in_which_nobody_answered_is_still_a_whole_one():
    assert evidence("scanner_banned")[1].silence == HTTP


@pytest.mark.parametrize(
    ("name", "reason", "answered"),
    [
        ("cut_short", "zmap-unfinished", 1),
        ("killed", "zmap-unfinished", 1),
        ("killed_sigint", "zmap-unfinished", 1),
        ("interface_lost", "zmap-unfinished", 1),
        ("no_metadata", "zmap-no-metadata", 3),
        ("sharded_0of2", "zmap-sharded", 1),
        ("sharded_1of2", "zmap-sharded", 2),
    ],
)
def test_silence_of_a_run_that_is_not_proved_whole_does_not_count_but_its_answers_do(name, reason, answered):
    readings, report = evidence(name)
    assert (report.silence, report.reason) == (None, reason)
    assert [set(reading.present) for reading in readings] == [{"tcp/80"}] * answered
    assert report.asked == HTTP


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({}, "sweep"),
        ({"total_sent": 255}, "zmap-unfinished"),
        ({"total_sent": None}, "zmap-unfinished"),
        ({"total_sent": "many"}, "zmap-unfinished"),
        ({"blacklist_total_allowed": None}, "zmap-unfinished"),
        ({"send_to_failures": 1}, "zmap-dropped"),
        ({"pcap_drop": 7}, "zmap-dropped"),
        ({"pcap_ifdrop": None}, "zmap-dropped"),
        ({"dryrun": 1}, "zmap-dry-run"),
        ({"list_of_ips_filename": "x"}, "zmap-list"),
        ({"success_unique": 1}, "zmap-truncated"),
        # As 3.x and 4.x name them.
        ({"blacklist_total_allowed": None, "blocklist_total_allowed": 256}, "sweep"),
        (
            {"total_sent": None, "target_port": None, "target_ports": [80, 443], "targets_scanned": 512},
            "sweep",
        ),
        (
            {"total_sent": None, "target_port": None, "target_ports": [80, 443], "targets_scanned": 511},
            "zmap-unfinished",
        ),
    ],
)
def test_silence_counts_only_where_everything_was_sent_and_nothing_was_dropped(fields, reason):
    _, report = read(b"saddr,sport,classification,success\n", changed(**fields))
    assert report.reason == reason
    assert (report.silence is not None) is (reason == "sweep")


def test_addresses_that_zmaps_own_lists_leave_out_were_not_asked():
    _, report = read(b"", changed(blacklisted_networks=["10.77.0.128/25"]))
    assert report.covers("10.77.0.127")
    assert not report.covers("10.77.0.128")
    _, everywhere = read(b"", changed(whitelisted_networks=None, blacklisted_networks=["127.0.0.0/8"]))
    assert everywhere.covers("192.0.2.1")
    assert not everywhere.covers("127.0.0.1")


def test_several_ports_of_one_run_are_several_keys():
    metadata = changed(target_port=None, target_ports=[443, 80], total_sent=None, targets_scanned=512)
    readings, report = read(b"saddr,sport,success\n10.77.0.2,80,1\n10.77.0.2,443,1\n", metadata)
    assert [set(reading.present) for reading in readings] == [{"tcp/80"}, {"tcp/443"}]
    assert report.silence == Keys.parse("tcp/80,443")


def test_udp_answers_and_unreachable_ports_are_told_apart():
    results = (
        b"saddr,classification,success,sport,icmp_type,icmp_code,data\n10.77.0.2,udp,1,53,,,616280\n"
        b"10.77.0.3,icmp,0,,3,3,\n10.77.0.4,icmp,0,,3,13,\n"
    )
    readings, _ = read(results, changed(probe_module="udp", target_port=53))
    assert answers(readings) == {"10.77.0.2": "udp/53", "10.77.0.3": "port-unreach"}


def test_an_answer_that_came_twice_is_harmless():
    results = b"saddr,sport,success,repeat\n10.77.0.2,80,1,0\n10.77.0.2,80,1,1\n"
    readings, report = read(results, changed(success_unique=1))
    assert answers(readings) == {"10.77.0.2": "tcp/80"}
    assert report.reason == "sweep"
    assert read(results, changed(success_unique=2))[1].reason == "zmap-truncated"


def test_a_line_that_a_kill_cut_is_not_believed():
    readings, _ = read(b"10.77.0.2\n10.77.0.21", changed(filter_unsuccessful=1))
    assert answers(readings) == {"10.77.0.2": "tcp/80"}
    assert read(b"saddr,sp", changed())[0] == []


def test_without_metadata_the_caller_names_the_port():
    readings, report = read(b"10.77.0.2\n", None, 8443)
    assert answers(readings) == {"10.77.0.2": "tcp/8443"}
    assert (report.asked, report.silence) == (Keys.parse("tcp/8443"), None)
    with pytest.raises(BadReport, match="which port was asked"):
        read(b"10.77.0.2\n", None)


def test_results_of_several_runs_one_after_another_are_read():
    text = b"saddr,sport,success\r\n10.77.0.2,80,1\r\n"
    assert len(read(text * 2, changed())[0]) == 2


def test_a_quoted_field_is_one_field():
    results = b'saddr,sport,success,timestamp-str\n10.77.0.2,80,1,"a,b"\n'
    assert answers(read(results, changed())[0]) == {"10.77.0.2": "tcp/80"}


@pytest.mark.parametrize(
    ("results", "why"),
    [
        (b"<html>\n", "line 1: neither a header"),
        (b"sport,success\n80,1\n", "line 1: neither a header"),
        (b"10.77.0.2,80\n", "line 1: several columns"),
        (b"saddr,sport,success\n10.77.0.2,80,1\nrm -rf,80,1\n", "line 3: 'rm -rf' is no address"),
        (b"saddr,sport,success\n10.77.0.2,80\n", "line 2: 2 fields where 3"),
        (b"saddr,sport,success\n10.77.0.2,80,yes\n", "line 2: success is 'yes'"),
        (b"saddr,sport,success\n10.77.0.2,99999,1\n", "line 2: '99999' is no port"),
        (b"saddr,sport,success\n10.77.0.2,443,1\n", "line 2: tcp/443 was not asked"),
        (b"saddr,sport,success\n10.77.0.2\x1b[2J,80,1\n", r"line 2: '10.77.0.2\\\\x1b\[2J'"),
        (b"saddr\n10.77.0.2\n", "line 1: refusals were not filtered out"),
        (b"saddr,sport,success,x\n" + b"A" * 200_000 + b"\n", "line 2: longer than"),
        (b'saddr,sport,success\n"a\rb",80,1\n', "line 2: "),
    ],
)
def test_what_zmap_does_not_write_is_refused_at_its_line(results, why):
    with pytest.raises(BadReport, match=why):
        read(results, changed())


@pytest.mark.parametrize(
    ("metadata", "why"),
    [
        (b"[]", "no metadata of zmap"),
        (b'{"a": 1}', "no metadata of zmap"),
        (changed(probe_module="icmp_echoscan"), "asks no TCP or UDP port"),
        (changed(target_port=None), "no target port"),
        (changed(target_port=70000), "no target port"),
        (changed(target_port=True), "no target port"),
        (changed(blacklisted_networks=["10.0.0.0/8; x"]), "a network that is none"),
        (changed(blacklisted_networks="10.0.0.0/8"), "a network that is none"),
    ],
)
def test_metadata_of_something_else_is_refused(metadata, why):
    with pytest.raises(BadReport, match=why):
        read(b"", metadata)


@given(st.integers(0, len(WHOLE) - 3))
@settings(max_examples=60, deadline=None)
def test_metadata_cut_at_any_byte_is_a_run_that_did_not_finish(cut):
    _, report = read(b"", WHOLE[:cut])
    assert report.reason == "zmap-unfinished"


@given(
    st.sampled_from(sorted(EVIDENCE.glob("*.csv"))),
    st.lists(st.tuples(st.integers(0, 3000), st.binary(max_size=3), st.integers(0, 30)), min_size=1, max_size=4),
    st.booleans(),
)
@settings(max_examples=300, deadline=None)
def test_mutilated_results_or_metadata_are_read_or_refused(path, wounds, in_results):
    results, metadata = path.read_bytes() or b"\n", WHOLE
    wounded = bytearray(results if in_results else metadata)
    for at, piece, lost in wounds:
        place = at % max(len(wounded), 1)
        wounded[place : place + lost] = piece
    try:
        readings, report = read(bytes(wounded), metadata) if in_results else read(results, bytes(wounded))
    except BadReport:
        return
    assert report.reason
    assert all(isinstance(reading, Reading) for reading in readings)
