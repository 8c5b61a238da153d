import pytest
from hypothesis import given
from hypothesis import strategies as st

from estate.errors import BadReport
from estate.hosts.frames import read_frames

NONCE = "0123456789abcdef" * 2
OTHER = "f" * 32


def framed(*sections: tuple[str, bytes, int, int], nonce: str = NONCE, end: bool = True) -> bytes:
    text = b"".join(
        b"\n@%b B %b\n%b\n@%b E %b rc=%d cap=%d\n"
        % (nonce.encode(), name.encode(), body, nonce.encode(), name.encode(), code, cap)
        for name, body, code, cap in sections
    )
    return text + (b"\n@%b Z ok\n" % nonce.encode() if end else b"")


def test_sections_come_with_their_bodies_and_the_last_line_says_complete() -> None:
    found = read_frames(framed(("who", b"uid=0\n", 0, 100), ("pkgs", b"a\tb", 0, 100)), NONCE)
    assert {name: (section.body, section.fault) for name, section in found.sections.items()} == {
        "who": (b"uid=0\n", ""),
        "pkgs": (b"a\tb", ""),
    }
    assert found.complete


def test_what_a_login_shell_says_before_is_skipped() -> None:
    found = read_frames(b"Welcome!\n\x1b[31m" + framed(("who", b"uid=0", 0, 9)), NONCE)
    assert found.sections["who"].body == b"uid=0"


def test_a_first_frame_without_a_line_before_it_is_read() -> None:
    assert read_frames(framed(("who", b"uid=0", 0, 9))[1:], NONCE).sections["who"].body == b"uid=0"


@pytest.mark.parametrize(
    ("code", "body", "cap", "fault"),
    [
        (0, b"abc", 4, ""),
        (0, b"abcd", 4, "cut"),
        (141, b"abc", 4, "cut"),
        (124, b"abc", 9, "timeout"),
        (3, b"", 9, "missing-tool"),
        (4, b"", 9, "no-privilege"),
        (1, b"abc", 9, "failed"),
    ],
)
def test_the_end_of_a_section_says_whether_it_is_whole(code: int, body: bytes, cap: int, fault: str) -> None:
    assert read_frames(framed(("one", body, code, cap)), NONCE).sections["one"].fault == fault


def test_a_frame_forged_with_another_nonce_is_text() -> None:
    forged = framed(("shadow", b"root ok", 0, 99), nonce=OTHER)
    found = read_frames(framed(("motd", forged, 0, 999)), NONCE)
    assert list(found.sections) == ["motd"]
    assert found.sections["motd"].body == forged


def test_the_first_of_two_sections_counts() -> None:
    found = read_frames(framed(("one", b"first", 0, 99), ("one", b"second", 0, 99)), NONCE)
    assert found.sections["one"].body == b"first"


@given(st.data())
def test_cut_at_any_byte_no_section_that_is_called_whole_has_lost_anything(data: st.DataObject) -> None:
    bodies = data.draw(st.lists(st.binary(max_size=30), min_size=1, max_size=4))
    whole = framed(*((f"s{number}", body, 0, 99) for number, body in enumerate(bodies)))
    at = data.draw(st.integers(0, len(whole)))
    found = read_frames(whole[:at], NONCE)
    for number, body in enumerate(bodies):
        section = found.sections.get(f"s{number}")
        assert section is None or section.fault == "truncated" or section.body == body
    assert found.complete == (at == len(whole))


@given(st.binary(max_size=300))
def test_whatever_comes_is_read_or_skipped(output: bytes) -> None:
    assert not read_frames(output, NONCE).complete


@pytest.mark.parametrize("nonce", ["", "a", "g" * 32, "a" * 33, ".*" * 16])
def test_a_nonce_that_is_none_is_refused(nonce: str) -> None:
    with pytest.raises(BadReport):
        read_frames(b"", nonce)
