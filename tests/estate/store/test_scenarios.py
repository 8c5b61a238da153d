"""Each real report settled after the one in which all was well: what changed, how sure, and what could be seen."""

from dataclasses import dataclass, field

import pytest

KEYS_OF_ONE_HOST = 1025
LOST = "lost_sight"


@dataclass(frozen=True)
class Scenario:
    """What a report must come to as the second one of three hosts with 12 open ports among 3,075 asked.

    `told` counts changes by (kind, certainty, reason); `seen` counts pairs that are positive, negative, silent, blind.
    """

    file: str
    told: dict[tuple[str, str, str], int] = field(default_factory=dict)
    seen: tuple[int, int, int, int] = (12, 3063, 0, 0)
    reasons: dict[str, int] = field(default_factory=dict)

    @property
    def state(self) -> str:
        return "complete" if not self.seen[3] else "failed" if self.seen[3] == 3075 else "partial"

    def __str__(self) -> str:
        return self.file


def lost(file: str, reasons: dict[str, int], seen: tuple[int, int, int, int]) -> Scenario:
    """One in which we only lost sight: (open ports, of so many blind keys) by reason."""
    blind = {"host-down": 1025, "host-timeout": 1025, "truncated": 2050}
    told = {(LOST, "proved", reason): count for reason, count in reasons.items()}
    return Scenario(file, told, seen, {reason: blind.get(reason, seen[3]) for reason in reasons})


NOTHING_HAPPENED = (
    Scenario("all_up_again.xml"),
    Scenario("connect_scan.xml"),
    Scenario("rdns_before.xml"),
    Scenario("rdns_after.xml"),
    Scenario("versions_on.xml"),
    Scenario("versions_off.xml"),
    Scenario("version_changed.xml"),
)
WE_COULD_NOT_LOOK = (
    lost("host_down_quiet.xml", {"host-down": 4}, (8, 2042, 0, 1025)),
    lost("host_down_verbose.xml", {"host-down": 4}, (8, 2042, 0, 1025)),
    lost("host_timeout.xml", {"host-timeout": 4}, (8, 2042, 0, 1025)),
    lost("killed_sigkill.xml", {"truncated": 8}, (4, 1021, 0, 2050)),
    lost("killed_sigint.xml", {"truncated": 8}, (4, 1021, 0, 2050)),
    lost("open_only.xml", {"not-in-report": 4}, (8, 2042, 0, 1025)),
    lost("narrow.xml", {"not-in-report": 6}, (6, 0, 0, 3069)),
    lost("listed_twice.xml", {"not-in-report": 8}, (4, 1021, 0, 2050)),
    lost("interface_down.xml", {"skipped": 12}, (0, 0, 0, 3075)),
    lost("no_route_connect.xml", {"net-unreach": 12}, (0, 0, 0, 3075)),
    lost("no_route_connect_pn.xml", {"net-unreach": 12}, (0, 0, 0, 3075)),
    lost("unresolvable_name.xml", {"not-in-report": 12}, (0, 0, 0, 3075)),
    lost("ipv6_only.xml", {"not-in-report": 12}, (0, 0, 0, 3075)),
    Scenario(
        "ping_scan.xml",
        {(LOST, "proved", "not-scanned"): 8, (LOST, "proved", "host-down"): 4},
        (0, 0, 0, 3075),
        {"not-scanned": 2050, "host-down": 1025},
    ),
    Scenario("max_retries_0.xml", {(LOST, "proved", "sweep"): 2}, (10, 2721, 342, 2), {"sweep": 2}),
)
SUSPECTED = ("suspected_gone", "suspected")
BEFORE = "absence was proved before"
SOMETHING_HAPPENED = (
    Scenario("firewall_drop.xml", {(*SUSPECTED, "no-response"): 4}, (8, 2042, 1025, 0)),
    Scenario("firewall_reject_icmp.xml", {(*SUSPECTED, "admin-prohibited"): 4}, (8, 2042, 1025, 0)),
    Scenario("firewall_reject_icmp_limited.xml", {(*SUSPECTED, "port-unreach"): 4}, (8, 2042, 1025, 0)),
    Scenario("scanner_banned.xml", {(*SUSPECTED, "no-response"): 12}, (0, 0, 3075, 0)),
    Scenario("firewall_reject_rst.xml", {("gone", "proved", "reset"): 4}, (8, 3067, 0, 0)),
    Scenario("port_closed.xml", {("gone", "proved", "reset"): 1}, (11, 3064, 0, 0)),
    Scenario("port_opened.xml", {("gone", "proved", "reset"): 1, ("appeared", "proved", BEFORE): 1}, (12, 3063, 0, 0)),
    Scenario(
        "tarpit.xml",
        {("appeared", "proved", BEFORE): 1, (LOST, "proved", "not-in-report"): 9},
        (1024, 0, 0, 2051),
        {"not-in-report": 2051},
    ),
    Scenario(
        "tcpwrapped.xml",
        {("appeared", "proved", BEFORE): 1, (LOST, "proved", "not-in-report"): 11},
        (2, 0, 0, 3073),
        {"not-in-report": 3073},
    ),
    Scenario("hostile_banner.xml", {(LOST, "proved", "not-in-report"): 10}, (2, 0, 0, 3073), {"not-in-report": 3073}),
)
ALARMS = {"appeared", "reappeared", "changed", "gone"}


@pytest.mark.parametrize("scenario", [*NOTHING_HAPPENED, *WE_COULD_NOT_LOOK, *SOMETHING_HAPPENED], ids=str)
def test_the_second_report_says_just_what_happened(estate, scenario) -> None:
    here = estate
    here.nmap("all_up.xml", at="2026-01-01")
    settled = here.nmap(scenario.file, at="2026-01-02")
    run = settled.run
    told = here.counted((c["kind"], c["certainty"], c["reason"]) for c in here.changes(run))
    assert told == scenario.told
    assert (run.positive, run.negative, run.silent, run.blind) == scenario.seen
    assert here.reasons(run) == scenario.reasons
    assert run.asked == 3 * KEYS_OF_ONE_HOST
    assert run.state == settled.state == scenario.state
    assert here.could_look(run) == (2 * run.blind <= run.asked)
    assert {change["cause"] for change in here.changes(run)} <= {"estate"}


def test_a_month_of_mishaps_raises_no_alarm_and_one_that_is_real_raises_four(estate) -> None:
    """The same three hosts, month after month: what a monthly job would have mailed."""
    estate.nmap("all_up.xml", at="2026-01-01")
    mishaps = (*WE_COULD_NOT_LOOK[:9], NOTHING_HAPPENED[2], NOTHING_HAPPENED[3])
    assert len(mishaps) == 11
    for day, scenario in enumerate(mishaps, 2):
        settled = estate.nmap(scenario.file, at=f"2026-01-{day:02}")
        assert not ALARMS & estate.kinds(settled).keys(), scenario.file
    settled = estate.nmap("firewall_reject_rst.xml", at="2026-01-13")
    assert estate.kinds(settled) == {"gone": 4}


def test_a_failed_canary_turns_every_silence_and_refusal_blind(estate) -> None:
    estate.nmap("all_up.xml", at="2026-01-01")
    banned = estate.nmap("scanner_banned.xml", at="2026-01-02", canary="failed")
    assert here_told(estate, banned) == {("lost_sight", "canary"): 12}
    assert (banned.state, banned.run.blind) == ("failed", 3075)
    refused = estate.nmap("firewall_reject_rst.xml", at="2026-01-03", canary="failed")
    assert estate.kinds(refused) == {"sight_regained": 8}, "what was seen was seen"
    assert (refused.state, refused.run.positive, refused.run.negative) == ("partial", 8, 0)


def test_a_canary_that_is_well_leaves_the_evidence_as_it_is(estate) -> None:
    estate.nmap("all_up.xml", at="2026-01-01")
    refused = estate.nmap("firewall_reject_rst.xml", at="2026-01-02", canary="ok")
    assert estate.kinds(refused) == {"gone": 4}


def here_told(estate, settled) -> dict[tuple[str, str], int]:
    return dict(estate.counted((c["kind"], c["reason"]) for c in estate.changes(settled.run)))


def test_a_narrow_report_is_no_loss_where_its_asker_says_what_was_asked(started) -> None:
    settled = started.nmap("narrow.xml", at="2026-01-02", ports="tcp/22,80")
    assert (started.kinds(settled), settled.state, settled.run.asked) == ({}, "complete", 6)
    assert all(len(keys) == 4 for keys in started.assets().values())


def test_a_report_says_itself_what_was_asked_where_nobody_else_does(started) -> None:
    settled = started.nmap("narrow.xml", at="2026-01-02", ports=None)
    assert (started.kinds(settled), settled.run.asked) == ({}, 6)


def test_a_version_that_changed_is_told_where_both_reports_probed_it(started) -> None:
    assert started.kinds(started.nmap("versions_on.xml", at="2026-01-02")) == {}
    changed = started.nmap("version_changed.xml", at="2026-01-03")
    (change,) = started.changes(changed.run)
    assert (change["kind"], change["asset"], change["key"]) == ("changed", "host:10.77.0.2", "tcp/22")
    assert (change["cause"], change["reason"]) == ("estate", "cpe, version")
    assert "9.2p1" in change["before"]["version"]
    assert "9.6p1" in change["after"]["version"]
    assert started.kinds(started.nmap("versions_off.xml", at="2026-01-04")) == {}


def test_a_version_that_another_nmap_reads_otherwise_is_the_engines_doing(started) -> None:
    started.nmap("versions_on.xml", at="2026-01-02")
    newer = started.altered("version_changed.xml", b'version="7.93"', b'version="7.95"')
    (change,) = started.changes(started.settle(newer, at="2026-01-03").run)
    assert (change["kind"], change["cause"]) == ("changed", "engine")


def test_a_port_that_another_nmap_finds_closed_is_the_estates_doing(started) -> None:
    newer = started.altered("port_closed.xml", b'version="7.93"', b'version="7.95"')
    (change,) = started.changes(started.settle(newer, at="2026-01-03").run)
    assert (change["kind"], change["cause"]) == ("gone", "estate")


def test_reverse_names_come_and_go_without_a_word(started) -> None:
    for day, file in enumerate(("rdns_before.xml", "rdns_after.xml", "rdns_before.xml", "all_up_again.xml"), 2):
        assert started.kinds(started.nmap(file, at=f"2026-01-{day:02}")) == {}


def test_tcp_and_udp_53_are_two_things(started) -> None:
    ports = "tcp/53 udp/53,123,161"
    settled = started.nmap("dns_tcp_udp.xml", at="2026-01-02", asked="10.77.0.2", ports=ports)
    assert sorted(c["key"] for c in started.changes(settled.run)) == ["tcp/53", "udp/53"]
    kinds = {c["key"]: (c["kind"], c["cause"]) for c in started.changes(settled.run)}
    assert kinds == {"tcp/53": ("appeared", "estate"), "udp/53": ("first_observed", "profile")}
    assert (settled.run.negative, settled.run.silent) == (1, 1)
    assert started.kinds(started.nmap("dns_tcp_udp.xml", at="2026-01-03", asked="10.77.0.2", ports=ports)) == {}


def test_an_address_of_the_other_kind_is_an_asset_like_any(estate_on_both) -> None:
    settled = estate_on_both.nmap("ipv6_only.xml", at="2026-01-01", asked="FD77:0:0::6")
    assert estate_on_both.kinds(settled) == {"first_observed": 4}
    assert list(estate_on_both.assets()) == ["host:fd77::6"]
    assert (settled.run.positive, settled.run.negative) == (4, 1021)


def test_hostile_banners_are_stored_and_printed_as_harmless_text(estate_on_both) -> None:
    asked = {"asked": "10.77.0.2", "ports": "tcp/80,2101-2122,8080"}
    settled = estate_on_both.nmap("hostile_banner.xml", at="2026-01-01", **asked)
    assert settled.run.positive == 11
    told = str(estate_on_both.changes(settled.run))
    assert all(character.isprintable() for character in told)
    assert estate_on_both.kinds(estate_on_both.nmap("hostile_banner.xml", at="2026-01-02", **asked)) == {}


def test_a_name_that_no_longer_resolves_is_out_of_sight(estate) -> None:
    named = estate.altered(
        "all_up.xml",
        b"<hostnames>\n</hostnames>",
        b'<hostnames><hostname name="web.example" type="user"/></hostnames>',
        after=b"<host ",
    )
    estate.settle(named, at="2026-01-01", asked="web.example")
    settled = estate.nmap("unresolvable_name.xml", at="2026-01-02", asked="web.example")
    assert here_told(estate, settled) == {("lost_sight", "not-in-report"): 4}
    assert not estate.could_look(settled.run)


def test_a_wrapper_that_closes_at_once_is_no_service(estate) -> None:
    asked = {"asked": "10.77.0.2", "ports": "tcp/25,443"}
    wrapped = estate.nmap("tcpwrapped.xml", at="2026-01-01", **asked)
    assert [change["after"] for change in estate.changes(wrapped.run)] == [{"state": "present"}] * 2
    served = estate.look("2026-01-02", {"10.77.0.2": {"tcp/25": "open smtp Postfix", "tcp/443": "open"}}, **asked)
    assert estate.kinds(served) == {}
    assert estate.kinds(estate.nmap("tcpwrapped.xml", at="2026-01-03", **asked)) == {}


def test_a_name_that_was_asked_for_is_the_asset_and_not_its_address(estate) -> None:
    named = estate.altered(
        "all_up.xml",
        b"<hostnames>\n</hostnames>",
        b'<hostnames><hostname name="web.example" type="user"/></hostnames>',
        after=b"<host ",
    )
    settled = estate.settle(named, at="2026-01-01", asked="web.example,10.77.0.3,10.77.0.4")
    assert estate.kinds(settled) == {"first_observed": 12}
    assert set(estate.assets()) == {"host:web.example", "host:10.77.0.3", "host:10.77.0.4"}
