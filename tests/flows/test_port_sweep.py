"""What a sweep says of a network that changes: the real command and real tools against hosts whose truth is known."""

import pytest

from infra.lab.network import Host, Mode, OnLinkLab, Service

HOSTS = ("10.77.0.2", "10.77.0.3", "10.77.0.4")
OPEN = ("tcp/22", "tcp/80", "tcp/443", "tcp/8080")


def estate(networks: tuple[str, ...] = HOSTS, ports: str = "tcp/22,80,443,993,8080", more: str = "") -> str:
    named = ", ".join(f'"{network}"' for network in networks)
    return f"""
[[scopes]]
name = "lab"
authorised_by = "the tests"
networks = [{named}]
ports = "{ports}"
versions = false
pace = 5000
{more}
"""


@pytest.fixture
def known(lab_roundsman, onlink_lab: OnLinkLab):
    """The command, after a first run over the three hosts."""
    lab_roundsman.describes(estate())
    assert lab_roundsman.scan().code == 0
    return lab_roundsman


def test_the_first_run_observes_and_the_second_says_nothing(lab_roundsman, onlink_lab: OnLinkLab) -> None:
    lab_roundsman.describes(estate())
    first = lab_roundsman.scan()
    assert first.code == 0
    assert first.changes == {("first_observed", "proved", f"host:{h}", key) for h in HOSTS for key in OPEN}
    assert {name: first.said[name] for name in ("state", "asked", "answered")} == {
        "state": "complete",
        "asked": 15,
        "answered": 15,
    }
    second = lab_roundsman.scan()
    assert (second.code, second.said["state"], second.changes) == (0, "complete", set())
    assert second.said["run"] != first.said["run"]


def test_a_listener_appears_and_is_gone_with_its_reset(known, onlink_lab: OnLinkLab) -> None:
    onlink_lab.listen("10.77.0.3", Service(993))
    assert known.scan().changes == {("appeared", "proved", "host:10.77.0.3", "tcp/993")}
    onlink_lab.hang_up("10.77.0.3", 993)
    ran = known.scan()
    assert ran.changes == {("gone", "proved", "host:10.77.0.3", "tcp/993")}
    assert ran.said["changes"][0]["reason"] == "reset"


def test_a_firewall_that_drops_is_suspected_and_confirmed_by_the_next_run(known, onlink_lab: OnLinkLab) -> None:
    onlink_lab.firewall.drop("10.77.0.3", "22")
    assert known.scan().changes == {("suspected_gone", "suspected", "host:10.77.0.3", "tcp/22")}
    ran = known.scan()
    assert ran.changes == {("gone", "confirmed", "host:10.77.0.3", "tcp/22")}
    # Each of the two runs looked twice, since a second look was worth it.
    assert ran.said["changes"][0]["reason"] == "no-response, 4 silent looks in a row"


def test_a_firewall_that_refuses_proves_it(known, onlink_lab: OnLinkLab) -> None:
    onlink_lab.firewall.refuse("10.77.0.3", "22")
    assert known.scan().changes == {("gone", "proved", "host:10.77.0.3", "tcp/22")}
    onlink_lab.firewall.calm()
    assert known.scan().changes == {("reappeared", "proved", "host:10.77.0.3", "tcp/22")}


def test_a_host_that_is_away_is_out_of_sight_and_comes_back(known, onlink_lab: OnLinkLab) -> None:
    onlink_lab.take_down("10.77.0.4")
    away = known.scan()
    assert away.changes == {("lost_sight", "proved", "host:10.77.0.4", key) for key in OPEN}
    assert {change["reason"] for change in away.said["changes"]} == {"host-down"}
    assert (away.code, away.said["state"], away.said["coverage"]["reasons"]) == (0, "partial", {"host-down": 4})
    assert known.scan().changes == set()
    onlink_lab.bring_up("10.77.0.4")
    back = known.scan()
    assert back.changes == {("sight_regained", "proved", "host:10.77.0.4", key) for key in OPEN}
    assert back.said["state"] == "complete"


def test_without_a_link_the_run_has_failed_and_nothing_is_gone(known, onlink_lab: OnLinkLab) -> None:
    onlink_lab.link_down()
    ran = known.scan()
    assert (ran.code, ran.said["state"], ran.said["answered"]) == (3, "failed", 0)
    assert ran.changes == {("lost_sight", "proved", f"host:{host}", key) for host in HOSTS for key in OPEN}
    onlink_lab.link_up()
    assert known.scan().kinds == {"sight_regained"}


CANARIES = """canaries = [
    { address = "10.77.0.4", port = "tcp/22", expect = "open" },
    { address = "10.77.0.4", port = "tcp/9", expect = "closed" },
]"""


def test_a_banned_scanner_with_canaries_knows_that_it_cannot_see(lab_roundsman, onlink_lab: OnLinkLab) -> None:
    lab_roundsman.describes(estate(more=CANARIES))
    first = lab_roundsman.scan()
    assert (first.said["state"], first.said["canary"]) == ("complete", "ok")
    onlink_lab.ban_scanner()
    banned = lab_roundsman.scan()
    assert banned.kinds == {"lost_sight"}
    assert banned.code == 3
    assert "canary" in banned.said["message"]
    assert "tcp/22 on 10.77.0.4 should be open" in banned.said["canary"]


def test_a_banned_scanner_without_canaries_suspects(known, onlink_lab: OnLinkLab) -> None:
    onlink_lab.ban_scanner()
    assert known.scan().kinds == {"suspected_gone"}


def test_a_lossy_wire_changes_nothing_in_ten_runs(known, onlink_lab: OnLinkLab) -> None:
    onlink_lab.firewall.lose(10)
    kinds: set[str] = set()
    for _ in range(10):
        kinds |= known.scan().kinds
    assert not kinds & {"appeared", "gone", "first_observed"}
    onlink_lab.firewall.calm()
    ran = known.scan()
    assert ran.kinds == set()
    assert ran.said["coverage"]["positive"] == len(HOSTS) * len(OPEN)


def test_a_host_that_was_not_there_before_appears(lab_roundsman, onlink_lab: OnLinkLab) -> None:
    lab_roundsman.describes(estate(("10.77.0.0/28",), "tcp/22,4444"))
    assert lab_roundsman.scan().kinds == {"first_observed"}
    onlink_lab.add(Host("10.77.0.9", (Service(4444),)))
    assert lab_roundsman.scan().changes == {("appeared", "likely", "host:10.77.0.9", "tcp/4444")}


def test_a_tarpit_is_one_anomaly_and_keeps_nobody_else_from_being_seen(lab_roundsman, onlink_lab: OnLinkLab) -> None:
    """Its listener says nothing, so that asking each of its ports for a version would take longer than anyone waits."""
    lab_roundsman.describes(estate(("10.77.0.2", "10.77.0.3"), "tcp/1-79,81-300").replace("= false", "= true"))
    assert lab_roundsman.scan().kinds == {"first_observed"}
    onlink_lab.listen("10.77.0.2", Service(9999, Mode.SILENT))
    onlink_lab.firewall.tarpit("10.77.0.2", 9999)
    ran = lab_roundsman.scan()
    assert ran.changes == {("appeared", "proved", "host:10.77.0.2", "anomaly/tarpit")}
    assert ran.said["state"] == "complete"
    assert {finding["rule"] for finding in ran.said["findings"] if finding["locator"] == "anomaly/tarpit"} == {"tarpit"}
    onlink_lab.firewall.calm()
    assert lab_roundsman.scan().changes == {("gone", "proved", "host:10.77.0.2", "anomaly/tarpit")}


def test_versions_are_asked_and_a_new_one_is_a_change(lab_roundsman, onlink_lab: OnLinkLab) -> None:
    lab_roundsman.describes(estate(("10.77.0.2",), "tcp/22").replace("= false", "= true"))
    first = {change["key"]: change["after"] for change in lab_roundsman.scan().said["changes"]}
    assert first["tcp/22"]["version"] == "9.2p1 Debian 2+deb12u3"
    onlink_lab.hang_up("10.77.0.2", 22)
    onlink_lab.listen("10.77.0.2", Service(22, Mode.BANNER, b"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u7\r\n"))
    ran = lab_roundsman.scan()
    assert ran.changes == {("changed", "proved", "host:10.77.0.2", "tcp/22")}
    assert ran.said["changes"][0]["after"]["version"] == "9.2p1 Debian 2+deb12u7"


def test_a_host_that_speaks_ipv6_only_is_asked(lab_roundsman, onlink_lab: OnLinkLab) -> None:
    onlink_lab.add(Host("fd77::6", (Service(22),)))
    lab_roundsman.describes(estate(("fd77::6", "10.77.0.2"), "tcp/22,23"))
    ran = lab_roundsman.scan("--only", "fd77::6")
    assert (ran.said["state"], ran.changes) == ("complete", {("first_observed", "proved", "host:fd77::6", "tcp/22")})
    onlink_lab.hang_up("fd77::6", 22)
    assert ("gone", "proved", "host:fd77::6", "tcp/22") in lab_roundsman.scan().changes


def test_udp_is_told_from_tcp_and_silence_from_a_refusal(lab_roundsman, onlink_lab: OnLinkLab) -> None:
    answering = Service(53, Mode.ECHO, proto="udp")
    onlink_lab.listen("10.77.0.2", answering)
    onlink_lab.listen("10.77.0.2", Service(123, Mode.SILENT, proto="udp"))
    lab_roundsman.describes(estate(("10.77.0.2",), "tcp/53 udp/53,54,123"))
    first = lab_roundsman.scan()
    assert first.changes == {("first_observed", "proved", "host:10.77.0.2", "udp/53")}
    assert {verdict: first.said["coverage"][verdict] for verdict in ("negative", "silent")} == {
        "negative": 2,
        "silent": 1,
    }
    onlink_lab.hang_up("10.77.0.2", 53, "udp")
    assert lab_roundsman.scan().changes == {("gone", "proved", "host:10.77.0.2", "udp/53")}


TWO_ADDRESSES = """
[[assets]]
name = "dual.lab"
addresses = ["10.77.0.2", "fd77::2"]
"""


def test_an_asset_with_two_addresses_has_closed_a_port_only_when_both_say_so(
    lab_roundsman, onlink_lab: OnLinkLab
) -> None:
    onlink_lab.add(Host("fd77::2", (Service(22), Service(443))))
    lab_roundsman.describes(estate(("10.77.0.2", "fd77::2"), "tcp/22,443", TWO_ADDRESSES))
    assert lab_roundsman.scan().changes == {
        ("first_observed", "proved", "host:dual.lab", "tcp/22"),
        ("first_observed", "proved", "host:dual.lab", "tcp/443"),
    }
    onlink_lab.hang_up("10.77.0.2", 22)
    ran = lab_roundsman.scan()
    assert (ran.said["state"], ran.changes) == ("complete", set())
    onlink_lab.take_down("10.77.0.2")
    onlink_lab.hang_up("fd77::2", 22)
    assert lab_roundsman.scan("--only", "dual.lab").kinds <= {"lost_sight"}
    onlink_lab.bring_up("10.77.0.2")
    assert ("gone", "proved", "host:dual.lab", "tcp/22") in lab_roundsman.scan().changes
