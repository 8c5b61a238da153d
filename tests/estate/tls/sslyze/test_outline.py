"""Reports that are broken, foreign or hostile are refused with the place named, and never half believed."""

import io
import json
import random
import tracemalloc
from typing import Any

import pytest

from estate.errors import BadReport
from estate.tls.sslyze import outline
from estate.tls.sslyze.outline import read_sslyze

STRANGE: tuple[object, ...] = (
    None, True, 7, -1, 10**30, 1.5, "", "x" * 50, "\ud800", [], [[]], {}, {"a": None}, [None] * 3
)  # fmt: skip


def read(data: bytes):
    return read_sslyze(io.BytesIO(data))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"hello", "begins with {"),
        (b"[]", "begins with {"),
        (b"{}", "is missing: is this a report of sslyze"),
        (b'{"server_scan_results": {}}', "server_scan_results: has to be a list"),
        (b'{"server_scan_results": []}', "date_scans_started"),
        (b'{"server_scan_results": [],}', "no JSON"),
        (b'{"server_scan_results": [1 2]}', r"cut short in server_scan_results\[0\]"),
        (b'{"server_scan_results": []} x', "something follows"),
        (b"{1: 2}", "a field's name"),
        (b'{"a" 1}', "has no value"),
        (b"\xff\xff\xff\xff", "no text"),
        (bytes(range(256)) * 8, "no text|no JSON"),
        (b'{"a": ' + b"[" * 200_000, "nested too deeply"),
        (b'{"server_scan_results": [' + b'{"a":' * 200_000, "nested too deeply"),
    ],
)
def test_what_is_no_report_is_said_to_be_none(data, words):
    with pytest.raises(BadReport, match=words):
        read(data)


@pytest.mark.parametrize(
    ("path", "value", "place"),
    [
        (("server_location",), None, r"server_scan_results\[0\].server_location"),
        (("server_location", "port"), 70_000, r"server_scan_results\[0\].server_location.port"),
        (("server_location", "ip_address"), "nobody", "server_location.ip_address"),
        (("server_location", "hostname"), 7, r"server_location.hostname"),
        (("connectivity_status",), "MAYBE", r"connectivity_status"),
        (("network_configuration", "tls_server_name_indication"), "-x y", "tls_server_name_indication"),
        (("network_configuration", "tls_opportunistic_encryption"), "GOPHER", "tls_opportunistic_encryption"),
        (("scan_result", "heartbleed", "result", "is_vulnerable_to_heartbleed"), "no", "heartbleed.result"),
        (("scan_result", "heartbleed", "status"), "DONE", "heartbleed.status"),
        (("scan_result", "tls_1_2_cipher_suites", "result", "accepted_cipher_suites"), {}, "accepted_cipher_suites"),
    ],
)
def test_a_field_that_sslyze_would_not_write_so_is_named(reports, path, value, place):
    told = reports.told("perfect")
    entry: Any = told["server_scan_results"][0]
    for step in path[:-1]:
        entry = entry[step]
    entry[path[-1]] = value
    with pytest.raises(BadReport, match=place):
        reports.read(told)


@pytest.mark.parametrize("name", ["perfect", "several", "expired"])
def test_a_report_that_was_cut_short_is_refused_wherever_it_was(reports, name):
    whole = reports.raw(name).rstrip()
    reports.read(whole)
    chosen = random.Random(name)
    for at in [*range(1, 300), *(chosen.randrange(len(whole)) for _ in range(60)), len(whole) - 1]:
        with pytest.raises(BadReport, match=r"no JSON|begins with|no text|empty"):
            reports.read(whole[:at])


def test_wherever_something_strange_stands_it_is_refused_or_harmless(reports):
    chosen = random.Random(7)
    whole = reports.raw("several").decode()
    refused = 0
    for _ in range(250):
        told = json.loads(whole)
        holder: Any = chosen.choice(told["server_scan_results"])
        while True:
            keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
            key = chosen.choice(keys)
            if isinstance(holder[key], dict | list) and holder[key] and chosen.random() < 0.9:
                holder = holder[key]
                continue
            break
        holder[key] = chosen.choice(STRANGE)
        try:
            for server in reports.read(told).values():
                assert server.judged.rating.grade in {None, "B", "T", "M", "F", "A", "A-", "C"}
        except BadReport:
            refused += 1
    assert refused > 20


def test_unknown_fields_and_orders_change_nothing(reports):
    told = reports.told("perfect")
    told["server_scan_results"][0]["a_new_field"] = {"deep": [1, 2]}
    told["server_scan_results"][0]["scan_result"]["quantum_leap"] = {"status": "COMPLETED"}
    (server,) = reports.read(dict(reversed(told.items()))).values()
    assert server.judged.rating.grade == "A+"


def test_other_encodings_of_json_are_read(reports):
    whole = reports.raw("expired").decode()
    for encoding in ("utf-8-sig", "utf-16", "utf-16-le", "utf-32"):
        assert list(reports.read(whole.encode(encoding))) == ["expired.lab.example"]


def test_numbers_longer_than_python_reads_are_passed_over(reports):
    whole = reports.raw("expired").replace(b'"rsa_n": null', b'"rsa_n": ' + b"7" * 6_000)
    assert b"7" * 6_000 in whole
    reports.read(whole)


def test_too_large_a_report_is_refused_before_it_is_read(monkeypatch, reports):
    monkeypatch.setattr(outline, "MOST_BYTES", 1 << 20)
    with pytest.raises(BadReport, match="more than 1 MB"):
        read(b"[" * (2 << 20))


def test_a_large_report_is_read_server_by_server(reports):
    """The text and one server, and not every server as objects, which would be ten times as much."""
    told = reports.told("perfect")
    (entry,) = told.pop("server_scan_results")
    one = json.dumps(entry)
    count = 30_000_000 // len(one) + 1
    data = f'{{"server_scan_results": [{",".join([one] * count)}], {json.dumps(told)[1:]}'.encode()
    tracemalloc.start()
    report = read(data)
    assert len(report) == count
    first = next(report.servers())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert first.server_location.hostname == "perfect.lab.example"
    assert peak < 3 * len(data)
