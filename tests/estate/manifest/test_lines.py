"""Where the keys of a TOML document stand, whatever its forms."""

import tomllib

from hypothesis import given
from hypothesis import strategies as st

from estate.manifest.lines import Path, line_numbers

ALL_FORMS = '''
# a comment with = and [
plain = "a # b ] = \\" c"     # line 3
many = [ # line 4
  1, 2.5e3,
  [ "x", \'y\' ], { inner = "z", deep.er = [1] },   # line 6
  """first
second \\" " "" third"""", # line 7
  2031-05-07 12:00:00Z,
]
"quoted key".\'other\' = true  # line 11
[table.sub]  # line 12
value = \'\'\'
raw \\ \'\' text\'\'\'\'
after = 1979-05-27T07:32:00-08:00  # line 15
[[rows]]  # line 16
a = 1
[rows.part]  # line 18
b = {}
[[rows]] # line 20
a = """
[not.a.table]
"""
[[rows.nested]] # line 24
c = []
'''


def paths_in(value: object, path: Path = ()) -> list[Path]:
    found = [path] if path else []
    if isinstance(value, dict):
        found += [inner for key, each in value.items() for inner in paths_in(each, (*path, key))]
    if isinstance(value, list):
        found += [inner for index, each in enumerate(value) for inner in paths_in(each, (*path, index))]
    return found


def test_every_form_of_key_and_value_is_found_on_its_line() -> None:
    found = line_numbers(ALL_FORMS)
    assert {path for path in paths_in(tomllib.loads(ALL_FORMS)) if path not in found} <= {
        ("rows",),
        ("rows", 1, "nested"),
        ("table",),
    }
    expected = {
        ("plain",): 3,
        ("many",): 4,
        ("many", 1): 5,
        ("many", 2, 1): 6,
        ("many", 3, "deep", "er", 0): 6,
        ("many", 4): 7,
        ("many", 5): 9,
        ("quoted key", "other"): 11,
        ("table", "sub"): 12,
        ("table", "sub", "value"): 13,
        ("table", "sub", "after"): 15,
        ("rows", 0): 16,
        ("rows", 0, "part", "b"): 19,
        ("rows", 1, "a"): 21,
        ("rows", 1, "nested", 0): 24,
        ("rows", 1, "nested", 0, "c"): 25,
    }
    assert {path: found[path] for path in expected} == expected


SCALARS = st.sampled_from(
    ["1", "-2.5", "true", '"a#]"', "'b,}'", '"""c\nd"""', "'''e\n'''", "2031-05-07", '"\\\\"', '""']
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3).map(lambda items: "[" + ", # note\n ".join(items) + "\n]"),
    max_leaves=6,
)


@given(st.lists(st.tuples(st.sampled_from(["k", "[t]", "[[u]]", "[u.v]"]), VALUES), max_size=8))
def test_whatever_tomllib_reads_is_found(parts: list[tuple[str, str]]) -> None:
    lines: list[str] = []
    for number, (kind, value) in enumerate(parts):
        if kind == "k":
            lines.append(f"k{number} = {value}")
        elif kind != "[u.v]" or any(line.startswith("[[u]]") for line in lines):
            lines.append(f"{kind}\nk{number} = {value}")
    text = "\n".join(lines) + "\n"
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError:  # a table declared twice
        return
    found = line_numbers(text)
    for path in paths_in(data):
        assert path in found or path == ("u",)
        if path in found and isinstance(path[-1], str) and path[-1].startswith("k"):
            assert text.splitlines()[found[path] - 1].startswith(f"{path[-1]} =")
