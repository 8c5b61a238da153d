"""Shards: everything is asked once, in few pieces, none of them large."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estate.coverage import Keys
from estate.ports.plan import Engine, plan_shards
from estate.ports.shard import PortShard
from estate.targets import Targets

WEB = Keys.parse("tcp/80,443")
ALL_PORTS = Keys.parse("tcp/1-65535")
ENGINES: tuple[Engine, ...] = ("nmap-connect", "nmap-syn", "zmap+nmap")

Bindings = dict[str, tuple[str, ...]]


def plan(
    words: str | list[str],
    keys: Keys = WEB,
    *,
    engine: Engine = "nmap-syn",
    bindings: Bindings | None = None,
    unsent: dict[str, str] | None = None,
) -> tuple[PortShard, ...]:
    targets = Targets.parse(words) if words else Targets()
    return plan_shards(targets, keys, bindings or {}, unsent or {}, engine)


def asked(shards: tuple[PortShard, ...]) -> list[str]:
    return [str(shard.targets) for shard in shards]


def test_a_single_host_is_one_shard() -> None:
    (shard,) = plan("10.0.0.7")

    assert shard == PortShard(Targets.parse("10.0.0.7"), WEB)


def test_nothing_to_ask_is_no_shard() -> None:
    assert plan("") == ()


def test_a_24_is_the_natural_unit() -> None:
    assert asked(plan("10.0.0.0/23")) == ["10.0.0.0/24", "10.0.1.0/24"]


def test_a_range_is_cut_where_a_24_ends() -> None:
    whole = plan("10.0.0.192-10.0.2.127")

    assert asked(whole) == ["10.0.0.192/26", "10.0.1.0/24", "10.0.2.0/25"]


@pytest.mark.parametrize(
    ("network", "shards", "largest"),
    [
        pytest.param("10.0.0.0/17", 128, 256, id="128 networks of 256"),
        pytest.param("10.0.0.0-10.0.149.255", 150, 256, id="150 are few"),
        pytest.param("10.0.0.0-10.0.150.255", 76, 512, id="151 are many"),
        pytest.param("10.0.0.0/16", 128, 512, id="wider scopes get larger shards"),
        pytest.param("10.0.0.0/8", 128, 131_072, id="the widest too"),
    ],
)
def test_wide_scopes_get_larger_shards_and_not_more_of_them(network: str, shards: int, largest: int) -> None:
    found = plan(network)

    assert (len(found), max(map(len, found))) == (shards, largest)


@pytest.mark.parametrize(
    ("network", "keys", "largest"),
    [
        pytest.param("10.0.0.0/24", ALL_PORTS, 32, id="all ports of 32 hosts are two million questions"),
        pytest.param("10.0.0.0/24", Keys.parse("tcp/1-15625"), 256, id="four million are not too many"),
        pytest.param("10.0.0.0/24", Keys.parse("tcp/1-15626"), 128, id="more are"),
        pytest.param("10.0.0.0/16", ALL_PORTS, 512, id="but shards stay few"),
        pytest.param("10.0.0.0-10.0.74.255", ALL_PORTS, 128, id="150 still are"),
        pytest.param("10.0.0.0/28", Keys.parse("tcp/1-65535 udp/1-65535 sctp/1-65535"), 16, id="three times as much"),
    ],
)
def test_hosts_that_are_asked_a_lot_are_asked_in_smaller_shards(network: str, keys: Keys, largest: int) -> None:
    assert max(map(len, plan(network, keys))) == largest


def test_scattered_addresses_share_a_shard() -> None:
    scattered = [f"10.0.{number}.7" for number in range(200)]

    (shard,) = plan(scattered)

    assert shard.targets == Targets.parse(scattered)


def test_a_shard_of_scattered_addresses_is_no_larger_than_another() -> None:
    scattered = [f"10.{number // 256}.{number % 256}.7" for number in range(600)]

    assert [len(shard) for shard in plan(scattered)] == [256, 256, 88]


def test_small_networks_share_a_shard_while_it_holds_them_whole() -> None:
    assert asked(plan("10.0.0.0/25,10.0.1.0/25,10.0.2.0/25")) == ["10.0.0.0/25,10.0.1.0/25", "10.0.2.0/25"]


def test_ip_versions_and_names_never_share_a_shard() -> None:
    shards = plan("10.0.0.1,10.0.2.1,fd77::1,fd77::9,web.example.org,db.example.org")

    assert asked(shards) == ["10.0.0.1,10.0.2.1", "fd77::1,fd77::9", "db.example.org,web.example.org"]


def test_a_sweep_takes_65536_addresses_at_once_whatever_it_asks() -> None:
    assert [len(shard) for shard in plan("10.0.0.0/15", engine="zmap+nmap")] == [65_536, 65_536]
    assert [len(shard) for shard in plan("10.0.0.0/16", ALL_PORTS, engine="zmap+nmap")] == [65_536]


def test_declared_assets_come_first_and_whole() -> None:
    bindings: Bindings = {"web-9": ("10.0.0.9", "fd77::9"), "db-1": ("10.0.0.1",)}

    first, second = plan("10.0.0.2", bindings=bindings)

    assert first == PortShard(Targets(), WEB, {"db-1": ("10.0.0.1",), "web-9": ("10.0.0.9", "fd77::9")})
    assert list(first.bindings) == ["db-1", "web-9"]
    assert second.targets == Targets.parse("10.0.0.2")


def test_many_declared_assets_are_cut_like_addresses() -> None:
    few = plan("", bindings={f"vm-{number:05}": (f"10.0.0.{number % 250}",) for number in range(600)})
    many = plan("", bindings={f"vm-{number:05}": (f"10.0.0.{number % 250}",) for number in range(60_000)})

    assert [len(shard) for shard in few] == [256, 256, 88]
    assert len(many) <= 150


def test_what_cannot_be_sent_is_one_shard_at_the_end() -> None:
    unsent = {"old.example.org": "unresolved", "far.example.org": "out-of-scope"}

    first, last = plan("10.0.0.2", unsent=unsent)

    assert first.unsent == {}
    assert last == PortShard(Targets(), WEB, {}, unsent)


addresses = st.integers(0, 3000).map(lambda number: f"10.{number % 7}.{number // 256}.{number % 256}")
networks = st.builds("{}/{}".format, addresses, st.integers(20, 32))
others = st.integers(0, 300).map("fd77::{:x}".format) | st.sampled_from(["web.example.org", "db.example.org"])


@given(
    words=st.lists(addresses | networks | others, max_size=40),
    keys=st.sampled_from([WEB, ALL_PORTS]),
    engine=st.sampled_from(ENGINES),
    declared=st.frozensets(st.integers(0, 400)),
)
def test_everything_is_asked_exactly_once_in_shards_of_one_kind(
    words: list[str], keys: Keys, engine: Engine, declared: frozenset[int]
) -> None:
    bindings: Bindings = {f"vm-{number}": (f"192.0.2.{number % 250}",) for number in declared}
    targets = Targets.parse(words)

    shards = plan(words, keys, engine=engine, bindings=bindings)

    told = Counter(target for shard in shards for target in (*shard.targets, *shard.bindings))
    assert told == Counter((*targets, *bindings))
    assert all(shard.keys == keys and len(shard) for shard in shards)
    for shard in shards:
        kinds = {"name" if word in targets.names else "v6" if ":" in word else "v4" for word in shard.targets}
        assert len(kinds) + bool(shard.bindings) == 1
        assert PortShard.from_json(shard.to_json()) == shard
