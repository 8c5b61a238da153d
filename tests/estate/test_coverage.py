import pytest
from hypothesis import given
from hypothesis import strategies as st

from estate.coverage import NOTHING, Keys, Look, Verdict
from estate.errors import BadTarget

NUMBERS = st.integers(0, 40) | st.integers(65500, 65535)
NAMES = st.sampled_from(["a", "b c", "ü/x", "%41", "*", "x,y"])
SINGLE = st.one_of(
    st.builds("{}/{}".format, st.sampled_from(["tcp", "udp"]), NUMBERS),
    st.builds("{}/{}".format, st.sampled_from(["pkg", "check"]), NAMES.filter(lambda name: name != "*")),
)
SETS = st.sets(SINGLE, max_size=25)


@given(SETS, SETS)
def test_the_algebra_is_that_of_sets(one, two):
    left, right = Keys.of(one), Keys.of(two)
    assert set(left | right) == one | two
    assert set(left & right) == one & two
    assert set(left - right) == one - two
    assert (left == right) is (one == two)
    assert len(left) == len(one)
    assert bool(left) is bool(one)


@given(SETS, SETS)
def test_equal_sets_have_one_spelling_and_one_hash(one, two):
    whole = Keys.of(one | two)
    joined = Keys.of(one) | Keys.of(two)
    assert joined == whole
    assert str(joined) == str(whole)
    assert hash(joined) == hash(whole)


@given(SETS)
def test_a_spelling_reads_back_as_the_same_set(keys):
    made = Keys.of(keys)
    assert Keys.parse(str(made)) == made
    assert Keys.of(made) == made


@given(SETS, SINGLE)
def test_membership_is_that_of_sets(keys, key):
    assert (key in Keys.of(keys)) is (key in keys)


@pytest.mark.parametrize("text", ["tcp", "tcp/", "/80", "tcp/80 tcp/81", "tcp/80 udp"])
def test_what_is_no_list_of_keys_is_refused(text):
    with pytest.raises(BadTarget):
        Keys.parse(text)


def test_all_of_a_numbered_family_is_its_whole_range():
    everything = Keys.parse("tcp/*")
    assert everything == Keys.parse("tcp/0-65535") == Keys.of(["tcp/*"])
    assert str(everything) == "tcp/0-65535"
    assert str(everything - Keys.parse("tcp/80")) == "tcp/0-79,81-65535"
    assert len(everything) == 65536


def test_all_of_a_family_of_names_holds_every_name():
    everything = Keys.parse("pkg/*")
    assert "pkg/openssl" in everything
    assert "check/openssl" not in everything
    assert everything | Keys.of(["pkg/a"]) == everything
    assert Keys.of(["pkg/a"]) & everything == Keys.of(["pkg/a"])
    assert Keys.of(["pkg/a"]) - everything == NOTHING
    assert everything - Keys.of(["pkg/a"]) == everything
    assert list(everything) == ["pkg/*"]


def test_a_name_that_looks_like_the_sign_for_all_is_only_a_name():
    assert "pkg/b" not in Keys.parse("pkg/%2A")


def test_keys_of_other_families_or_without_a_number_are_not_in_a_set_of_ports():
    ports = Keys.parse("tcp/80")
    assert "udp/80" not in ports
    assert "tcp/http" not in ports
    assert "80" not in ports


@given(SETS, st.data())
def test_what_parts_that_meet_nowhere_leave_of_a_set_is_the_difference(keys, data):
    numbered = sorted(key for key in keys if key.startswith(("tcp", "udp")))
    owner = {key: data.draw(st.integers(0, 3)) for key in numbered}
    single = [key for key in numbered if owner[key] == 0]
    parts = [Keys.of(key for key in numbered if owner[key] == part) for part in (1, 2)]
    whole = Keys.of(numbered)
    assert whole.rest_after(single, parts) == Keys.of(key for key in numbered if owner[key] == 3)
    for key in numbered:
        if owner[key] != 3:
            assert whole.rest_after([*single, key], parts) is None
            assert whole.rest_after(single, [*parts, Keys.of([key])]) is None
            assert (whole - Keys.of([key])).rest_after(single, parts) is None
    assert whole.rest_after([*single, "sctp/7"], parts) is None


@given(SETS, SETS, SETS)
def test_what_is_left_is_never_wrong_whatever_the_parts_are(whole, one, two):
    left = Keys.of(whole).rest_after([], [Keys.of(one), Keys.of(two)])
    if left is not None:
        assert not one & two
        assert one | two <= whole
        assert set(left) == whole - one - two


def test_names_are_left_to_the_slow_way():
    assert Keys.of(["pkg/a"]).rest_after([], [Keys.of(["pkg/a"])]) is None
    assert Keys.of(["pkg/a"]).rest_after(["pkg/a"], []) is None


def test_only_a_sweep_and_a_host_that_is_away_are_weakly_silent():
    keys = Keys.parse("tcp/80")
    assert Look(Verdict.SILENT, "sweep", keys).weak
    assert Look(Verdict.SILENT, "host-down", keys).weak
    assert not Look(Verdict.SILENT, "no-response", keys).weak
    assert not Look(Verdict.BLIND, "host-down", keys).weak


def test_verdicts_are_ordered_by_strength_and_have_words():
    assert sorted(Verdict) == [Verdict.BLIND, Verdict.SILENT, Verdict.NEGATIVE, Verdict.POSITIVE]
    assert Verdict.NEGATIVE.word == "negative"


@given(SETS, st.data())
def test_taking_single_keys_out_is_the_algebra_of_sets(keys, data):
    ports = Keys.of(key for key in keys if key.startswith("tcp/")) | Keys.parse("tcp/100-200")
    taken = data.draw(st.sets(st.sampled_from(sorted(ports)), max_size=6))
    split = ports.split(taken)
    assert split is not None
    seen, rest = split
    assert (str(seen), len(seen)) == (str(Keys.of(taken)), len(taken))
    assert seen.spans("tcp") == Keys.of(taken).spans("tcp")
    assert len(rest) == len(ports) - len(taken)
    assert str(rest) == str(ports - Keys.of(taken))
    assert rest == ports - Keys.of(taken)
    assert rest.spans("tcp") == (ports - Keys.of(taken)).spans("tcp")
    assert bool(rest) is bool(ports - Keys.of(taken))


def test_only_what_is_in_a_set_of_ports_can_be_taken_out_of_it():
    ports = Keys.parse("tcp/1-100")
    assert ports.split(["tcp/101"]) is None
    assert ports.split(["udp/5"]) is None
    assert ports.split(["tcp/5", "tcp/5"]) is None
    assert Keys.parse("tcp/5").split(["tcp/5"]) == (Keys.parse("tcp/5"), NOTHING)
    assert Keys.parse("tcp/5 udp/5").split(["tcp/5"]) is None
    assert Keys.parse("pkg/a").split(["pkg/a"]) is None
    assert NOTHING.split([]) is None
