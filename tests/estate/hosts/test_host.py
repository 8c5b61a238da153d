import pytest

from estate.hosts.host import Host, Unseen, lines


def test_a_section_that_is_not_whole_is_given_only_to_who_says_so(host) -> None:
    found = host({"pkgs": b"a"}, faults={"pkgs": "cut"})
    with pytest.raises(Unseen) as unseen:
        found.section("pkgs")
    assert unseen.value.reason == "cut"
    assert found.section("pkgs", partly=True) == b"a"
    assert found.fault("pkgs") == "cut"


@pytest.mark.parametrize(
    ("told", "reason"),
    [({}, "not-asked"), ({"complete": False}, "truncated"), ({"error": "timeout"}, "timeout")],
)
def test_a_section_that_did_not_come_says_why(host, told, reason) -> None:
    assert host({}, **told).fault("pkgs") == reason


def test_a_reader_runs_once_also_where_it_saw_nothing(host) -> None:
    runs = []

    def reader(found: Host) -> str:
        runs.append(found)
        raise Unseen("cut")

    found = host({})
    for _ in range(2):
        with pytest.raises(Unseen, match="cut"):
            found.read(reader)
    assert len(runs) == 1


def test_bytes_that_are_no_text_stay_apart() -> None:
    assert lines(b"\xff\n\xfe") == ["\udcff", "\udcfe"]
    assert lines(b"") == []
