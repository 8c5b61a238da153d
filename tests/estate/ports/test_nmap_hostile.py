import io
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from estate.errors import BadReport
from estate.observations import Reading
from estate.ports.nmap import Limits, NmapReader, ReportTail

EVIDENCE = Path(__file__).parents[2] / "evidence/nmap"
REPORTS = sorted(EVIDENCE.glob("*.xml"))
SHORT_REPORTS = [path for path in REPORTS if path.stat().st_size < 5_000]
HEAD = '<?xml version="1.0"?>\n<nmaprun scanner="nmap" args="nmap -p 1-9" version="7.93">\n'
INFO = '<scaninfo type="syn" protocol="tcp" numservices="9" services="1-9"/>\n'
ADDRESS = '<address addr="10.0.0.2" addrtype="ipv4"/>'
IN_CPE = '<port protocol="tcp" portid="1"><state state="open" reason="syn-ack"/><service name="x" method="probed"><cpe>'
PORT = '<port protocol="tcp" portid="1"><state state="open" reason="syn-ack" reason_ttl="1"/>{}</port>\n'


def read(text: bytes | str, limits: Limits = Limits()) -> tuple[list[Reading], ReportTail]:  # noqa: B008 - frozen
    reader = NmapReader(io.BytesIO(text if isinstance(text, bytes) else text.encode()), limits=limits)
    return list(reader), reader.tail


class Endless(io.BytesIO):
    """A start, then the same over and over, for as long as anybody reads."""

    def __init__(self, start: str, again: Callable[[int], str], times: int = 10_000_000) -> None:
        super().__init__()
        self._again = again
        self._start = start.encode()
        self._times = times
        self.given = 0

    def read(self, size: int | None = -1) -> bytes:
        size = size or -1
        if self._start:
            piece, self._start = self._start[:size], self._start[size:]
        else:
            parts: list[bytes] = []
            length = 0
            while length < size and self._times:
                self._times -= 1
                parts.append(self._again(self._times).encode())
                length += len(parts[-1])
            whole = b"".join(parts)
            piece, self._start = whole[:size], whole[size:]
        self.given += len(piece)
        return piece


class Dribble(io.BytesIO):
    """The same bytes, in pieces of other sizes."""

    def __init__(self, text: bytes, sizes: list[int]) -> None:
        super().__init__(text)
        self._sizes = sizes
        self._turn = 0

    def read(self, size: int | None = -1) -> bytes:
        size = size or -1
        self._turn += 1
        return super().read(min(size, self._sizes[self._turn % len(self._sizes)]))


# Cut, mutilated, in pieces.


@pytest.mark.parametrize("name", ["host_down_verbose", "dns_tcp_udp", "versions_on", "firewall_reject_icmp_limited"])
def test_a_report_cut_at_any_byte_says_nothing_that_the_whole_one_does_not(name):
    text = (EVIDENCE / f"{name}.xml").read_bytes()
    whole, _ = read(text)
    for cut in range(len(text)):
        readings, tail = read(text[:cut])
        assert readings == whole[: len(readings)]
        assert tail.complete is (cut >= len(text.rstrip()))
    assert read(text)[1].complete


@given(st.sampled_from(SHORT_REPORTS), st.lists(st.integers(1, 700), min_size=1, max_size=4))
@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_the_size_of_pieces_never_matters(path, sizes):
    text = path.read_bytes()
    reader = NmapReader(Dribble(text, sizes))
    assert (list(reader), reader.tail) == read(text)


@given(
    st.sampled_from(REPORTS),
    st.lists(st.tuples(st.integers(0, 20_000), st.binary(max_size=3), st.integers(0, 40)), min_size=1, max_size=6),
)
@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_a_mutilated_report_is_read_in_part_or_refused(path, wounds):
    text = bytearray(path.read_bytes())
    for at, piece, lost in wounds:
        place = at % len(text)
        text[place : place + lost] = piece
    try:
        readings, tail = read(bytes(text))
    except BadReport:
        return
    assert all(isinstance(reading, Reading) for reading in readings)
    assert isinstance(tail.complete, bool)


# Attacks.


@pytest.mark.parametrize(
    "doctype",
    [
        '<!DOCTYPE nmaprun [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>',
        '<!DOCTYPE nmaprun [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE nmaprun [<!ENTITY % x SYSTEM "http://192.0.2.1/x.dtd"> %x;]>',
        '<!DOCTYPE nmaprun SYSTEM "http://192.0.2.1/nmap.dtd">',
        '<!DOCTYPE nmaprun PUBLIC "-//x//EN" "x.dtd">',
        "<!DOCTYPE nmaprun []>",
    ],
)
def test_a_document_that_brings_its_own_rules_is_refused(doctype):
    with pytest.raises(BadReport, match="line 2: the document"):
        read(HEAD.replace("\n", f"\n{doctype}\n", 1) + "<x a='&b;'/></nmaprun>")


def test_nmaps_own_document_type_and_style_sheet_are_fine():
    start = '<!DOCTYPE nmaprun>\n<?xml-stylesheet href="file:///usr/share/nmap/nmap.xsl" type="text/xsl"?>\n'
    _, tail = read(HEAD.replace("\n", f"\n{start}", 1) + '<runstats><finished exit="success"/></runstats></nmaprun>')
    assert tail.complete


def test_an_entity_that_nobody_defined_ends_the_reading():
    readings, tail = read(HEAD + f"<host>{ADDRESS}</host>\n<host a='&x;'>{ADDRESS}</host></nmaprun>")
    assert len(readings) == 1
    assert tail.reason == "malformed: line 4"


SMALL = Limits(
    max_bytes=6 << 20,
    max_token_bytes=1 << 20,
    max_depth=50,
    max_names=500,
    max_hosts=5_000,
    max_ports_per_host=40_000,
    max_text_per_host=1 << 20,
    max_skipped=5_000,
)


@pytest.mark.parametrize(
    ("start", "again", "why"),
    [
        ("<host x='", lambda _: "A" * 4096, "a single tag is longer"),
        ("<!--", lambda _: "A" * 4096, "a single tag is longer"),
        ("<?pi ", lambda _: "A" * 4096, "a single tag is longer"),
        ("", lambda _: "<a>", "nested elements"),
        ("", lambda _: "<host>", "nested elements"),
        ("", lambda number: f"<a{number}/>", "names of elements"),
        ("", lambda number: f"<a b{number}='1'/>", "names of elements"),
        ("", lambda _: f"<host>{ADDRESS}</host>", "hosts"),
        ("", lambda _: f"<host ><status state='up' reason='x'/>{ADDRESS}</host>", "hosts"),
        ("", lambda _: "<target specification='x' status='skipped'/>", "skipped targets"),
        (f"<host>{ADDRESS}<ports>", lambda _: PORT.replace('"open"', '"closed"'), "ports of one host"),
        (
            f"<host>{ADDRESS}<ports><extraports state='closed' count='1'>",
            lambda _: "<extrareasons reason='reset' proto='tcp' ports='1,3,5,7,9'/>",
            "of one host",
        ),
        (f"<host>{ADDRESS}<ports>", lambda _: "<extraports state='closed' count='1'/>", "characters of one host"),
        (
            f"<host>{ADDRESS}<ports>{IN_CPE}",
            lambda _: "A" * 4096,
            "characters of one host",
        ),
        (f"<host>{ADDRESS}<hostnames>", lambda _: "<hostname name='abcd' type='user'/>", "characters of one host"),
        ("<postscript><script id='x' output='y'>", lambda _: "<elem>text</elem>\n", "the report is longer"),
    ],
)
def test_a_report_without_end_is_refused_before_it_fills_the_memory(start, again, why):
    stream = Endless(HEAD + INFO + start, again)
    tracemalloc.start()
    try:
        with pytest.raises(BadReport, match=why):
            for _ in NmapReader(stream, limits=SMALL):
                pass
        assert tracemalloc.get_traced_memory()[1] < 60 << 20
    finally:
        tracemalloc.stop()


def test_memory_stays_flat_however_many_hosts_there_are():
    def host(number: int) -> str:
        ranges = f"{number % 3 + 1}-{number % 5 + 4}"
        return (
            f'<host starttime="1" endtime="2"><status state="up" reason="reset" reason_ttl="64"/>\n'
            f'<address addr="10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}" addrtype="ipv4"/>\n<ports>'
            f'<extraports state="closed" count="2">\n<extrareasons reason="reset" count="2" proto="tcp" '
            f'ports="{ranges}"/>\n</extraports>\n</ports>\n</host>\n'
        )

    reader = NmapReader(Endless(HEAD + INFO, host, 40_000))
    next(iter(reader))
    tracemalloc.start()
    try:
        assert sum(1 for _ in reader) > 39_000
        assert tracemalloc.get_traced_memory()[1] < 12 << 20
    finally:
        tracemalloc.stop()


def test_a_host_on_which_every_port_is_open_is_one_reading():
    ports = "".join(PORT.replace('"1"', f'"{number}"', 1).format("") for number in range(65536))
    (reading,), tail = read(f"{HEAD}{INFO}<host>{ADDRESS}<ports>{ports}</ports></host></nmaprun>")
    assert len(reading.present) == 65536
    assert tail.reason == "no-finished"


# Text that no XML may hold, and that banners send all the same.


def product(value: bytes) -> str:
    service = b'<service name="ftp" product="' + value + b'" method="probed" conf="10"/>'
    host = f"<host>{ADDRESS}<ports>{PORT}</ports></host>".encode().replace(b"{}", service)
    (reading,), tail = read(HEAD.encode() + host + b'<runstats><finished exit="success"/></runstats></nmaprun>')
    assert tail.complete
    return dict(reading.present["tcp/1"]).get("product", "")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (b"ProFTPD", "ProFTPD"),
        (b"&#x1b;[31mred", r"\x1b[31mred"),  # As nmap writes it (nmap/nmap#2657).
        (b"0M&#xec;&#x1;", r"0Mì\x01"),
        (b"&#0;&#31;&#xFFFF;&#xd800;&#x110000;&#99999999;", r"\x00\x1f\uffff\ud800\u110000\u5f5e0ff"),
        (b"\x1b]0;owned\x07 \x00", r"\x1b]0;owned\x07 \x00"),
        (b"gr\xfc\xdfe \xff\xfe", r"gr\xfc\xdfe \xff\xfe"),
        ("café ☕".encode(), "café ☕"),
        (b"&lt;script&gt;alert(1)&lt;/script&gt;", "<script>alert(1)</script>"),
        (b"[x](javascript:y) | a | b", "[x](javascript:y) | a | b"),
        (b"=cmd|&apos;/c calc&apos;!A0", "=cmd|'/c calc'!A0"),
        ("\u202etxt.exe".encode(), r"\u202etxt.exe"),
        (b" \t ", ""),
        (b"A" * 1_000_000, "A" * 511 + "…"),
    ],
)
def test_a_hostile_banner_costs_nothing_but_its_own_effect(value, shown):
    assert product(value) == shown


def test_a_report_in_another_encoding_or_with_other_line_ends_says_the_same():
    text = (EVIDENCE / "versions_on.xml").read_bytes()
    whole = read(text)
    assert read(b"\xef\xbb\xbf" + text) == whole
    assert read(text.decode().encode("utf-16")) == whole  # As PowerShell redirects it.
    assert read(text.replace(b"\n", b"\r\n")) == whole
    assert read(text.replace(b'encoding="UTF-8"', b'encoding="ISO-8859-1"')) == whole


@given(st.integers(1, 60), st.sampled_from(["&#x1b;", "&#27;", "&amp;", "&#xe9;"]))
def test_a_reference_that_a_piece_cuts_in_two_is_read_as_one(size, reference):
    service = f'<service name="ftp" product="{reference * 30}" method="probed" conf="10"/>'
    text = f"{HEAD}<host>{ADDRESS}<ports>{PORT.format(service)}</ports></host></nmaprun>".encode()
    (reading,) = NmapReader(Dribble(text, [size]))
    assert dict(reading.present["tcp/1"])["product"] == {
        "&#x1b;": r"\x1b", "&#27;": r"\x1b", "&amp;": "&", "&#xe9;": "é"
    }[reference] * 30  # fmt: skip
