"""Coverage maps: the same words of the same subjects are the same bytes."""

import hashlib
import json

import zstandard
from hypothesis import given
from hypothesis import strategies as st

from estate.coverage import Keys
from estate.store.maps import Groups, decode, encode, put

WORDS = st.lists(
    st.tuples(
        st.sampled_from(["", "reset", 'quo"ted', "back\\slash"]),
        st.sets(st.sampled_from(["tcp/22", "tcp/80", "udp/53", "pkg/a,b"]), min_size=1),
        st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
    )
)


def collected(words) -> Groups:
    groups: Groups = {}
    for reason, keys, subject in words:
        put(groups, reason, Keys.of(keys), subject)
    return groups


@given(WORDS, st.randoms(use_true_random=False))
def test_equal_words_give_equal_bytes_in_whatever_order_they_came(words, chance) -> None:
    assert encode(collected(words)) == encode(collected(chance.sample(words, len(words))))


@given(WORDS)
def test_what_was_put_in_comes_out(words) -> None:
    _, body = encode(collected(words))
    assert set(decode(body)) == {(subject, reason, Keys.of(keys)) for reason, keys, subject in words}


@given(WORDS, st.data())
def test_wanted_subjects_come_out_alone(words, data) -> None:
    _, body = encode(collected(words))
    subjects = sorted({subject for _, _, subject in words})
    wanted = data.draw(st.sets(st.sampled_from(subjects))) if subjects else set()
    assert set(decode(body, wanted)) == {found for found in decode(body) if found[0] in wanted}


@given(WORDS)
def test_a_map_is_json_named_by_its_sha256(words) -> None:
    groups = collected(words)
    rows = [
        [reason, keys, sorted(set(subjects))]
        for reason, by_keys in sorted(groups.items())
        for keys, subjects in sorted(by_keys.items())
    ]
    plain = json.dumps(rows, separators=(",", ":"), ensure_ascii=False).encode()
    sha256, body = encode(groups)
    assert zstandard.ZstdDecompressor().decompress(body) == plain
    assert sha256 == hashlib.sha256(plain).hexdigest()
