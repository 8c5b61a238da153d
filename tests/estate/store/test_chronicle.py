"""What was known at a time: certain only where somebody looked, and open about where we were blind."""

A = "10.0.0.1"
OPEN = {"tcp/22": "open"}


def at(here, moment: str, key: str = "tcp/22"):
    (found,) = [row for row in here.history(A, moment)["history"] if row["key"] == key]
    return found


def test_a_state_is_certain_only_at_the_moment_of_a_proof(estate_on_both) -> None:
    here = estate_on_both
    here.look("2026-01-01", {A: OPEN})
    here.look("2026-01-03", {A: OPEN})
    here.look("2026-01-05", {A: {}})
    told = {
        day: (at(here, day)["state"], at(here, day)["certain"]) for day in ("2026-01-01", "2026-01-03", "2026-01-05")
    }
    assert told == {
        "2026-01-01": ("present", True),
        "2026-01-03": ("present", True),
        "2026-01-05": ("absent", True),
    }
    between = at(here, "2026-01-02")
    assert (between["state"], between["certain"]) == ("present", False)
    assert between["why"] == (
        "proved present at 2026-01-01T00:00:00Z and again at 2026-01-03T00:00:00Z; no evidence in between"
    )
    assert at(here, "2026-01-04")["why"].endswith("absent at 2026-01-05T00:00:00Z; no evidence in between")
    after = at(here, "2026-01-06")
    assert (after["state"], after["certain"]) == ("absent", False)
    assert after["why"] == "proved absent at 2026-01-05T00:00:00Z; no evidence since"


def test_before_the_first_look_nothing_is_known(estate) -> None:
    estate.look("2026-01-02", {A: OPEN})
    first = at(estate, "2026-01-01")
    assert (first["state"], first["certain"], first["last_proof"]) == ("unknown", False, None)
    assert first["why"] == "first proof only at 2026-01-02T00:00:00Z"
    assert first["next_proof"]["verdict"] == "positive"


def test_blind_and_silent_looks_between_the_proofs_are_listed(estate_on_both) -> None:
    here = estate_on_both
    here.look("2026-01-01", {A: OPEN})
    here.look("2026-01-02", {A: "timeout"})
    here.look("2026-01-03", {A: {"tcp/22": "silent"}})
    here.look("2026-01-05", {A: OPEN})
    found = at(here, "2026-01-04")
    assert [(look["looked_at"][:10], look["reason"]) for look in found["blind"]] == [("2026-01-02", "host-timeout")]
    assert [(look["looked_at"][:10], look["reason"]) for look in found["silent"]] == [("2026-01-03", "no-response")]
    assert [look["reason"] for look in here.history(A, "2026-01-04")["blind"]] == ["host-timeout"]
    assert here.history(A, "2026-01-01")["blind"] == [], "blindness of later is not yet known then"


def test_repeated_silence_is_absence_without_proof(estate) -> None:
    estate.look("2026-01-01", {A: OPEN})
    for day in (2, 3, 4):
        estate.look(f"2026-01-0{day}", {A: {"tcp/22": "silent"}})
    assert at(estate, "2026-01-03")["state"] == "present"
    gone = at(estate, "2026-01-05")
    assert (gone["state"], gone["certain"], gone["last_proof"]["looked_at"]) == (
        "absent",
        False,
        "2026-01-01T00:00:00Z",
    )
    assert "3 silent looks in a row by 2026-01-04T00:00:00Z, which is no proof" in gone["why"]
    estate.look("2026-01-06", {A: OPEN})
    assert at(estate, "2026-01-06")["state"] == "present"
    assert at(estate, "2026-01-05")["state"] == "absent"


def test_vantages_have_histories_of_their_own(estate) -> None:
    estate.look("2026-01-01", {A: OPEN})
    estate.look("2026-01-02", {A: OPEN}, vantage="internet")
    estate.look("2026-01-03", {A: {}}, vantage="internet")
    found = {row["vantage"]: row["state"] for row in estate.history(A, "2026-01-04")["history"]}
    assert found == {"inside": "present", "internet": "absent"}


def test_a_proof_that_came_late_is_in_its_place(estate) -> None:
    estate.look("2026-01-01", {A: OPEN})
    estate.look("2026-01-05", {A: OPEN})
    estate.look("2026-01-03", {A: {}})
    assert at(estate, "2026-01-04")["state"] == "absent", "though it changed nothing that the newer run saw"
    assert at(estate, "2026-01-06")["state"] == "present"


def test_a_quarantined_run_is_no_part_of_history(estate) -> None:
    hosts = {f"10.1.0.{n}": OPEN for n in range(1, 61)}
    estate.look("2026-01-01", hosts, ports="tcp/22")
    estate.profile = estate.rules(silences=1)
    estate.look("2026-01-02", {name: {} for name in hosts}, ports="tcp/22")
    (key,) = estate.history("10.1.0.1", "2026-01-03")["history"]
    assert (key["state"], key["last_proof"]["looked_at"][:10]) == ("present", "2026-01-01")
