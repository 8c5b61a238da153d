"""What holds for every estate and every sequence of reports, in whatever order they come."""

import shutil
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from estate.store.database import open_database
from estate.store.folder import EvidenceFolder
from estate.store.runs import run_named
from infra.lab.small_estate import SmallEstate

ADDRESSES = ("10.0.0.1", "10.0.0.2", "10.0.0.3")
KEYS = ("tcp/22", "tcp/80", "udp/53")
DAYS = ("2026-01-01", "2026-01-02", "2026-01-03", "2026-01-04", "2026-01-05")


def looks(*states: str, away: tuple[str, ...] = ()):
    """Reports of one day each: who and what was asked, and what came of it."""
    ports = st.fixed_dictionaries({key: st.sampled_from(states) for key in KEYS})
    host = st.one_of(ports, *map(st.just, away)) if away else ports
    hosts = st.dictionaries(st.sampled_from(ADDRESSES), host, min_size=1)
    asked = st.lists(st.sampled_from(KEYS), min_size=1, unique=True).map(sorted)
    return st.lists(st.tuples(hosts, asked), min_size=2, max_size=len(DAYS))


ANY = looks("open", "open ssh OpenSSH", "open ssh Dropbear", "closed", "silent", away=("down", "timeout"))
CLEAR = looks("open", "closed")
BLIND_AT_TIMES = looks("open", "closed", away=("down", "timeout"))
few = settings(max_examples=25, deadline=None)


@pytest.fixture(scope="module")
def two(migrated, tmp_path_factory):
    """Two estates that are emptied for every example: opening new ones would cost more than all else."""
    pair = []
    for _ in range(2):
        path = tmp_path_factory.mktemp("estate")
        shutil.copy(migrated, path / "estate.db")
        pair.append(SmallEstate(open_database(f"sqlite:///{path}/estate.db"), EvidenceFolder(path / "evidence"), path))
    yield pair
    for here in pair:
        here.database.engine.dispose()


@pytest.fixture(scope="module")
def emptied(two):
    """Gives both estates, empty."""

    def give():
        for here in two:
            here.empty()
        return two

    return give


def tell(here, story, order=None):
    """Settle the reports of a story, those of the first days first unless told otherwise."""
    for day in order or range(len(story)):
        hosts, asked = story[day]
        by_family = {
            family: [key.partition("/")[2] for key in asked if key.startswith(family)] for family in ("tcp", "udp")
        }
        ports = " ".join(f"{family}/{','.join(numbers)}" for family, numbers in by_family.items() if numbers)
        here.look(DAYS[day], {name: hosts[name] for name in sorted(hosts)}, ports=ports)


def present(here) -> set[tuple[str, str, bool]]:
    """(asset, key, in sight) of what is there now."""
    rows = here.here_assets()
    return {
        (row["asset"], key, seen) for row in rows for seen in (True, False) for key in row["keys" if seen else "unseen"]
    }


@few
@given(ANY)
def test_settling_again_changes_nothing(emptied, story) -> None:
    here, _ = emptied()
    tell(here, story)
    before, rows = here.dump(), here.row_counts()
    for run in here.runs():
        told = here.settler().settle(run_named(here.database, run["id"])).message
        assert told.startswith("the stored evidence says the same again")
    assert (here.dump(), here.row_counts()) == (before, rows)


@few
@given(ANY, st.randoms(use_true_random=False))
def test_all_evidence_replayed_into_an_empty_database_gives_the_same(emptied, story, chance) -> None:
    order = chance.sample(range(len(story)), len(story))
    one, two = emptied()
    for here in (one, two):
        tell(here, story, order)
    assert one.dump() == two.dump()
    assert [row["id"] for row in one.runs()] == [row["id"] for row in two.runs()]
    assert one.findings(everything=True) == two.findings(everything=True)


@few
@given(CLEAR, st.randoms(use_true_random=False))
def test_what_is_there_in_the_end_does_not_depend_on_the_order_of_arrival(emptied, story, chance) -> None:
    order = chance.sample(range(len(story)), len(story))
    in_order, shuffled = emptied()
    tell(in_order, story)
    tell(shuffled, story, order)
    assert present(in_order) == present(shuffled)


@few
@given(BLIND_AT_TIMES, st.randoms(use_true_random=False))
def test_nor_where_we_could_not_look_at_times(emptied, story, chance) -> None:
    order = chance.sample(range(len(story)), len(story))
    in_order, shuffled = emptied()
    tell(in_order, story)
    tell(shuffled, story, order)
    assert present(in_order) == present(shuffled)


@few
@given(ANY, st.randoms(use_true_random=False))
def test_every_key_has_one_state_and_its_finding_agrees(emptied, story, chance) -> None:
    here, _ = emptied()
    tell(here, story, chance.sample(range(len(story)), len(story)))
    assert here.overlapping_facts() == []
    detections = {(row["asset"], row["locator"]): row["detection"] for row in here.findings(everything=True)}
    facts = {(f"host:{row['asset_id'][2]}", row["key"]): row for row in here.dump()["fact"] if row["to_seq"] is None}
    assert detections.keys() == {key for key, row in facts.items() if row["present"]} | {
        key for key in facts if key in detections
    }
    for key, row in facts.items():
        expected = (
            "absent"
            if not row["present"]
            else "unobserved"
            if row["sight"] != "seen"
            else "suspected_absent"
            if row["misses"]
            else "present"
        )
        assert detections[key] == expected


@few
@given(ANY)
def test_a_life_told_in_order_is_one_chain_of_states(emptied, story) -> None:
    here, _ = emptied()
    tell(here, story)
    order = {run: number for number, run in enumerate(here.run_ids())}
    lives: dict[tuple[object, ...], list[tuple[int, int | None]]] = {}
    for row in here.dump()["fact"]:
        key = (row["asset_id"], row["key"])
        lives.setdefault(key, []).append((order[row["from_seq"]], order.get(row["to_seq"])))
    for chain in lives.values():
        chain.sort()
        assert [end for _, end in chain[:-1]] == [start for start, _ in chain[1:]]
        assert chain[-1][1] is None


@few
@given(CLEAR)
def test_looking_again_at_the_same_writes_no_fact_and_tells_nothing(emptied, story) -> None:
    here, _ = emptied()
    tell(here, story)
    facts = here.dump()["fact"]
    with here.counting_writes() as writes:
        hosts, asked = story[-1]
        ports = " ".join(asked) if len({key[:3] for key in asked}) == len(asked) else "tcp/22,80"
        first = here.look("2026-02-01", hosts, ports=ports)
    if here.kinds(first):
        facts = here.dump()["fact"]
    with here.counting_writes() as writes:
        again = here.look("2026-02-02", hosts, ports=ports)
    assert here.kinds(again) == {}
    assert here.dump()["fact"] == facts
    assert sum(writes) <= 1 * 6 + 10


@few
@given(ANY, st.randoms(use_true_random=False), st.integers(-12, 12 * 12))
def test_history_is_certain_only_at_the_moment_of_a_proof(emptied, story, chance, half_days) -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=2 * half_days)
    here, _ = emptied()
    tell(here, story, chance.sample(range(len(story)), len(story)))
    for row in here.here_assets():
        for key in here.history(row["asset"], at.isoformat()[:19])["history"]:
            proof = key["last_proof"]
            proved_now = proof is not None and proof["looked_at"] == f"{at:%Y-%m-%dT%H:%M:%S}Z"
            assert key["certain"] == proved_now
            if not key["certain"]:
                assert any(word in key["why"] for word in ("no evidence", "no proof", "first proof", "nobody"))
            day = at.isoformat()[:10]
            if proved_now:
                hosts, asked = story[DAYS.index(day)]
                told = hosts[row["asset"].removeprefix("host:")]
                assert key["key"] in asked
                assert (key["state"] == "present") == told[key["key"]].startswith("open")
