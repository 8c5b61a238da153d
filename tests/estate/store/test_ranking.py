"""The riskiest finding comes first, whatever an asset's loss would mean and however a server sorts words."""

from estate.store import problems
from estate.store.problems import Selection, list_findings

ASSETS = """
[[assets]]
name = "db-1.example"
addresses = ["10.0.0.1"]
criticality = "high"

[[assets]]
name = "Db_2.example"
addresses = ["10.0.0.2"]
criticality = "low"

[[assets]]
name = "db1.example"
addresses = ["10.0.0.3"]
"""
HOSTS = {f"10.0.0.{number}": {"tcp/22": "open", "tcp/23": "open", "tcp/80": "open"} for number in (1, 2, 3, 9, 10)}


def ranked(here, **chosen):
    return list(list_findings(here.database, here.manifest.declared, here.now, Selection(**chosen)))


def test_findings_are_sorted_by_risk_asset_and_locator(estate_on_both) -> None:
    here = estate_on_both
    here.declare(ASSETS)
    here.look("2026-01-01", HOSTS, ports="tcp/22,23,80")
    found = ranked(here)
    assert len(found) == 15
    assert found == sorted(found, key=lambda row: (-row["risk"], row["asset"], row["locator"]))
    assert [row["asset"] for row in found[:5]] == [
        "host:db-1.example",
        "host:10.0.0.10",
        "host:10.0.0.9",
        "host:db1.example",
        "host:db_2.example",
    ]


def test_the_first_finding_is_given_before_the_last_is_read(estate, monkeypatch) -> None:
    estate.look("2026-01-01", HOSTS, ports="tcp/22,23,80")
    read: list[int] = []
    states = problems._states

    def noted(connection, steps):
        read.extend(steps)
        return states(connection, steps)

    monkeypatch.setattr(problems, "_states", noted)
    monkeypatch.setattr(problems, "_BATCH", 4)
    rows = list_findings(estate.database, estate.manifest.declared, estate.now)
    next(rows)
    assert len(read) == 4
    assert len(list(rows)) == 14
