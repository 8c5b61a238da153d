"""Reports made elsewhere: who imports them says what was asked, and the same words are the same run."""

from datetime import UTC, datetime

import pytest

from estate.errors import BadInput, BadReport, BadTarget

A = "10.0.0.1"
OPEN = {"tcp/22": "open"}


@pytest.mark.parametrize(
    "other",
    [
        {"at": "2026-01-02"},
        {"asked": "10.77.0.2"},
        {"ports": "tcp/22"},
        {"zone": "lab"},
        {"vantage": "internet"},
        {"canary": "ok"},
    ],
    ids=str,
)
def test_other_words_are_another_run(estate, other) -> None:
    first = estate.nmap("all_up.xml", at="2026-01-01").run
    assert estate.nmap("all_up.xml", **{"at": "2026-01-01", **other}).run.id != first.id


def test_the_same_targets_in_other_words_are_the_same_run(estate) -> None:
    first = estate.nmap("all_up.xml", at="2026-01-01").run
    again = estate.nmap("all_up.xml", at="2026-01-01", asked="10.77.0.3-4,10.77.0.2/32", ports="tcp/8080,1-1024")
    assert again.run.id == first.id


def test_a_report_without_a_time_looked_when_it_says(estate) -> None:
    settled = estate.nmap("all_up.xml", at=None)
    assert settled.run.looked_at == datetime(2026, 11, 24, 15, 20, 42, tzinfo=UTC)
    assert (settled.run.engine, settled.run.trigger, settled.run.choice) == (
        "nmap 7.93",
        "import",
        "imported from all_up.xml",
    )


def test_what_was_not_asked_is_ignored_and_said(estate) -> None:
    settled = estate.nmap("all_up.xml", at="2026-01-01", asked="10.77.0.2,10.77.0.3", ports="tcp/22,80")
    assert estate.assets() == {"host:10.77.0.2": ["tcp/22", "tcp/80"], "host:10.77.0.3": ["tcp/22", "tcp/80"]}
    assert estate.warnings(settled.run) == [
        "the report also speaks of 1,023 keys that were not asked; they are ignored",
        "1 hosts in the report were not asked for and are ignored",
    ]


def test_a_report_that_says_all_that_was_asked_warns_of_nothing(estate) -> None:
    assert estate.warnings(estate.nmap("all_up.xml", at="2026-01-01").run) == []


def test_a_report_that_was_cut_says_so(estate) -> None:
    settled = estate.nmap("killed_sigkill.xml", at="2026-01-01")
    assert estate.warnings(settled.run) == [
        "the scanner did not finish (truncated): what it left out was not looked at"
    ]


@pytest.mark.parametrize(
    ("told", "error", "message"),
    [
        ({"at": "2031-01-01"}, BadInput, "lies in the future"),
        ({"at": "2026-01-01", "zone": "No Zone"}, BadTarget, "is not a zone name"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_stored(estate, told, error, message) -> None:
    with pytest.raises(error, match=message):
        estate.nmap("all_up.xml", **told)
    assert not estate.folder.root.exists()
    assert estate.row_counts()["scanrun"] == 0


def test_a_file_that_is_no_report_is_refused_by_name(estate) -> None:
    path = estate.path / "notes.xml"
    path.write_text("these are my notes")
    with pytest.raises(BadReport, match=r"notes\.xml: "):
        estate.settle(path, at="2026-01-01")
    with pytest.raises(BadInput, match="is not a file"):
        estate.settle(estate.path / "nowhere.xml", at="2026-01-01")
    assert estate.row_counts()["scanrun"] == 0


def test_a_report_that_does_not_say_what_was_asked_needs_to_be_told(estate) -> None:
    path = estate.path / "silent.xml"
    path.write_bytes(b'<nmaprun scanner="nmap" version="7.93"><host></host></nmaprun>')
    with pytest.raises(BadInput, match="say it with --ports"):
        estate.settle(path, at="2026-01-01", ports=None)


class TestZmap:
    """zmap lists only what answered; the rest hangs on its metadata."""

    WHOLE = 256

    def first(self, here):
        return self.second(here, "port_80_whole", at="2026-01-01")

    def second(self, here, name, at="2026-01-02", metadata=True, **told):
        companion = here.zmap(f"{name}.json") if metadata else None
        words = {"asked": "10.77.0.0/24", "ports": "tcp/80", "metadata": companion, **told}
        return here.settle(here.zmap(f"{name}.csv"), at=at, **words)

    def test_a_whole_sweep_sees_what_answers_and_is_weakly_silent_elsewhere(self, estate_on_both) -> None:
        run = self.first(estate_on_both).run
        assert (run.asked, run.positive, run.silent, run.blind) == (256, 3, 253, 0)
        assert set(estate_on_both.assets()) == {"host:10.77.0.2", "host:10.77.0.3", "host:10.77.0.4"}

    @pytest.mark.parametrize(
        ("name", "kinds"),
        [
            ("port_80_later", {"gone": 1, "lost_sight": 1}),
            ("open_only_later", {"lost_sight": 2}),
            ("scanner_banned", {"lost_sight": 3}),
            ("cut_short", {"lost_sight": 2}),
            ("open_only", {}),
        ],
    )
    def test_no_silence_of_a_sweep_ever_closes(self, estate, name, kinds) -> None:
        self.first(estate)
        assert estate.kinds(self.second(estate, name)) == kinds

    def test_only_the_refusal_is_gone(self, estate) -> None:
        self.first(estate)
        told = estate.told(self.second(estate, "port_80_later"))
        assert ("gone", "host:10.77.0.3", "tcp/80") in told

    def test_without_metadata_silence_is_blindness(self, estate) -> None:
        self.first(estate)
        settled = self.second(estate, "no_metadata", metadata=False)
        assert (settled.run.positive, settled.run.blind) == (3, 253)
        assert estate.kinds(settled) == {}

    def test_without_metadata_the_port_has_to_be_said(self, estate) -> None:
        settled = self.second(estate, "no_metadata", metadata=False, ports=None)
        assert estate.row_counts()["fact"] == settled.run.positive == 3

    def test_a_sweep_and_a_scan_go_on_from_each_other(self, estate) -> None:
        self.first(estate)
        assert estate.kinds(estate.nmap("all_up.xml", at="2026-01-02")) == {"first_observed": 9}
        assert estate.kinds(self.second(estate, "open_only", at="2026-01-03")) == {}
        changed = estate.nmap("port_closed.xml", at="2026-01-04")
        assert [change["cause"] for change in estate.changes(changed.run)] == ["estate"]

    def test_another_tool_in_between_does_not_make_a_version_the_engines_doing(self, estate) -> None:
        estate.nmap("versions_on.xml", at="2026-01-01")
        self.second(estate, "port_80_whole", at="2026-01-02")
        (change,) = estate.changes(estate.nmap("version_changed.xml", at="2026-01-03").run)
        assert (change["kind"], change["cause"]) == ("changed", "estate")


def test_the_unreported_part_of_an_asset_with_two_addresses_is_said(estate) -> None:
    estate.declare(f'[[assets]]\nname = "web.example"\naddresses = ["{A}", "10.0.0.2"]\n')
    settled = estate.look("2026-01-01", {A: OPEN})
    assert estate.reasons(settled.run) == {"not-in-report": 2}
