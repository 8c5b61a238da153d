"""Whose fact it is: zones, vantages, and declared assets with several addresses."""

import pytest

from estate.errors import NotFound
from estate.store.assets import find_asset

A, B, V6 = "10.0.0.1", "10.0.0.2", "fd00::1"
OPEN = {"tcp/22": "open"}
WEB = f'[[assets]]\nname = "web.example"\naddresses = ["{A}", "{V6}"]\n'


def test_one_address_in_two_zones_is_two_assets_with_two_findings(estate_on_both) -> None:
    here = estate_on_both
    here.look("2026-01-01", {A: OPEN}, zone="office")
    lab = here.look("2026-01-02", {A: OPEN}, zone="lab")
    assert here.kinds(lab) == {"first_observed": 1}
    assert [(row["asset"], row["zone"]) for row in here.here_assets()] == [
        (f"host:{A}", "lab"),
        (f"host:{A}", "office"),
    ]
    assert len({row["fingerprint"] for row in here.findings()}) == 2
    gone = here.look("2026-01-03", {A: {}}, zone="lab")
    assert [change["zone"] for change in here.changes(gone.run)] == ["lab"]
    assert {row["zone"]: row["detection"] for row in here.findings(everything=True)} == {
        "lab": "absent",
        "office": "present",
    }
    with pytest.raises(NotFound, match=r"several zones \(lab, office\)"):
        find_asset(here.database, A)
    assert here.history(A, "2026-01-04", "office")["history"][0]["state"] == "present"


def test_two_vantages_see_for_themselves_and_share_a_finding(estate_on_both) -> None:
    here = estate_on_both
    here.look("2026-01-01", {A: OPEN})
    outside = here.look("2026-01-02", {A: OPEN}, vantage="internet")
    assert here.kinds(outside) == {"first_observed": 1}
    (finding,) = here.findings()
    here.look("2026-01-03", {A: {}}, vantage="internet")
    (still,) = here.findings()
    assert (still["fingerprint"], still["detection"]) == (finding["fingerprint"], "present"), "it is open from inside"
    here.look("2026-01-04", {A: {}})
    assert here.findings() == []


def test_what_the_internet_reaches_is_one_step_worse(estate) -> None:
    estate.look("2026-01-01", {A: OPEN}, vantage="internet")
    estate.look("2026-01-01", {B: OPEN})
    assert {row["asset"]: row["severity"] for row in estate.findings()} == {f"host:{A}": "high", f"host:{B}": "medium"}


def test_a_declared_asset_is_seen_where_any_of_its_addresses_answers(estate_on_both) -> None:
    here = estate_on_both
    here.declare(WEB)
    settled = here.look("2026-01-01", {A: OPEN, V6: {"tcp/80": "open"}, B: OPEN})
    assert here.assets() == {f"host:{B}": ["tcp/22"], "host:web.example": ["tcp/22", "tcp/80"]}
    assert here.kinds(settled) == {"first_observed": 3}
    (row,) = [row for row in here.here_assets() if row["asset"] == "host:web.example"]
    assert row["addresses"] == [A, V6]
    assert str(find_asset(here.database, V6)[1]) == "host:web.example"


def test_a_declared_asset_is_closed_only_where_every_address_says_so(estate_on_both) -> None:
    here = estate_on_both
    here.declare(WEB)
    here.look("2026-01-01", {A: OPEN, V6: OPEN})
    assert here.kinds(here.look("2026-01-02", {A: {}, V6: OPEN})) == {}
    assert here.kinds(here.look("2026-01-03", {A: {}, V6: {"tcp/22": "silent"}})) == {"suspected_gone": 1}
    assert here.kinds(here.look("2026-01-04", {A: {}, V6: "timeout"})) == {"lost_sight": 1}
    assert here.kinds(here.look("2026-01-05", {A: {}, V6: {}})) == {"gone": 1}


def test_an_address_that_was_not_asked_keeps_its_asset_open(estate) -> None:
    estate.declare(WEB)
    estate.look("2026-01-01", {A: OPEN, V6: {}})
    only_v4 = estate.look("2026-01-02", {A: {}})
    assert estate.kinds(only_v4) == {"lost_sight": 1}
    assert not estate.could_look(only_v4.run)


def test_an_asset_that_moves_stays_the_same_asset(estate) -> None:
    estate.declare(WEB)
    estate.look("2026-01-01", {A: OPEN, V6: OPEN})
    estate.declare(WEB.replace(A, B))
    assert estate.kinds(estate.look("2026-01-02", {B: OPEN, V6: OPEN})) == {}
    (row,) = estate.here_assets()
    assert row["addresses"] == [B, V6]
    assert len(estate.identifiers()) == 3, "the address of then is kept with its end"


def test_a_late_run_does_not_bring_an_old_address_back(estate) -> None:
    estate.declare(WEB.replace(A, B))
    estate.look("2026-02-01", {B: OPEN, V6: OPEN})
    estate.declare(WEB)
    estate.look("2026-01-01", {A: OPEN, V6: OPEN})
    (row,) = estate.here_assets()
    assert row["addresses"] == [B, V6]


def test_unchanged_bindings_write_nothing(estate) -> None:
    estate.declare(WEB)
    estate.look("2026-01-01", {A: OPEN, V6: OPEN})
    before = estate.identifiers()
    estate.look("2026-01-02", {A: OPEN, V6: OPEN})
    assert estate.identifiers() == before


def test_an_asset_of_the_same_name_in_another_zone_keeps_its_own_addresses(estate) -> None:
    other = WEB.replace('"web.example"', '"web.example"\nzone = "lab"').replace(A, "10.9.9.9").replace(V6, "fd00::9")
    estate.declare(WEB + other)
    estate.look("2026-01-01", {"10.9.9.9": OPEN, "fd00::9": OPEN}, zone="lab")
    estate.look("2026-01-02", {A: OPEN, V6: OPEN})
    assert {(row["zone"], tuple(row["addresses"])) for row in estate.here_assets()} == {
        ("lab", ("10.9.9.9", "fd00::9")),
        ("default", (A, V6)),
    }


def test_a_run_that_never_counted_leaves_no_asset_behind(estate) -> None:
    held = estate.rules(silences=1)
    estate.look("2026-01-01", {f"10.1.0.{n}": OPEN for n in range(1, 61)}, ports="tcp/22")
    estate.profile = held
    states: dict[str, object] = {f"10.1.0.{n}": {} for n in range(1, 61)} | {B: OPEN}
    assert estate.look("2026-01-02", states, ports="tcp/22").state == "quarantined"
    assert f"host:{B}" not in estate.assets()
    with pytest.raises(NotFound, match="nothing was ever seen"):
        find_asset(estate.database, B)
