"""The first list of an estate: proposed in groups, accepted by name, and what is left has a clock."""

from datetime import timedelta

import pytest

from estate.errors import BadInput
from estate.manifest import load_manifest
from estate.store.acceptance import accept_baseline, tags_of
from estate.store.baselines import propose_baseline
from estate.store.surroundings import Surroundings

WEB = {"tcp/22": "open", "tcp/443": "open"}
HOSTS = {"10.0.0.1": WEB, "10.0.0.2": WEB, "10.0.0.3": {**WEB, "tcp/3306": "open"}, "10.9.0.1": {"tcp/53": "open"}}
PORTS = "tcp/22,53,443,3306"
TAGGED = """
[[assets]]
name = "a.example"
addresses = ["10.0.0.1"]
tags = ["web"]

[[assets]]
name = "b.example"
addresses = ["10.0.0.2"]
tags = ["web"]
"""


def proposals(here, run):
    tags = tags_of(here.here, "default")
    rows = propose_baseline(here.database, run, here.manifest.declared, tags)
    return [(row.where, row.ports, row.seen, row.assets) for row in rows]


def test_what_is_shared_is_proposed_by_network_and_the_rest_by_asset(estate_on_both) -> None:
    run = estate_on_both.look("2026-01-01", HOSTS, ports=PORTS).run
    assert proposals(estate_on_both, run) == [
        ("network 10.0.0.0/24", "tcp/22,443", 3, 3),
        ("asset 10.0.0.3", "tcp/3306", 1, 1),
        ("asset 10.9.0.1", "tcp/53", 1, 1),
    ]


def test_what_assets_of_one_tag_share_is_proposed_by_tag(estate) -> None:
    estate.declare(TAGGED)
    run = estate.look("2026-01-01", HOSTS, ports=PORTS).run
    assert proposals(estate, run)[0] == ("tag web", "tcp/22,443", 2, 2)


def test_what_is_expected_already_is_not_proposed(estate) -> None:
    estate.declare('[[expected]]\nnetwork = "10.0.0.0/8"\nports = "tcp/22,53,443,3306"\n')
    assert proposals(estate, estate.look("2026-01-01", HOSTS, ports=PORTS).run) == []


def test_a_tarpit_is_never_proposed(estate) -> None:
    run = estate.nmap("tarpit.xml", at="2026-01-01", asked="10.77.0.2", ports="tcp/1-4096").run
    assert proposals(estate, run) == []


@pytest.fixture
def written(estate, tmp_path):
    """An estate whose description is a file."""
    path = tmp_path / "estate.toml"
    path.write_text('# our estate\n[estate]\nname = "home"\n')
    path.chmod(0o640)
    estate.declare(path.read_text())
    run = estate.look("2026-01-01", HOSTS, ports=PORTS).run
    return estate, run, Surroundings(path, estate.manifest, estate.database, estate.folder)


def test_an_accepted_baseline_bears_a_name_and_resolves_its_findings(written) -> None:
    here, run, surroundings = written
    rows = propose_baseline(here.database, run, here.manifest.declared, {})
    assert len(here.findings()) == 8
    assert {row["clock_started"] for row in here.findings()} == {None}
    accept_baseline(surroundings, run, rows, "Ada", here.now)
    text = surroundings.path.read_text()
    assert text.startswith("# our estate\n")
    assert text.count('accepted_by = "Ada"') == 3
    assert surroundings.path.stat().st_mode & 0o777 == 0o640
    here.manifest = load_manifest(text, "estate.toml")
    assert here.kinds(here.look("2026-01-02", HOSTS, ports=PORTS)) == {}
    assert here.findings() == []
    assert list(surroundings.path.parent.glob("tmp*")) == []


def test_the_clock_of_what_is_left_starts_at_acceptance_and_of_what_comes_later_when_it_comes(written) -> None:
    here, run, surroundings = written
    accepted_at = here.moment("2026-01-03T12:00")
    accept_baseline(surroundings, run, [], "Ada", accepted_at)
    here.look("2026-01-05", {"10.0.0.1": {**WEB, "tcp/3306": "open"}}, ports=PORTS)
    clocks = {(row["asset"], row["locator"]): row["clock_started"] for row in here.findings()}
    assert clocks["host:10.0.0.1", "tcp/22"] == "2026-01-03T12:00:00Z"
    assert clocks["host:10.0.0.1", "tcp/3306"] == "2026-01-05T00:00:00Z"
    accept_baseline(surroundings, run, [], "Grace", accepted_at + timedelta(days=1))
    clocks = {(row["asset"], row["locator"]): row["clock_started"] for row in here.findings()}
    assert clocks["host:10.0.0.1", "tcp/22"] == "2026-01-03T12:00:00Z", "the first acceptance counts"


def test_the_clock_of_one_zone_is_not_that_of_another(written) -> None:
    here, run, surroundings = written
    here.look("2026-01-02", {"10.0.0.1": WEB}, zone="lab", ports=PORTS)
    accept_baseline(surroundings, run, [], "Ada", here.now)
    assert {row["zone"] for row in here.findings() if row["clock_started"] is None} == {"lab"}


def test_without_a_file_there_is_nothing_to_write_to(estate) -> None:
    run = estate.look("2026-01-01", HOSTS, ports=PORTS).run
    with pytest.raises(BadInput, match=r"no estate\.toml to write to"):
        accept_baseline(estate.here, run, [], "Ada", estate.now)


def test_a_file_that_cannot_be_written_is_left_as_it_was(written, monkeypatch) -> None:
    here, run, surroundings = written
    before = surroundings.path.read_bytes()

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("estate.store.acceptance.os.fsync", full)
    with pytest.raises(BadInput, match="cannot be written: No space left on device"):
        accept_baseline(surroundings, run, [], "Ada", here.now)
    assert surroundings.path.read_bytes() == before
    assert list(surroundings.path.parent.glob("tmp*")) == []
    assert here.row_counts()["acceptance"] == 0
