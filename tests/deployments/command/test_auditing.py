"""`audit` and `host-setup`: this machine without being asked, another one only by leave."""

import hashlib
import json
import re
import socket
from typing import Any

import pytest

from deployments.command.auditing import read_way
from estate.errors import BadTarget


def test_this_machine_is_audited_without_estate_or_question(roundsman: Any) -> None:
    told = roundsman("audit", "local", "--json")
    assert told.code == 0, told.err
    said = told.said
    assert (said["state"] in {"complete", "partial"}, said["scan"], said["scope"]) == (True, "hosts", "this-machine")
    assert {"run", "state", "asked", "answered", "coverage", "changes", "findings"} <= set(said)
    assert {change["kind"] for change in said["changes"]} == {"first_observed"}
    assert {change["aspect"] for change in said["changes"]} <= {"packages", "privilege", "access", "hardening"}
    assert "packages" in {change["aspect"] for change in said["changes"]}
    for finding in said["findings"]:
        assert {"rule", "severity", "asset", "subject", "evidence", "remediation", "refs"} <= set(finding)
        assert finding["rule"].startswith("HOST-")


def test_a_second_audit_tells_only_what_changed(roundsman: Any) -> None:
    assert roundsman("audit", "local", "--json").code == 0
    kinds = {change["kind"] for change in roundsman("audit", "local", "--json").said["changes"]}
    assert "first_observed" not in kinds


def test_people_read_what_is_there_and_what_is_wrong(roundsman: Any) -> None:
    told = roundsman("audit", "local")
    assert told.code == 0
    assert "Seen for the first time:" in told.out
    assert "packages" in told.out
    assert "HOST-" in told.out


@pytest.mark.parametrize(
    ("text", "way"),
    [
        ("ssh://ada@web-7.example.org", ("ada", "web-7.example.org", 0)),
        ("ssh://web-7:2222", ("", "web-7", 2222)),
        ("ssh://ada@[2001:db8::7]:22", ("ada", "2001:db8::7", 22)),
        ("ssh://10.0.0.7/", ("", "10.0.0.7", 0)),
    ],
)
def test_a_way_in_is_user_host_and_port(text: str, way: tuple[str, str, int]) -> None:
    assert read_way(text) == way


@pytest.mark.parametrize(
    "text",
    ["", "remote", "ssh://", "ssh://-oProxyCommand=x@h", "ssh://a@-h", "ssh://a@h:0", "ssh://a@h:99999", "ssh://a b@h"],
)
def test_what_is_no_way_in_is_refused(roundsman: Any, text: str) -> None:
    with pytest.raises(BadTarget):
        read_way(text)
    assert roundsman("audit", "--json", "--", text).code == 2


def test_a_host_outside_every_scope_is_touched_only_by_somebodys_word(roundsman: Any) -> None:
    told = roundsman("audit", "ssh://ada@127.0.0.9:1", "--json")
    assert (told.code, told.out) == (4, "")
    assert "--i-may-scan-this" in told.err


def test_a_host_where_nothing_listens_is_three_and_says_so(roundsman: Any) -> None:
    told = roundsman("audit", "ssh://ada@127.0.0.9:1", "--i-may-scan-this", "--json")
    assert told.code == 3
    assert (told.said["state"], told.said["answered"], told.said["changes"]) == ("failed", 0, [])
    assert set(told.said["coverage"]["reasons"]) == {"unreachable"}
    assert "the host was not reached" in told.err


def test_a_file_that_is_not_there_is_two(roundsman: Any) -> None:
    told = roundsman("audit", "ssh://ada@127.0.0.9", "--identity", "absent", "--i-may-scan-this")
    assert (told.code, told.out) == (2, "")
    assert "--identity: absent is not there" in told.err
    assert roundsman("audit", "local", "--sudo", "always").code == 2


def test_host_setup_prints_the_steps_and_the_collector_that_they_pin(roundsman: Any) -> None:
    script = roundsman("host-setup", "--collector").out
    digest = hashlib.sha256(script.encode()).hexdigest()
    told = roundsman("host-setup", "--user", "auditor", "--from", "10.0.0.5")
    assert told.code == 0
    assert f"auditor ALL=(root) NOPASSWD: sha256:{digest}" in told.out
    assert "stays" in told.out or "Blind" in told.out
    assert roundsman("host-setup", "--user", "a b").code == 2
    assert roundsman("host-setup", "--key", "absent.pub").code == 2


REPORT = """<?xml version="1.0"?>
<nmaprun scanner="nmap" args="nmap -v" start="1790000000" version="7.93" xmloutputversion="1.05">
<scaninfo type="syn" protocol="tcp" numservices="{count}" services="{ports}"/>
<host starttime="1790000000" endtime="1790000001"><status state="up" reason="arp-response" reason_ttl="0"/>
<address addr="10.0.0.7" addrtype="ipv4"/>
<ports><port protocol="tcp" portid="4"><state state="open" reason="syn-ack" reason_ttl="64"/></port>
<extraports state="filtered" count="1">
<extrareasons reason="no-response" count="1" proto="tcp" ports="{mine}"/></extraports>
</ports></host>
<runstats><finished time="1790000002" exit="success"/><hosts up="1" down="0" total="1"/></runstats>
</nmaprun>
"""


def test_what_listens_is_laid_beside_what_the_sweep_saw(roundsman: Any) -> None:
    name = re.sub(r"[^a-z0-9-]", "", socket.gethostname().lower()) or "localhost"
    with socket.create_server(("0.0.0.0", 0)) as listener:
        mine = listener.getsockname()[1]
        roundsman.describes(f'[[assets]]\nname = "{name}"\naddresses = ["10.0.0.7"]\n')
        report = roundsman.folder / "report.xml"
        report.write_text(REPORT.format(count=2, ports=f"4,{mine}", mine=mine))
        asked = ("--asked", "10.0.0.7", "--ports", f"tcp/4,{mine}")
        assert roundsman("import", "nmap", str(report), *asked, "--json").code == 0
        told = roundsman("audit", "local", "--json")
    standing = {one["key"]: one["standing"] for one in json.loads(told.out)["listeners"]}
    assert standing[f"tcp/{mine}"] == "listens, but is filtered"
    assert standing["tcp/4"] == "open, but no process listens"
