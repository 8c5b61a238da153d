from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from estate.coverage import NOTHING, Keys, Look, Verdict
from estate.observations import Reading, Sight, join_addresses, merge

HOST = "10.0.0.2"
KEYS = st.integers(1, 9).map("tcp/{}".format) | st.integers(1, 3).map("udp/{}".format)
SETS = st.sets(KEYS, max_size=8).map(Keys.of)
ATTRIBUTES = st.dictionaries(st.sampled_from(["product", "service"]), st.sampled_from(["a", "b"])).map(
    lambda found: tuple(sorted(found.items()))
)
REASONS = {
    Verdict.NEGATIVE: ["reset", "port-unreach"],
    Verdict.SILENT: ["no-response", "admin-prohibited", "sweep", "host-down"],
    Verdict.BLIND: ["host-down", "not-in-report", "truncated"],
}
LOOKS = st.sampled_from(list(REASONS)).flatmap(
    lambda verdict: st.builds(Look, st.just(verdict), st.sampled_from(REASONS[verdict]), SETS)
)
READINGS = st.builds(
    Reading,
    st.just(HOST),
    st.dictionaries(KEYS, ATTRIBUTES, max_size=4),
    st.lists(LOOKS, max_size=4).map(tuple),
    st.integers(0, 2),
)


def verdicts(sight: Sight) -> dict[str, tuple[Verdict, bool, str]]:
    found = {}
    for key in sight.asked:
        look = sight.verdict(key)
        if look is not None:
            found[key] = (look.verdict, look.weak, look.reason)
    return found


def expected(key: str, readings: Sequence[Reading]) -> tuple[Verdict, bool] | None:
    """The strongest word on a key, or None where it is present."""
    if any(key in reading.present for reading in readings):
        return None
    words = [(look.verdict, not look.weak) for reading in readings for look in reading.looks if key in look.keys] or [
        (Verdict.BLIND, True)
    ]
    verdict, strong = max(words)
    return verdict, not strong


@given(SETS, st.lists(READINGS, max_size=4))
def test_every_asked_key_has_the_strongest_word_that_any_evidence_has_on_it(asked, readings):
    sight = merge(HOST, asked, readings)
    found = verdicts(sight)
    for key in asked:
        assert (key in sight.present) is (expected(key, readings) is None)
        assert (found[key][:2] if key in found else None) == expected(key, readings)
    assert set(sight.present) <= set(asked)
    everything = [look for looks in (sight.negative, sight.silent, sight.blind) for look in looks]
    assert sum(len(look.keys) for look in everything) + len(sight.present) == len(asked)
    assert len({(look.verdict, look.reason) for look in everything}) == len(everything)


@given(SETS, st.lists(READINGS, max_size=4), st.data())
def test_the_order_of_evidence_never_matters(asked, readings, data):
    assert merge(HOST, asked, readings) == merge(HOST, asked, data.draw(st.permutations(readings)))


@given(SETS, st.lists(READINGS, max_size=3))
def test_evidence_split_over_many_readings_says_the_same(asked, readings):
    split = [
        piece
        for reading in readings
        for piece in (
            *(Reading(HOST, {key: value}, (), reading.look) for key, value in reading.present.items()),
            *(
                Reading(HOST, {}, (Look(look.verdict, look.reason, Keys.of([key])),), reading.look)
                for look in reading.looks
                for key in look.keys
            ),
        )
    ]
    assert merge(HOST, asked, split) == merge(HOST, asked, readings)


@given(SETS, READINGS)
def test_one_reading_says_the_same_on_the_short_way_and_on_the_long_one(asked, reading):
    nothing_more = Reading(HOST, {}, (), reading.look)
    assert merge(HOST, asked, [reading]) == merge(HOST, asked, [reading, nothing_more])


@given(st.dictionaries(KEYS, ATTRIBUTES, max_size=4), st.lists(LOOKS, max_size=4), st.integers(0, 2))
def test_a_reading_that_divides_what_was_asked_says_the_same_on_both_ways(present, looks, number):
    left = Keys.of(present)
    apart = []
    for look in looks:
        keys = look.keys - left
        left |= keys
        apart.append(Look(look.verdict, look.reason, keys))
    reading = Reading(HOST, present, tuple(apart), number)
    short = merge(HOST, left, [reading])
    assert short == merge(HOST, left, [reading, Reading(HOST, {}, (), number)])


@given(SETS, st.lists(READINGS, max_size=4))
def test_silence_is_counted_once_per_look_and_only_where_nothing_stronger_is_known(asked, readings):
    sight = merge(HOST, asked, readings)
    for key in asked:
        looks = {
            reading.look
            for reading in readings
            for look in reading.looks
            if look.verdict is Verdict.SILENT and not look.weak and key in look.keys
        }
        decided = expected(key, readings) == (Verdict.SILENT, False)
        assert sight.silent_looks(key) == (len(looks) if decided else 0)


@given(SETS, st.lists(READINGS, max_size=4), READINGS)
def test_more_evidence_never_weakens_a_word(asked, readings, one_more):
    before, after = merge(HOST, asked, readings), merge(HOST, asked, [*readings, one_more])
    for key in asked:
        if key in before.present:
            assert key in after.present
        elif key not in after.present:
            assert verdicts(after)[key][0] >= verdicts(before)[key][0]


def test_a_later_look_knows_a_version_better_and_a_retry_adds_no_silence():
    asked = Keys.parse("tcp/22,80")
    silent = (Look(Verdict.SILENT, "no-response", Keys.parse("tcp/80")),)
    first = Reading(HOST, {"tcp/22": (("version", "9.6"),)}, silent, 0)
    retry = Reading(HOST, {}, silent, 0)
    later = Reading(HOST, {"tcp/22": (("version", "9.2"),)}, silent, 1)
    assert merge(HOST, asked, [first, retry]).silent_looks("tcp/80") == 1
    sight = merge(HOST, asked, [later, first, retry])
    assert sight.present == {"tcp/22": (("version", "9.2"),)}
    assert sight.silent_looks("tcp/80") == 2


def test_keys_that_no_evidence_speaks_of_are_blind_for_the_reason_that_is_given():
    sight = merge(HOST, Keys.parse("tcp/1-10"), [Reading(HOST, {"tcp/1": ()}, ())], "truncated")
    assert sight.blind == (Look(Verdict.BLIND, "truncated", Keys.parse("tcp/2-10")),)
    assert merge(HOST, Keys.parse("tcp/1"), []).verdict("tcp/1") == Look(
        Verdict.BLIND, "not-in-report", Keys.parse("tcp/1")
    )


def test_what_nobody_asked_is_dropped():
    reading = Reading(HOST, {"tcp/99": ()}, (Look(Verdict.NEGATIVE, "reset", Keys.parse("tcp/1-50")),))
    sight = merge(HOST, Keys.parse("tcp/1-10"), [reading])
    assert sight.present == {}
    assert sight.negative == (Look(Verdict.NEGATIVE, "reset", Keys.parse("tcp/1-10")),)
    assert sight.verdict("tcp/99") is None
    assert merge(HOST, NOTHING, [reading]).negative == ()


def one_sight(*looks: Look, present: Sequence[str] = ()) -> Sight:
    return merge(HOST, Keys.parse("tcp/80"), [Reading(HOST, dict.fromkeys(present, ()), looks)])


def test_an_asset_with_two_addresses_shows_what_either_shows_and_lacks_what_both_lack():
    port = Keys.parse("tcp/80")
    closed = one_sight(Look(Verdict.NEGATIVE, "reset", port))
    silent = one_sight(Look(Verdict.SILENT, "no-response", port))
    blind = one_sight(Look(Verdict.BLIND, "host-down", port))
    shown = one_sight(present=["tcp/80"])
    assert "tcp/80" in join_addresses("web", port, [closed, shown]).present
    assert join_addresses("web", port, [closed, closed]).negative == closed.negative
    assert join_addresses("web", port, [closed, silent]).silent == silent.silent
    assert join_addresses("web", port, [closed, blind]).blind == blind.blind
    assert join_addresses("web", port, [silent]).silent_looks("tcp/80") == 1


@given(SETS, st.lists(st.lists(READINGS, max_size=2), min_size=1, max_size=3), st.data())
def test_between_addresses_the_weakest_word_wins_and_the_fewest_silences_count(asked, addresses, data):
    sights = [merge(HOST, asked, readings) for readings in addresses]
    joined = join_addresses("web", asked, data.draw(st.permutations(sights)))
    for key in asked:
        if any(key in sight.present for sight in sights):
            assert key in joined.present
            continue
        words = [verdicts(sight)[key][:2] for sight in sights]
        verdict, weak = min(words, key=lambda word: (word[0], not word[1]))
        assert verdicts(joined)[key][:2] == (verdict, weak)
        if (verdict, weak) == (Verdict.SILENT, False):
            counted = [
                sight.silent_looks(key) for sight, word in zip(sights, words, strict=True) if word[0] is Verdict.SILENT
            ]
            assert joined.silent_looks(key) == min(counted)
        else:
            assert joined.silent_looks(key) == 0
