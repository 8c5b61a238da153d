"""The stored look at an engine is read as it was written, and whatever else is there is refused in one line."""

import json
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from estate.containers import engine as stored
from estate.containers.engine import Engine, EngineLook, Mount, Secret, Written, read_look, spell_look
from estate.errors import BadReport


def whole(sound):
    full = replace(
        sound,
        mounts=(Mount("bind", "/etc", "/x", writable=False),),
        secrets=(Secret("A", "name"),),
        written=(Written("/bin/x", "added", True), Written("/bin/y", "changed")),
        effective=("CHOWN",),
        unseen=(("top", "busy"),),
    )
    return EngineLook(datetime(2026, 3, 1, tzinfo=UTC), "unix:///x", Engine("docker"), (full, sound))


def test_what_was_written_is_read(sound):
    look = whole(sound)
    assert read_look(BytesIO(spell_look(look))) == look


def test_a_truncated_document_is_refused_wherever_it_is_cut(sound):
    text = spell_look(whole(sound))
    for end in range(0, len(text) - 1, 37):
        with pytest.raises(BadReport):
            read_look(BytesIO(text[:end]))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda told: told.update(containers=None),
        lambda told: told.update({"more\n\x1b[2J": 1}),
        lambda told: told["containers"][0].update(env=["A=secret"]),
        lambda told: told["containers"][0].update(memory="much"),
        lambda told: told["containers"][0].update(mounts=[{"kind": "bind"}]),
        lambda told: told.update(at="yesterday"),
        lambda told: told["containers"][0].pop("name"),
    ],
)
def test_a_document_of_another_shape_is_refused_in_one_line(sound, spoil):
    told = json.loads(spell_look(whole(sound)))
    spoil(told)
    with pytest.raises(BadReport, match="a look at an engine: ") as refused:
        read_look(BytesIO(json.dumps(told).encode()))
    assert str(refused.value).isprintable()


@given(st.binary(max_size=300))
def test_any_other_bytes_are_refused(data):
    with pytest.raises(BadReport):
        read_look(BytesIO(data))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.data())
def test_any_value_in_any_place_is_read_or_refused(sound, data):
    told = json.loads(spell_look(whole(sound)))
    place = data.draw(
        st.sampled_from([told, told["engine"], told["containers"][0], told["containers"][0]["mounts"][0]])
    )
    place[data.draw(st.sampled_from(sorted(place)))] = data.draw(JSON)
    with suppress(BadReport):
        read = read_look(BytesIO(json.dumps(told).encode()))
        assert read_look(BytesIO(spell_look(read))) == read


def test_a_document_larger_than_any_engines_is_refused(monkeypatch, sound):
    monkeypatch.setattr(stored, "MOST_BYTES", 100)
    with pytest.raises(BadReport, match="256 MiB"):
        read_look(BytesIO(spell_look(whole(sound))))
