"""The life of a fact over many runs: the table by which evidence becomes change, through a real database."""

import pytest

from estate.store.settlement import Settler

A, B = "10.0.0.1", "10.0.0.2"
OPEN = {"tcp/22": "open", "tcp/80": "open"}
SILENT = {"tcp/22": "silent", "tcp/80": "silent"}


def test_three_silences_in_a_row_are_gone_and_the_first_is_told_once(started) -> None:
    seen = [started.nmap("firewall_drop.xml", at=f"2026-01-0{day}") for day in (2, 3, 4, 5)]
    assert [started.kinds(each) for each in seen] == [{"suspected_gone": 4}, {}, {"gone": 4}, {}]
    gone = started.changes(seen[2].run)
    assert {(c["certainty"], c["reason"]) for c in gone} == {("confirmed", "no-response, 3 silent looks in a row")}
    assert started.assets()["host:10.77.0.3"] == []


def test_what_was_suspected_and_is_seen_again_is_no_news(started) -> None:
    started.nmap("firewall_drop.xml", at="2026-01-02")
    started.nmap("firewall_drop.xml", at="2026-01-03")
    assert started.kinds(started.nmap("all_up_again.xml", at="2026-01-04")) == {}
    again = started.nmap("firewall_drop.xml", at="2026-01-05")
    assert started.kinds(again) == {"suspected_gone": 4}, "the silences before do not count any more"


def test_blindness_neither_adds_to_the_silences_nor_breaks_their_row(started) -> None:
    told = []
    for day, file in enumerate(("firewall_drop", "host_timeout", "firewall_drop", "host_timeout", "firewall_drop"), 2):
        told.append(started.kinds(started.nmap(f"{file}.xml", at=f"2026-01-0{day}")))
    assert told == [{"suspected_gone": 4}, {"lost_sight": 4}, {}, {"lost_sight": 4}, {"gone": 4}]


def test_sight_is_lost_once_and_regained_once(started) -> None:
    files = ("host_down_verbose", "host_down_quiet", "all_up_again", "all_up_again")
    told = [started.kinds(started.nmap(f"{file}.xml", at=f"2026-01-0{day}")) for day, file in enumerate(files, 2)]
    assert told == [{"lost_sight": 4}, {}, {"sight_regained": 4}, {}]


def test_what_was_out_of_sight_and_is_refused_is_gone(started) -> None:
    started.nmap("host_timeout.xml", at="2026-01-02")
    assert started.kinds(started.nmap("firewall_reject_rst.xml", at="2026-01-03")) == {"gone": 4}


def test_what_was_gone_and_comes_back_has_reappeared(started) -> None:
    started.nmap("firewall_reject_rst.xml", at="2026-01-02")
    assert started.kinds(started.nmap("all_up_again.xml", at="2026-01-03")) == {"reappeared": 4}
    assert started.kinds(started.nmap("all_up_again.xml", at="2026-01-04")) == {}


@pytest.mark.parametrize(
    ("before", "kind", "cause", "certainty"),
    [
        ({"tcp/443": "closed"}, "appeared", "estate", "proved"),
        ({"tcp/443": "silent"}, "appeared", "estate", "likely"),
        ("timeout", "first_observed", "estate", "proved"),
        ("down", "first_observed", "estate", "proved"),
    ],
)
def test_what_opens_is_judged_by_what_was_known_before(estate, before, kind, cause, certainty) -> None:
    estate.look("2026-01-01", {A: before, B: OPEN})
    opened = estate.look("2026-01-02", {A: {"tcp/443": "open"}, B: OPEN})
    (change,) = estate.changes(opened.run)
    assert (change["kind"], change["cause"], change["certainty"]) == (kind, cause, certainty)
    assert (change["before"], change["after"]) == (None, {"state": "present"})


def test_a_port_that_nobody_asked_for_before_is_the_profiles_doing(estate) -> None:
    estate.look("2026-01-01", {A: OPEN}, ports="tcp/22,80")
    wider = estate.look("2026-01-02", {A: {**OPEN, "tcp/443": "open"}}, ports="tcp/22,80,443")
    (change,) = estate.changes(wider.run)
    assert (change["kind"], change["cause"], change["key"]) == ("first_observed", "profile", "tcp/443")


def test_a_host_that_nobody_asked_before_is_the_scopes_doing(estate) -> None:
    estate.look("2026-01-01", {A: OPEN})
    more = estate.look("2026-01-02", {A: OPEN, B: OPEN})
    assert {(c["kind"], c["cause"], c["asset"]) for c in estate.changes(more.run)} == {
        ("first_observed", "scope", f"host:{B}")
    }


def test_a_narrower_question_leaves_the_rest_as_it_was(estate) -> None:
    estate.look("2026-01-01", {A: OPEN}, ports="tcp/22,80")
    assert estate.kinds(estate.look("2026-01-02", {A: {}}, ports="tcp/443")) == {}
    assert estate.assets() == {f"host:{A}": ["tcp/22", "tcp/80"]}


def test_the_same_import_twice_is_one_run_and_no_rows(started) -> None:
    before = started.row_counts()
    again = started.nmap("all_up.xml", at="2026-01-01")
    assert again.message == "the stored evidence says the same again: 12 changes stand"
    assert started.row_counts() == before


def test_settling_a_published_run_again_only_checks(started) -> None:
    run = started.nmap("port_closed.xml", at="2026-01-02").run
    before, writes = started.dump(), started.row_counts()
    checked = started.settler().settle(run)
    assert (checked.state, checked.message) == ("complete", "the stored evidence says the same again: 1 changes stand")
    assert (started.dump(), started.row_counts()) == (before, writes)


def test_a_report_read_otherwise_by_a_newer_reader_is_said_and_changes_nothing(started, monkeypatch) -> None:
    run = started.nmap("port_closed.xml", at="2026-01-02").run
    monkeypatch.setattr("estate.ports.tags.PORT_KEYS", {})
    before = started.dump()
    assert "reads the stored evidence differently" in started.settler().settle(run).message
    assert started.dump() == before


def test_a_host_that_is_listed_twice_is_counted_once(estate_on_both) -> None:
    settled = estate_on_both.nmap("listed_twice.xml", at="2026-01-01", asked="10.77.0.2")
    assert estate_on_both.kinds(settled) == {"first_observed": 4}
    assert (settled.run.asked, settled.run.positive, settled.run.blind) == (1025, 4, 0)
    assert estate_on_both.settler().settle(settled.run).message.startswith("the stored evidence says the same")


def test_a_preview_says_what_settling_would_and_writes_nothing(started) -> None:
    run = started.bring(started.evidence("port_opened.xml"), at="2026-01-02")
    before = started.row_counts()
    previewed = [(change.kind, str(change.asset), change.key) for change in started.settler().preview(run)]
    assert started.row_counts() == before
    assert sorted(previewed) == sorted(started.told(started.settler().settle(run)))


def test_a_preview_copes_with_a_host_that_is_listed_twice(started) -> None:
    run = started.bring(started.evidence("listed_twice.xml"), at="2026-01-02", asked="10.77.0.2")
    assert started.settler().preview(run) == []


def test_readers_see_nothing_of_a_run_that_is_being_settled(started, monkeypatch) -> None:
    """Half of it is written already: whoever reads now reads the state before."""
    before = started.readings()
    publish, read = Settler._publish, []

    def reading(self, *told):
        read.append(started.readings())
        return publish(self, *told)

    monkeypatch.setattr(Settler, "_publish", reading)
    monkeypatch.setattr("estate.store.staging.PART", 1)
    settled = started.nmap("port_opened.xml", at="2026-01-02", asked="10.77.0.2-9")
    assert read == [before]
    assert started.readings() != before
    assert started.kinds(settled) == {"gone": 1, "appeared": 1}


def test_a_reader_that_began_before_a_run_was_published_goes_on_with_the_state_of_then(started) -> None:
    with started.database.read() as connection:
        before = started.count_facts(connection)
        started.nmap("port_opened.xml", at="2026-01-02")
        assert started.count_facts(connection) == before
    with started.database.read() as connection:
        assert started.count_facts(connection) == before + 2


def test_a_run_in_many_parts_says_the_same_as_in_one(open_estate, monkeypatch) -> None:
    whole, parted = open_estate(), open_estate()
    for here, part in ((whole, 32_768), (parted, 1)):
        monkeypatch.setattr("estate.store.staging.PART", part)
        for day, file in enumerate(("all_up", "port_opened", "host_down_quiet", "all_up_again"), 1):
            here.nmap(f"{file}.xml", at=f"2026-01-0{day}")
    assert whole.dump() == parted.dump()


def test_an_unchanged_second_run_writes_a_few_rows_and_no_fact(started) -> None:
    rows, facts = started.row_counts(), started.dump()["fact"]
    with started.counting_writes() as writes:
        started.nmap("all_up_again.xml", at="2026-01-02")
    new = {name: count - rows[name] for name, count in started.row_counts().items()}
    assert started.dump()["fact"] == facts
    assert {name: count for name, count in new.items() if count} == {
        "scanrun": 1,
        "shard": 1,
        "evidence": 1,
        "coverage": 2,
    }, "the maps are those of the first run"
    assert sum(new.values()) <= sum(writes) <= 1 * 6 + 10


def test_an_unchanged_second_run_of_many_shards_writes_six_rows_each_at_most(estate_on_both) -> None:
    hosts = {f"10.0.{shard}.{host}": OPEN for shard in range(8) for host in range(3)}
    estate_on_both.sweep("2026-01-01", hosts, shards=8)
    rows, facts = estate_on_both.row_counts(), estate_on_both.dump()["fact"]
    with estate_on_both.counting_writes() as writes:
        estate_on_both.sweep("2026-01-02", hosts, shards=8)
    assert estate_on_both.dump()["fact"] == facts
    assert sum(estate_on_both.row_counts().values()) - sum(rows.values()) <= sum(writes) <= 8 * 6 + 10


def test_a_run_settles_by_the_rules_that_it_was_opened_with(estate) -> None:
    estate.profile = estate.rules(silences=1)
    estate.look("2026-01-01", {A: OPEN})
    assert estate.kinds(estate.look("2026-01-02", {A: SILENT})) == {"gone": 2}


def test_two_looks_of_one_run_are_two_silences_and_a_retry_adds_none(estate) -> None:
    estate.sweep("2026-01-01", {A: OPEN}, shards=1)
    second = estate.sweep("2026-01-02", {A: SILENT}, shards=1, looks=[0, 0, 1])
    assert estate.kinds(second) == {"suspected_gone": 2}
    assert {row["misses"] for row in estate.dump()["fact"] if row["to_seq"] is None} == {2}
    third = estate.sweep("2026-01-03", {A: SILENT}, shards=1)
    assert estate.kinds(third) == {"gone": 2}


def test_a_second_look_that_answers_is_stronger_than_the_silence_of_the_first(estate) -> None:
    estate.sweep("2026-01-01", {A: OPEN}, shards=1)
    reports = [{A: SILENT}, {A: OPEN}]
    assert estate.kinds(estate.sweep("2026-01-02", {A: SILENT}, shards=1, looks=[0, 1], reports=reports)) == {}
