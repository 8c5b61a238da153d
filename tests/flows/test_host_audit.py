"""Hosts as operators audit them: over ssh into a real Debian, changed in between, and by a login that sees less."""

import json
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from infra.lab.hosts.lab import LabHost, lab_host
from infra.lab.hosts.sshd import Door, ssh_door


@dataclass(frozen=True)
class Visited:
    """A host of the lab and the way in."""

    host: LabHost
    door: Door

    def estate(self, sudo: str = "no", user: str = "root") -> str:
        door = self.door
        return f"""
[[scopes]]
name = "lab"
authorised_by = "the tests"
networks = ["{door.address}"]
ports = "tcp/{door.port}"

[[assets]]
name = "web-7"
addresses = ["{door.address}"]

[[hosts]]
host = "web-7"
address = "{door.address}"
port = {door.port}
user = "{user}"
identity = "{door.identity}"
known_hosts = "{door.known_hosts}"
sudo = "{sudo}"
"""


@pytest.fixture(scope="module")
def visited() -> Iterator[Visited]:
    with lab_host("clean") as host, ssh_door(host) as door:
        # The name that the estate uses is the one by which ssh knows the key.
        text = door.known_hosts.read_text()
        door.known_hosts.write_text(text + text.replace(f"[{door.address}]", "[web-7]"))
        yield Visited(host, door)


def told(ran: Any) -> set[tuple[str, str]]:
    return {(change["kind"], change["key"]) for change in ran.said["changes"]}


def open_rules(ran: Any) -> dict[str, str]:
    return {
        finding["locator"]: finding["rule"] for finding in ran.said["findings"] if finding["detection"] == "present"
    }


def test_a_second_audit_shows_only_what_was_changed_in_between(roundsman, visited) -> None:
    roundsman.describes(visited.estate())
    first = roundsman.run("scan", "hosts", "--json")
    assert first.code == 0, first.err
    assert {change["kind"] for change in first.said["changes"]} == {"first_observed"}
    assert {change["asset"] for change in first.said["changes"]} == {"host:web-7"}
    assert {change["aspect"] for change in first.said["changes"]} == {"packages", "privilege", "access", "hardening"}
    assert roundsman.run("scan", "hosts", "--json").said["changes"] == []

    visited.host.must(
        """
        useradd --create-home mallory
        install -d -m 700 -o mallory -g mallory /home/mallory/.ssh
        ssh-keygen -q -t ed25519 -N '' -f /run/k
        install -m 600 -o mallory -g mallory /run/k.pub /home/mallory/.ssh/authorized_keys
        rm /run/k /run/k.pub
        printf 'mallory ALL=(ALL) NOPASSWD: ALL\\n' >/etc/sudoers.d/mallory
        chmod 440 /etc/sudoers.d/mallory
        install -m 4755 -o root -g root /bin/true /usr/local/bin/helper
        """
    )
    second = roundsman.run("scan", "hosts", "--json")
    assert second.code == 0, second.err
    appeared = {key for kind, key in told(second) if kind == "appeared"}
    assert {kind for kind, _ in told(second)} == {"appeared"}
    assert {"user/mallory", "suid//usr/local/bin/helper"} <= appeared
    assert any(key.startswith("authorized-key/mallory:SHA256:") for key in appeared)
    assert any(key.startswith("sudo-rule/") and "mallory" in key for key in appeared)
    rules = set(open_rules(second).values())
    assert {"HOST-DRF-001", "HOST-DRF-004", "HOST-PRV-001", "HOST-PRV-004"} <= rules

    visited.host.must("userdel --remove mallory; rm /etc/sudoers.d/mallory /usr/local/bin/helper")
    third = roundsman.run("scan", "hosts", "--json")
    assert {kind for kind, _ in told(third)} == {"gone"}
    assert {key for kind, key in told(third)} == appeared
    assert {change["certainty"] for change in third.said["changes"]} == {"proved"}
    assert not {"HOST-DRF-001", "HOST-DRF-004", "HOST-PRV-001", "HOST-PRV-004"} & set(open_rules(third).values())


def test_a_login_that_sees_less_resolves_nothing(roundsman, visited) -> None:
    visited.host.must("printf 'games ALL=(ALL) NOPASSWD: ALL\\n' >/etc/sudoers.d/games; chmod 440 /etc/sudoers.d/games")
    try:
        roundsman.describes(visited.estate())
        before = roundsman.run("scan", "hosts", "--json")
        assert "HOST-PRV-004" in open_rules(before).values()
        with ssh_door(visited.host, user="daemon") as door:
            visited.host.must("usermod --shell /bin/sh daemon")
            text = door.known_hosts.read_text()
            door.known_hosts.write_text(text + text.replace(f"[{door.address}]", "[web-7]"))
            roundsman.describes(Visited(visited.host, door).estate(user="daemon"))
            after = roundsman.run("scan", "hosts", "--json")
        assert after.code == 0, after.err
        assert after.said["state"] == "partial"
        assert "no-privilege" in after.said["coverage"]["reasons"]
        assert ("gone", "sudo-rule/") not in {(kind, key[:10]) for kind, key in told(after)}
        (finding,) = (one for one in after.said["findings"] if one["rule"] == "HOST-PRV-004")
        assert finding["detection"] == "unobserved"
    finally:
        visited.host.must("rm -f /etc/sudoers.d/games; usermod --shell /usr/sbin/nologin daemon")


def test_another_host_key_is_refused_and_is_a_finding_of_its_own(roundsman, visited, tmp_path) -> None:
    roundsman.describes(visited.estate())
    assert roundsman.run("scan", "hosts", "--json").code == 0
    with ssh_door(visited.host) as door:
        changed = tmp_path / "known_hosts"
        kind, key = visited.door.known_hosts.read_text().split()[1:3]
        changed.write_text(f"[web-7]:{door.port} {kind} {key}\n")
        text = Visited(visited.host, door).estate().replace(str(door.known_hosts), str(changed))
        roundsman.describes(text)
        ran = roundsman.run("scan", "hosts", "--json")
    assert (ran.code, ran.said["coverage"]["positive"]) == (3, 1)
    assert "host-key-changed" in ran.said["coverage"]["reasons"]
    assert "HOST-ACC-025" in open_rules(ran).values()
    assert not [change for change in ran.said["changes"] if change["kind"] == "gone"]


def test_a_host_outside_the_scope_is_never_visited(roundsman, visited) -> None:
    text = visited.estate().replace(f'networks = ["{visited.door.address}"]', 'networks = ["127.0.0.99"]')
    roundsman.describes(text)
    ran = roundsman.run("scan", "hosts", "--json")
    assert (ran.code, ran.out) == (4, "")
    assert "out of scope" in ran.err


def test_the_page_of_an_audit_is_kept_in_prefect(roundsman, visited, prefect_server) -> None:
    roundsman.describes(visited.estate())
    assert roundsman.run("scan", "hosts", "--json").code == 0
    order = urllib.request.Request(
        f"{prefect_server}/artifacts/filter",
        b'{"sort": "CREATED_DESC", "artifacts": {"key": {"any_": ["host-audit-lab"]}}}',
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(order, timeout=30) as answer:
        page = json.load(answer)[0]["data"]
    assert "Seen for the first time" in page or "What changed" in page or "Nothing changed" in page
    assert "What is wrong" in page
