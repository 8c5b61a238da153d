"""Changes as people read them: a key that flaps is told once, as that."""

from estate.store.reading import list_changes, list_runs

A = "10.0.0.1"
OPEN = {"tcp/22": "open"}


def flap(estate, days, **told):
    return [estate.look(f"2026-01-{day:02}", {A: OPEN if day % 2 else {}}, **told) for day in days]


def test_three_flips_within_ten_runs_are_one_flapping(estate_on_both) -> None:
    here = estate_on_both
    kinds = [here.kinds(settled) for settled in flap(here, range(1, 8))]
    assert kinds[:3] == [{"first_observed": 1}, {"gone": 1}, {"reappeared": 1}]
    assert kinds[3:] == [{"flapping": 1}] * 4
    since = list(list_changes(here.database, since=here.moment("2026-01-01")))
    assert [change["kind"] for change in since] == ["first_observed", "gone", "reappeared", "flapping"]


def test_flips_far_apart_are_no_flapping(estate) -> None:
    for day in range(1, 29):
        settled = estate.look(f"2026-01-{day:02}", {A: {} if day in {5, 6, 7, 8, 9, 15, 16, 17, 18, 19} else OPEN})
        assert "flapping" not in estate.kinds(settled)


def test_a_calm_key_beside_a_flapping_one_is_told_as_it_is(estate) -> None:
    flap(estate, range(1, 6))
    settled = estate.look("2026-01-06", {A: {"tcp/80": "open"}})
    assert sorted(estate.told(settled)) == [("appeared", f"host:{A}", "tcp/80"), ("flapping", f"host:{A}", "tcp/22")]


def test_flapping_from_one_vantage_says_nothing_of_another(estate) -> None:
    flap(estate, range(1, 6))
    seen = flap(estate, range(6, 9), vantage="internet")
    assert [estate.kinds(each) for each in seen] == [{}, {"appeared": 1}, {"gone": 1}]
    both = flap(estate, range(9, 14), vantage="internet")
    assert estate.kinds(both[-1]) == {"flapping": 1}
    told = list(list_changes(estate.database, since=estate.moment("2026-01-01")))
    assert sum(change["kind"] == "flapping" for change in told) == 2, "once for each vantage"


def test_changes_of_the_estate_come_before_what_was_never_looked_at(estate) -> None:
    estate.look("2026-01-01", {A: OPEN}, ports="tcp/22")
    settled = estate.look("2026-01-02", {"10.0.0.0": OPEN, A: {}}, ports="tcp/22")
    assert [kind for kind, _, _ in estate.told(settled)] == ["gone", "first_observed"]


def test_runs_are_listed_the_latest_look_first(estate) -> None:
    estate.look("2026-01-02", {A: OPEN})
    estate.look("2026-01-01", {A: OPEN})
    runs = list(list_runs(estate.database))
    assert [run["looked_at"][:10] for run in runs] == ["2026-01-02", "2026-01-01"]
    assert [run["seq"] for run in runs] == [1, 2]
    assert len(list(list_runs(estate.database, limit=1))) == 1
    assert runs[0]["coverage"] == {
        "ratio": 1.0,
        "floor": 0.5,
        "positive": 1,
        "negative": 2,
        "silent": 0,
        "blind": 0,
        "reasons": {},
    }
