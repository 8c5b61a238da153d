"""A tarpit in the store: one change and one finding when it comes, and one step when it goes."""

ASKED = {"asked": "10.77.0.2", "ports": "tcp/1-4096"}
A = "10.77.0.2"
EVERY = {f"tcp/{port}": "open" for port in range(1, 4097)}
FEW = {"tcp/22": "open"}


def test_a_tarpit_is_one_change_and_one_finding(estate_on_both) -> None:
    here = estate_on_both
    settled = here.nmap("tarpit.xml", at="2026-01-01", **ASKED)
    assert here.told(settled) == [("first_observed", f"host:{A}", "anomaly/tarpit")]
    (finding,) = here.findings()
    assert (finding["rule"], finding["locator"], finding["detection"]) == ("tarpit", "anomaly/tarpit", "present")
    assert (settled.run.positive, settled.run.asked) == (4096, 4096)
    assert here.kinds(here.nmap("tarpit.xml", at="2026-01-02", **ASKED)) == {}
    (finding,) = here.findings()
    assert finding["last_seen"] == finding["last_looked"] == "2026-01-02T00:00:00Z"
    (key,) = here.history(A, "2026-01-02")["history"]
    assert (key["key"], key["state"], key["certain"]) == ("anomaly/tarpit", "present", True)


def test_a_tarpit_in_the_place_of_a_host_has_appeared_and_the_host_keeps_its_ports(estate_on_both) -> None:
    here = estate_on_both
    here.look("2026-01-01", {A: FEW}, ports="tcp/1-4096")
    settled = here.nmap("tarpit.xml", at="2026-01-02", **ASKED)
    assert here.told(settled) == [("appeared", f"host:{A}", "anomaly/tarpit")]
    assert here.assets() == {f"host:{A}": ["anomaly/tarpit", "tcp/22"]}


def test_a_tarpit_that_ends_is_gone_and_resolved(estate_on_both) -> None:
    here = estate_on_both
    here.nmap("tarpit.xml", at="2026-01-01", **ASKED)
    settled = here.look("2026-01-02", {A: FEW}, ports="tcp/1-4096")
    assert sorted(here.told(settled)) == [
        ("first_observed", f"host:{A}", "tcp/22"),
        ("gone", f"host:{A}", "anomaly/tarpit"),
    ]
    assert {row["rule"]: row["detection"] for row in here.findings(everything=True)} == {
        "tarpit": "absent",
        "unexpected-port": "present",
    }
    assert here.history(A, "2026-01-02")["history"][0]["state"] == "absent"


def test_a_tarpit_that_comes_back_has_reappeared(estate) -> None:
    looks = [estate.look(f"2026-01-0{n}", {A: one}, ports="tcp/1-4096") for n, one in enumerate((EVERY, FEW, EVERY), 1)]
    assert estate.told(looks[-1]) == [("reappeared", f"host:{A}", "anomaly/tarpit")]


def test_a_port_known_to_be_closed_does_not_come_back_by_a_tarpit(estate) -> None:
    before = {**FEW, "tcp/80": "open"}
    looks = [
        estate.look(f"2026-01-0{n}", {A: one}, ports="tcp/1-4096") for n, one in enumerate((before, FEW, EVERY), 1)
    ]
    assert estate.told(looks[-1]) == [("appeared", f"host:{A}", "anomaly/tarpit")]


def test_a_tarpit_behind_a_dead_line_is_out_of_sight_like_its_host(estate) -> None:
    told = []
    for day, states in enumerate((EVERY, "down", EVERY), 1):
        told.append(estate.kinds(estate.look(f"2026-01-0{day}", {A: states}, ports="tcp/1-4096")))
    assert told == [{"first_observed": 1}, {"lost_sight": 1}, {"sight_regained": 1}]


def test_a_narrow_look_at_a_tarpit_shows_nothing_new(estate) -> None:
    estate.look("2026-01-01", {A: EVERY}, ports="tcp/1-4096")
    assert estate.kinds(estate.look("2026-01-02", {A: FEW}, ports="tcp/22")) == {}


def test_an_older_report_of_a_host_does_not_end_a_newer_tarpit_nor_the_other_way_round(estate) -> None:
    estate.look("2026-01-01", {A: EVERY}, ports="tcp/1-4096")
    estate.look("2026-03-01", {A: EVERY}, ports="tcp/1-4096")
    assert estate.kinds(estate.look("2026-02-01", {A: FEW}, ports="tcp/1-4096")) == {}
    estate.look("2026-04-01", {A: FEW}, ports="tcp/1-4096")
    assert estate.kinds(estate.look("2026-02-02", {A: EVERY}, ports="tcp/1-4096")) == {}
    assert estate.assets() == {f"host:{A}": ["tcp/22"]}


def test_settling_a_tarpit_again_says_the_same(estate) -> None:
    run = estate.look("2026-01-01", {A: EVERY}, ports="tcp/1-4096").run
    assert estate.settler().settle(run).message == "the stored evidence says the same again: 1 changes stand"
