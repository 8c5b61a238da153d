import pytest

from estate.coverage import Keys
from estate.ports.engine import MOST_SWEPT_PORTS, WIDE, choose_engine

FIFTEEN = Keys.parse("tcp/21-23,25,53,80,110,143,443,445,993,3306,3389,5432,8080")


def test_a_wide_routed_range_is_swept_by_zmap_and_identified_by_nmap():
    choice = choose_engine(65_536, FIFTEEN, raw=True, zmap=True, routed=True)

    assert choice.engine == "zmap+nmap"
    assert "65,536" in choice.why


def test_the_line_is_drawn_at_the_width_where_a_sweep_pays():
    below = choose_engine(WIDE - 1, FIFTEEN, raw=True, zmap=True, routed=True)
    at = choose_engine(WIDE, FIFTEEN, raw=True, zmap=True, routed=True)

    assert (below.engine, at.engine) == ("nmap-syn", "zmap+nmap")


def test_without_raw_packets_nmap_connects_whatever_the_size():
    for addresses in (1, 65_536):
        assert choose_engine(addresses, FIFTEEN, raw=False, zmap=True, routed=True).engine == "nmap-connect"


@pytest.mark.parametrize(
    ("zmap", "routed", "keys", "word"),
    [
        (False, True, FIFTEEN, "zmap is missing"),
        (True, False, FIFTEEN, "gateway"),
        (True, True, Keys.parse("udp/53,161"), "no TCP ports"),
        (True, True, Keys.parse(f"tcp/1-{MOST_SWEPT_PORTS + 1}"), "one by one"),
    ],
)
def test_what_keeps_zmap_from_a_wide_range_is_said(zmap, routed, keys, word):
    choice = choose_engine(65_536, keys, raw=True, zmap=zmap, routed=routed)

    assert choice.engine == "nmap-syn"
    assert word in choice.why


def test_udp_keys_beside_tcp_ones_do_not_keep_zmap_away():
    keys = FIFTEEN | Keys.parse("udp/53")

    assert choose_engine(65_536, keys, raw=True, zmap=True, routed=True).engine == "zmap+nmap"
