"""`read`: what a scanner's report shows, from whole, cut, empty, foreign and hostile files."""

import json
import os
import resource
import subprocess
from pathlib import Path
from typing import Any

import pytest

WHOLE = {"tool", "version", "started", "asked", "complete", "reason", "hosts", "skipped", "observations", "coverage"}
VERDICTS = {"positive", "negative", "silent", "blind"}


@pytest.fixture
def nmap(evidence: Path) -> Path:
    return evidence / "nmap"


@pytest.fixture
def zmap(evidence: Path) -> Path:
    return evidence / "zmap"


def test_nmap_gives_observations_and_coverage_of_every_host(roundsman: Any, nmap: Path) -> None:
    told = roundsman("read", "nmap", str(nmap / "all_up.xml"), "--json")
    assert (told.code, told.err) == (0, "")
    assert told.said.keys() == WHOLE
    assert told.said["asked"] == "tcp/1-1024,8080"
    assert told.said["complete"] is True
    assert told.said["hosts"] == {"up": 3, "total": 3}
    seen = {(one["subject"], one["aspect"], one["key"]) for one in told.said["observations"]}
    ports = ("tcp/22", "tcp/80", "tcp/443", "tcp/8080")
    assert seen == {(f"10.77.0.{host}", "ports", port) for host in (2, 3, 4) for port in ports}
    assert {one["verdict"] for one in told.said["coverage"]} == {"positive", "negative"}
    refused = next(one for one in told.said["coverage"] if one["verdict"] == "negative")
    assert (refused["reason"], refused["keys"]) == ("reset", "tcp/1-21,23-79,81-442,444-1024")


def test_what_was_probed_comes_with_it(roundsman: Any, nmap: Path) -> None:
    told = roundsman("read", "nmap", str(nmap / "versions_on.xml"), "--json").said
    ssh = next(one for one in told["observations"] if one["key"] == "tcp/22")
    assert ssh["attributes"]["product"] == "OpenSSH"
    assert "ssh OpenSSH 9.2p1" in roundsman("read", "nmap", str(nmap / "versions_on.xml")).out


@pytest.mark.parametrize("report", ["killed_sigkill.xml", "killed_sigint.xml"])
def test_a_report_that_was_cut_short_is_read_with_the_reason(roundsman: Any, nmap: Path, report: str) -> None:
    told = roundsman("read", "nmap", str(nmap / report), "--json")
    assert told.code == 0
    assert told.said["complete"] is False
    assert told.said["reason"]
    assert {one["subject"] for one in told.said["observations"]} == {"10.77.0.2"}
    assert "not complete: " in roundsman("read", "nmap", str(nmap / report)).out


def test_zmap_without_metadata_proves_nothing_by_silence(roundsman: Any, zmap: Path) -> None:
    told = roundsman("read", "zmap", str(zmap / "no_metadata.csv"), "--json").said
    assert told.keys() == WHOLE
    assert (told["complete"], told["reason"]) == (False, "zmap-no-metadata")
    assert {one["subject"] for one in told["observations"]} == {"10.77.0.2", "10.77.0.3", "10.77.0.4"}
    assert told["coverage"][-1]["subject"] == "*"
    assert told["coverage"][-1]["verdict"] == "blind"


def test_a_plain_list_of_zmaps_is_read_once_its_port_is_said(roundsman: Any, zmap: Path, nmap: Path) -> None:
    plain = str(zmap / "open_only.csv")
    unsaid = roundsman("read", "zmap", plain)
    assert unsaid.code == 2
    assert "which port was asked" in unsaid.err
    assert "--port 443" in unsaid.err
    told = roundsman("read", "zmap", plain, "--port", "80", "--json").said
    assert {(one["subject"], one["key"]) for one in told["observations"]} == {
        (f"10.77.0.{last}", "tcp/80") for last in (2, 3, 4)
    }
    assert roundsman("read", "zmap", plain, "--port", "65536").code == 2
    assert "says by itself" in roundsman("read", "nmap", str(nmap / "all_up.xml"), "--port", "80").err


def test_zmap_with_metadata_proves_silence(roundsman: Any, zmap: Path) -> None:
    metadata = ("--metadata", str(zmap / "port_80_whole.json"))
    told = roundsman("read", "zmap", str(zmap / "port_80_whole.csv"), *metadata, "--json").said
    assert (told["complete"], told["reason"], told["asked"]) == (True, "", "tcp/80")
    assert told["coverage"][-1] == {
        "subject": "*",
        "aspect": "ports",
        "verdict": "silent",
        "reason": "sweep",
        "keys": "tcp/80",
    }
    assert "complete" in roundsman("read", "zmap", str(zmap / "port_80_whole.csv"), *metadata).out


def test_every_report_of_the_evidence_can_be_read(roundsman: Any, nmap: Path, zmap: Path) -> None:
    for file in sorted(nmap.glob("*.xml")):
        told = roundsman("read", "nmap", str(file), "--json")
        assert told.code == 0, (file, told.err)
        assert {one["verdict"] for one in told.said["coverage"]} <= VERDICTS
        assert roundsman("read", "nmap", str(file)).code == 0
    for file in sorted(zmap.glob("*.csv")):
        metadata = file.with_suffix(".json")
        more = ("--metadata", str(metadata)) if metadata.exists() else ()
        told = roundsman("read", "zmap", str(file), *more, "--json")
        assert told.code == 0, (file, told.err)
        assert {one["verdict"] for one in told.said["coverage"]} <= VERDICTS


def test_nothing_is_stored_and_no_home_is_needed(roundsman: Any, nmap: Path) -> None:
    (roundsman.home / "roundsman.db").unlink()
    assert roundsman("read", "nmap", str(nmap / "all_up.xml")).code == 0
    assert list(roundsman.home.iterdir()) == []


def test_sslyze_gives_grades_observations_and_coverage(roundsman: Any, evidence: Path) -> None:
    folder = evidence / "sslyze"
    roots = ("--roots", str(folder / "roots.pem"))
    told = roundsman("read", "sslyze", str(folder / "several.json"), *roots, "--json")
    assert (told.code, told.err) == (0, "")
    assert told.said.keys() == WHOLE | {"grades"}
    assert told.said["hosts"] == {"up": 2, "total": 5}
    assert told.said["skipped"] == ["no server at all:443"]
    grades = {one["name"].partition(".")[0]: (one["grade"], one["not_gradable"]) for one in told.said["grades"]}
    assert grades == {
        "tls10-on": ("B", ""),
        "tls13-only": (None, "not gradable: could not determine hsts (not asked)"),
        "closed": (None, "not gradable: out of reach (connection-rejected)"),
        "plaintext": (None, "not gradable: out of reach (no-handshake)"),
    }
    assert {one["aspect"] for one in told.said["observations"]} == {"tls", "certificate"}
    assert {one["verdict"] for one in told.said["coverage"]} == {"positive", "negative", "blind"}
    shown = roundsman("read", "sslyze", str(folder / "several.json"), *roots)
    assert "caps at B: TLS 1.0 is offered" in shown.out
    assert "not gradable: could not determine hsts" in shown.out


def test_every_report_of_sslyze_in_the_evidence_can_be_read(roundsman: Any, evidence: Path) -> None:
    for file in sorted((evidence / "sslyze").glob("*.json")):
        told = roundsman("read", "sslyze", str(file), "--json")
        assert told.code == 0, (file, told.err)
        assert told.out.isascii()
        assert {one["verdict"] for one in told.said["coverage"]} <= VERDICTS
        shown = roundsman("read", "sslyze", str(file))
        assert shown.code == 0
        assert all(line.isprintable() for line in shown.out.splitlines())


@pytest.mark.parametrize("how", [("--json",), ()])
@pytest.mark.parametrize("name", ["object.xml", "empty.xml", "noise.xml", "text.xml", "deep.json", "cut.json"])
def test_what_is_no_report_of_sslyze_is_two_and_named(
    roundsman: Any, evidence: Path, name: str, how: tuple[str, ...]
) -> None:
    whole = (evidence / "sslyze" / "several.json").read_bytes()
    wrong = {**WRONG, "deep.json": b'{"a":' * 100_000, "cut.json": whole[:-300]}
    (roundsman.folder / name).write_bytes(wrong[name])
    told = roundsman("read", "sslyze", name, *how)
    assert (told.code, told.out) == (2, "")
    assert told.err.startswith(f"roundsman: {name}: ")
    assert told.err.count("\n") == 1


def test_a_fault_in_the_last_server_prints_nothing_of_the_first(roundsman: Any, evidence: Path) -> None:
    told = json.loads((evidence / "sslyze" / "several.json").read_text())
    told["server_scan_results"][-1]["server_location"]["port"] = "https"
    (roundsman.folder / "late.json").write_text(json.dumps(told))
    for how in (("--json",), ()):
        said = roundsman("read", "sslyze", "late.json", *how)
        assert (said.code, said.out) == (2, "")
        assert "late.json: server_scan_results[3].server_location.port: " in said.err


def test_only_sslyze_has_roots_and_none_of_its_reports_is_imported(roundsman: Any, nmap: Path, evidence: Path) -> None:
    roots = str(evidence / "sslyze" / "roots.pem")
    assert roundsman("read", "nmap", str(nmap / "all_up.xml"), "--roots", roots).code == 2
    told = roundsman("read", "sslyze", str(evidence / "sslyze" / "expired.json"), "--roots", "absent.pem")
    assert (told.code, "absent.pem" in told.err) == (2, True)
    assert roundsman("import", "sslyze", roots, "--asked", "10.0.0.1").code == 2


BOMB = '<!DOCTYPE b [<!ENTITY a "aa"><!ENTITY b "&a;&a;&a;&a;">]><nmaprun args="&b;"/>'
OUTSIDE = '<!DOCTYPE nmaprun [<!ENTITY x SYSTEM "file:///etc/passwd">]><nmaprun args="&x;"/>'
WRONG = {
    "text.xml": b"hello, world\n",
    "html.xml": b"<html><body>404</body></html>",
    "empty.xml": b"",
    "noise.xml": bytes(range(256)) * 8,
    "object.xml": b'{"nmaprun": {}}',
    "bomb.xml": BOMB.encode(),
    "outside.xml": OUTSIDE.encode(),
    "deep.xml": b"<nmaprun>" + b"<a>" * 100_000,
    "token.xml": b'<nmaprun args="' + b"x" * (5 << 20),
}


@pytest.mark.parametrize("how", [("--json",), ()])
@pytest.mark.parametrize("name", WRONG)
def test_what_is_no_report_is_two_and_named(roundsman: Any, name: str, how: tuple[str, ...]) -> None:
    (roundsman.folder / name).write_bytes(WRONG[name])
    told = roundsman("read", "nmap", name, *how)
    assert (told.code, told.out) == (2, "")
    assert told.err.startswith(f"roundsman: {name}")
    assert told.err.count("\n") == 1
    assert "root:" not in told.err


def test_a_fault_late_in_a_report_prints_no_half_object(roundsman: Any, nmap: Path) -> None:
    whole = (nmap / "all_up.xml").read_text()
    (roundsman.folder / "late.xml").write_text(whole.replace("</nmaprun>", "<a>" * 200 + "</nmaprun>"))
    told = roundsman("read", "nmap", "late.xml", "--json")
    assert (told.code, told.out) == (2, "")
    assert "late.xml: line " in told.err


@pytest.mark.parametrize("tool", ["nmap", "zmap"])
@pytest.mark.parametrize("path", ["absent.xml", ".", "/proc/self/mem", "x" * 300])
def test_what_cannot_be_opened_or_read_is_two_and_named(roundsman: Any, tool: str, path: str) -> None:
    told = roundsman("read", tool, path, "--json")
    assert (told.code, told.out) == (2, "")
    assert told.err.count("\n") == 1


def test_a_table_of_something_else_is_no_zmap(roundsman: Any) -> None:
    (roundsman.folder / "other.csv").write_text("name,age\nada,36\n")
    told = roundsman("read", "zmap", "other.csv", "--json")
    assert (told.code, told.out) == (2, "")
    assert told.err.startswith("roundsman: other.csv: line 1: ")


def test_metadata_is_zmaps_alone_and_is_named_when_it_is_wrong(roundsman: Any, nmap: Path, zmap: Path) -> None:
    assert roundsman("read", "nmap", str(nmap / "all_up.xml"), "--metadata", "x.json").code == 2
    told = roundsman("read", "zmap", str(zmap / "port_80_whole.csv"), "--metadata", "absent.json")
    assert (told.code, told.out) == (2, "")
    assert "absent.json" in told.err


def test_there_is_no_reader_for_what_we_do_not_know(roundsman: Any, nmap: Path) -> None:
    told = roundsman("read", "nessus", str(nmap / "all_up.xml"))
    assert (told.code, told.out) == (2, "")
    assert "nmap, zmap" in told.err


def test_a_name_that_is_no_utf_8_is_read_and_shown_harmlessly(roundsman: Any, nmap: Path) -> None:
    name = os.fsdecode(b"r\xe9port \x1b[31m[red].xml")
    (roundsman.folder / name).write_bytes((nmap / "all_up.xml").read_bytes())
    assert roundsman("read", "nmap", name, "--json").code == 0
    told = roundsman("read", "zmap", name)
    assert told.code == 2
    assert told.err.rstrip("\n").isprintable()


def test_standard_input_is_a_dash(roundsman: Any, nmap: Path) -> None:
    with (nmap / "all_up.xml").open("rb") as report:
        told = roundsman.alone("read", "nmap", "-", "--json", stdin=report)
    assert told.code == 0
    assert len(told.said["observations"]) == 12


def test_a_closed_standard_input_is_two(roundsman: Any) -> None:
    told = roundsman.alone("read", "nmap", "-", stdin=None, preexec_fn=lambda: os.close(0))
    assert (told.code, told.err) == (2, "roundsman: standard input is closed\n")


def test_no_banner_reaches_a_terminal(roundsman: Any, nmap: Path) -> None:
    told = roundsman("read", "nmap", str(nmap / "hostile_banner.xml"))
    assert all(line.isprintable() for line in told.out.splitlines())
    assert roundsman("read", "nmap", str(nmap / "hostile_banner.xml"), "--json").out.isascii()


def test_people_see_the_first_hosts_of_a_large_report(roundsman: Any) -> None:
    write_large(roundsman.folder / "large.xml", 2_000)
    told = roundsman("read", "nmap", "large.xml")
    assert 200 < len(told.out.splitlines()) < 500
    assert "2,000 hosts" in told.out
    assert "--json prints all" in told.err


def test_memory_does_not_grow_with_the_report(roundsman: Any) -> None:
    """Some 30 MB of rows, which would be 300 MB as objects, leave through 200 MB, Python and its libraries included."""
    write_large(roundsman.folder / "large.xml", 60_000)

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_DATA, (200 << 20, 200 << 20))

    with (roundsman.folder / "out").open("wb") as out:
        told = roundsman.alone("read", "nmap", "large.xml", "--json", stdout=out, preexec_fn=limited)
    assert (told.code, told.err) == (0, "")
    counted = subprocess.run(("grep", "-c", '"key"', "out"), cwd=roundsman.folder, capture_output=True, check=True)
    assert int(counted.stdout) == 60_000 * 5


def write_large(path: Path, hosts: int) -> None:
    """A report of so many hosts with five open ports each."""
    ports = "".join(
        f'<port protocol="tcp" portid="{port}"><state state="open" reason="syn-ack" reason_ttl="64"/></port>\n'
        for port in (22, 80, 443, 8080, 8443)
    )
    with path.open("w") as report:
        report.write('<?xml version="1.0"?>\n<nmaprun scanner="nmap" args="nmap" start="1700000000" version="7.93">\n')
        report.write('<scaninfo type="syn" protocol="tcp" numservices="5" services="22,80,443,8080,8443"/>\n')
        for number in range(hosts):
            address = f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"
            report.write('<host><status state="up" reason="arp-response" reason_ttl="0"/>\n')
            report.write(f'<address addr="{address}" addrtype="ipv4"/>\n<ports>{ports}</ports>\n</host>\n')
        report.write('<runstats><finished time="1700000100" exit="success"/></runstats>\n</nmaprun>\n')
