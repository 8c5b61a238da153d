"""Admission as ranges, against the plain reading of the same rules one address at a time."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from hypothesis import example, given
from hypothesis import strategies as st

from estate.assets import Address, Network
from estate.scope.admission import Admission
from estate.scope.special import EMBEDDING, SPECIAL, embedded, special

_CENTRES = [ip_address(text) for text in ("10.0.0.0", "127.0.0.1", "169.254.169.254", "224.0.0.0", "255.255.255.255")]
_CENTRES += [
    ip_address(text) for text in ("::1", "2001:db8::", "64:ff9b::a00:0", "2002:a00::", "fe80::", "fd00:ec2::254")
]


@st.composite
def addresses(draw) -> Address:
    centre = draw(st.sampled_from(_CENTRES))
    last = (1 << centre.max_prefixlen) - 1
    shift = draw(st.sampled_from([0, 0, 0, 8, 80])) if centre.version == 6 else 0
    number = min(last, max(0, int(centre) + (draw(st.integers(-40, 40)) << shift)))
    return IPv4Address(number) if centre.version == 4 else IPv6Address(number)


@st.composite
def networks(draw) -> Network:
    address = draw(addresses())
    prefix = draw(st.one_of(st.integers(0, address.max_prefixlen), st.integers(24, 32)))
    return ip_network((int(address), prefix) if address.version == 4 else (address.packed, prefix), strict=False)


def plainly_admitted(address: Address, allowed: list[Network], excluded: list[Network]) -> bool:
    holding = [network for network in allowed if address in network]
    if not holding or any(address in network for network in excluded):
        return False
    narrowest = special(address)
    if narrowest is not None and not any(
        network.version == narrowest.network.version and network.subnet_of(narrowest.network)  # type: ignore[arg-type]  # same version
        for network in holding
    ):
        return False
    ends = [
        network for network in allowed if address.version == 4 and network.prefixlen < 31 and address == network[-1]
    ]
    if ends and not any(network.prefixlen >= 31 for network in holding):
        return False
    inner = embedded(address)
    return inner is None or plainly_admitted(inner, allowed, excluded)


@given(
    st.lists(networks(), min_size=1, max_size=5), st.lists(networks(), max_size=4), st.lists(addresses(), min_size=8)
)
@example([ip_network("0.0.0.0/0")], [], [ip_address("127.0.0.1")])
def test_the_ranges_say_what_the_rules_say(
    allowed: list[Network], excluded: list[Network], asked: list[Address]
) -> None:
    admission = Admission(tuple(allowed), tuple(excluded))
    for address in asked:
        assert (address in admission) == plainly_admitted(address, allowed, excluded)


@given(st.lists(networks(), min_size=1, max_size=5), st.lists(networks(), min_size=1, max_size=4))
def test_exclusion_always_wins_and_nothing_outside_is_admitted(allowed: list[Network], excluded: list[Network]) -> None:
    for version, low, high in Admission(tuple(allowed), tuple(excluded)).ranges():
        for number in (low, (low + high) // 2, high):
            address = ip_address(number) if version == 4 else ip_address(number.to_bytes(16))
            assert not any(address in network for network in excluded)
            assert any(address in network for network in allowed)


@given(st.lists(networks(), min_size=1, max_size=5), st.lists(networks(), max_size=4), addresses())
def test_every_refusal_has_a_reason_and_every_admission_has_none(
    allowed: list[Network], excluded: list[Network], address: Address
) -> None:
    admission = Admission(tuple(allowed), tuple(excluded))
    assert bool(admission.refusal(address)) == (address not in admission)


def test_a_long_list_of_networks_is_shown_in_part() -> None:
    many = Admission(tuple(ip_network(f"10.0.{third}.0/24") for third in range(40)), ())
    assert "and 34 more" in many.refusal(ip_address("192.0.2.1"))


def test_special_ranges_are_spelled_as_networks_without_repetition() -> None:
    ranges = [each.network for each in SPECIAL]
    assert len(set(ranges)) == len(ranges)
    assert all(
        not any(network.overlaps(other) for other, _ in EMBEDDING if other.version == network.version)
        for network in ranges
    )
