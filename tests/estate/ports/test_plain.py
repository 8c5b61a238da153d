"""The short way and the tag-by-tag way mean the same, whatever a report looks like."""

import io
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from estate.errors import BadReport
from estate.observations import Reading
from estate.ports.nmap import NmapReader, ReportTail
from estate.ports.tags import Tags

REPORTS = sorted((Path(__file__).parents[2] / "evidence/nmap").glob("*.xml"))
HEAD = (
    '<?xml version="1.0"?>\n<nmaprun scanner="nmap" args="nmap -p 1-9" version="7.93">\n'
    '<scaninfo type="syn" protocol="tcp" numservices="9" services="1-9"/>\n'
)
HOST = (
    '<host starttime="1" endtime="2"><status state="up" reason="reset" reason_ttl="64"/>\n'
    '<address addr="10.0.0.{0}" addrtype="ipv4"/>\n<hostnames>\n</hostnames>\n'
    '<ports><extraports state="closed" count="8">\n'
    '<extrareasons reason="reset" count="8" proto="tcp" ports="2-9"/>\n</extraports>\n'
    '<port protocol="tcp" portid="1"><state state="open" reason="syn-ack" reason_ttl="64"/>'
    '<service name="tcpmux" method="table" conf="3"/></port>\n</ports>\n'
    '<times srtt="12" rttvar="-1" to="100000"/>\n</host>\n'
)
END = '<runstats><finished exit="success"/><hosts up="1" down="0" total="1"/></runstats>\n</nmaprun>\n'


def read(text: bytes) -> tuple[list[Reading], ReportTail | str]:
    try:
        reader = NmapReader(io.BytesIO(text))
        return list(reader), reader.tail
    except BadReport as error:
        return [], str(error)


def tag_by_tag(text: bytes) -> bytes:
    """The same to any reader of XML, but never plain: a space stands before each tag's end."""
    return text.replace(b'"/>', b'" />')


@pytest.fixture
def taken(monkeypatch) -> list[str]:
    """The hosts that went the short way."""
    found: list[str] = []
    take = Tags.take

    def noted(self, address, told):
        found.append(address)
        take(self, address, told)

    monkeypatch.setattr(Tags, "take", noted)
    return found


@pytest.mark.parametrize("path", REPORTS, ids=lambda path: path.stem)
def test_real_reports_say_the_same_on_both_ways(path):
    text = path.read_bytes()
    assert read(text) == read(tag_by_tag(text))


def test_most_hosts_of_a_real_report_go_the_short_way(taken):
    text = next(path for path in REPORTS if path.stem == "host_down_verbose").read_bytes()
    read(text)
    assert sorted(taken) == ["10.77.0.2", "10.77.0.3", "10.77.0.4"]
    taken.clear()
    read(tag_by_tag(text))
    assert taken == []


@given(
    st.sampled_from(REPORTS),
    st.lists(
        st.tuples(
            st.integers(0, 20_000),
            st.sampled_from(
                [b"", b"<", b">", b'"', b"\n", b"-", b"9", b"<!--", b"-->", b"</host>", b"<host>", b"\xff"]
            ),
            st.integers(0, 12),
        ),
        min_size=1,
        max_size=4,
    ),
)
@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_mutilated_reports_say_the_same_on_both_ways(path, wounds):
    text = bytearray(path.read_bytes())
    for at, piece, lost in wounds:
        place = at % len(text)
        text[place : place + lost] = piece
    assert read(bytes(text)) == read(tag_by_tag(bytes(text)))


@pytest.mark.parametrize(
    ("text", "subjects"),
    [
        (HEAD + HOST.format(1) + HOST.format(2) + END, ["10.0.0.1", "10.0.0.2"]),
        (HEAD + f"<!-- {HOST.format(1)} -->" + HOST.format(2) + END, ["10.0.0.2"]),
        (HEAD + f"<!-- {HOST.format(1)}{HOST.format(2)} -->" + END, []),
        (HEAD + f"<output><![CDATA[{HOST.format(1)}]]></output>" + HOST.format(2) + END, ["10.0.0.2"]),
        (HEAD + f"<?pi {HOST.format(1)} ?>" + HOST.format(2) + END, ["10.0.0.2"]),
        (HEAD + "<hosthint>x</hosthint>" + HOST.format(1) + END, ["10.0.0.1"]),
        (HEAD + HOST.format(1) + END + HOST.format(2), ["10.0.0.1"]),
        (HEAD + HOST.format(1) + "</oops>" + HOST.format(2) + END, ["10.0.0.1"]),
        (HEAD + HOST.format(1) + HOST.format(2)[:-9], ["10.0.0.1"]),
        (HEAD + HOST.format(1).replace('portid="1"', 'portid="70000"') + HOST.format(2) + END, []),
        (HEAD + HOST.format(1).replace('"2-9"', '"9-2"') + HOST.format(2) + END, []),
        (HEAD + HOST.format(1).replace("10.0.0.1", "10.0.0.256") + HOST.format(2) + END, ["10.0.0.2"]),
        (HOST.format(1) + HEAD + HOST.format(2) + END, []),
    ],
)
def test_a_host_counts_only_where_it_stands_as_one(text, subjects):
    readings, tail = read(text.encode())
    assert [reading.subject for reading in readings] == subjects
    assert (readings, tail) == read(tag_by_tag(text.encode()))


def test_a_host_in_a_comment_between_hosts_is_not_taken(taken):
    read((HEAD + HOST.format(1) + f"<!-- {HOST.format(2)} -->" + HOST.format(3) + END).encode())
    assert taken == ["10.0.0.1", "10.0.0.3"]


def test_a_fault_after_hosts_that_went_the_short_way_is_at_its_own_line():
    text = HEAD + HOST.format(1) + HOST.format(2) + "<broken\n" + END
    line = text[: text.index("<broken")].count("\n") + 2
    assert read(text.encode())[1] == read(tag_by_tag(text.encode()))[1]
    tail = read(text.encode())[1]
    assert isinstance(tail, ReportTail)
    assert tail.reason == f"malformed: line {line}"


HINT = '<hosthint><status state="up" reason="syn-ack" reason_ttl="64"/>\n<address addr="10.0.0.{}" addrtype="ipv4"/>\n'
HINT += "<hostnames>\n</hostnames>\n</hosthint>\n"


@pytest.mark.parametrize(
    "text",
    [
        HEAD + HINT.format(1) + HINT.format(2) + HOST.format(1) + HOST.format(2) + END,
        HEAD + HINT.format(1) + HOST.format(1) + HINT.format(2) + HOST.format(2) + END,
        HEAD + f"<!-- {HINT.format(1)}{HOST.format(3)} -->" + HOST.format(1) + HINT.format(2) + HOST.format(2) + END,
        HEAD + HINT.format(1)[:-12] + HOST.format(1) + "</hosthint>\n" + HOST.format(2) + END,
        HEAD + HINT.format(1) + "<broken\n" + HOST.format(1) + END,
    ],
)
def test_hints_of_hosts_prove_nothing_on_either_way(text):
    assert read(text.encode()) == read(tag_by_tag(text.encode()))


def test_hints_are_passed_over_on_the_short_way(taken):
    readings, _ = read((HEAD + HINT.format(1) + HINT.format(2) + HOST.format(1) + HOST.format(2) + END).encode())
    assert [reading.subject for reading in readings] == taken == ["10.0.0.1", "10.0.0.2"]


def test_the_same_words_mean_another_thing_once_another_scan_is_told(taken):
    window = '<scaninfo type="window" protocol="tcp" numservices="9" services="1-9"/>\n'
    (before, after), _ = read((HEAD + HOST.format(1) + window + HOST.format(2) + END).encode())
    assert taken == ["10.0.0.1", "10.0.0.2"]
    assert list(before.present) == ["tcp/1"]
    assert not after.present
