"""Everything that is wanted is admitted one by one, and names are what they resolve to now."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import pytest

from estate.coverage import Keys
from estate.errors import BadTarget, OutOfScope
from estate.scope import Scope
from estate.targets import Targets
from tasks import names, wanted
from tasks.wanted import Wanted, admit, by_family, plan, without_excluded

NOW = datetime(2031, 1, 7, 12, tzinfo=UTC)
WEB = Keys.parse("tcp/80,443,8123")
DECLARED = {"web.lab": ("10.77.0.7", "fd77::7"), "far.lab": ("192.0.2.1",)}


def scope(**fields: object) -> Scope:
    told = {"name": "lab", "authorised_by": "the tests", "networks": ("10.77.0.0/28", "fd77::/112")}
    return Scope.model_validate({**told, **fields})


@pytest.fixture
def resolves(monkeypatch: pytest.MonkeyPatch) -> Callable[[Mapping[str, tuple[str, ...]]], None]:
    """A resolver that knows these names and no others."""
    return lambda known: monkeypatch.setattr(wanted, "resolve", lambda name: known.get(name, ()))


def test_declared_assets_are_asked_at_those_of_their_addresses_that_are_in_scope() -> None:
    found = admit(scope(networks=("10.77.0.0/28",)), DECLARED, (), NOW)
    assert found.bindings == {"web.lab": ("10.77.0.7",)}
    assert "10.77.0.7" not in found.targets
    assert len(found.targets) == 14


@pytest.mark.parametrize("word", ["web.lab", "host:web.lab"])
def test_an_asset_may_be_named_instead_of_its_addresses(word: str) -> None:
    found = admit(scope(), DECLARED, (word,), NOW)
    assert (found.bindings, len(found.targets)) == ({"web.lab": ("10.77.0.7", "fd77::7")}, 0)


def test_only_words_are_admitted_each_for_itself() -> None:
    assert str(admit(scope(), {}, ("10.77.0.2", "host:10.77.0.3"), NOW).targets) == "10.77.0.2/31"
    with pytest.raises(OutOfScope, match=r"192\.0\.2\.1 is in none of its networks"):
        admit(scope(), DECLARED, ("10.77.0.2", "far.lab"), NOW)
    with pytest.raises(BadTarget):
        admit(scope(), {}, ("10.77.0.2;id",), NOW)


def test_a_name_is_asked_at_what_it_resolves_to_and_at_what_was_declared(resolves) -> None:
    resolves({"web.lab": ("10.77.0.8",)})
    found = admit(scope(names=("web.lab",)), DECLARED, ("web.lab",), NOW)
    assert found.bindings == {"web.lab": ("10.77.0.7", "fd77::7")}
    whole = admit(scope(names=("web.lab",)), DECLARED, (), NOW)
    assert whole.bindings == {"web.lab": ("10.77.0.8", "10.77.0.7", "fd77::7")}


def test_a_name_that_resolves_outside_is_asked_nowhere_and_the_rest_is(resolves) -> None:
    resolves({"moved.lab": ("10.77.0.2", "192.0.2.9")})
    found = admit(scope(names=("moved.lab",)), {}, (), NOW)
    assert found.unsent == {"moved.lab": "out-of-scope"}
    assert found.bindings == {}
    (warning,) = found.warnings
    assert "it resolves to 10.77.0.2, 192.0.2.9" in warning
    assert "192.0.2.9 is in none of its networks" in warning
    with pytest.raises(OutOfScope, match=r"moved\.lab is out of scope"):
        admit(scope(names=("moved.lab",)), {}, ("moved.lab",), NOW)


def test_a_name_without_an_address_is_told_and_blind(resolves) -> None:
    resolves({})
    found = admit(scope(names=("lost.lab",)), {}, ("lost.lab",), NOW)
    assert (found.unsent, found.warnings) == (
        {"lost.lab": "unresolved"},
        ("lost.lab has no address now; nothing was sent to it",),
    )


def test_an_address_of_one_interface_only_is_refused_in_words(resolves) -> None:
    resolves({"near.lab": ("fe80::1%eth0",)})
    with pytest.raises(OutOfScope, match="fe80::1%eth0 means another host on every machine"):
        admit(scope(names=("near.lab",)), {}, ("near.lab",), NOW)


def test_an_excluded_name_excludes_what_it_resolves_to_and_what_was_declared_below_it(resolves) -> None:
    resolves({"lab": ("10.77.0.3",)})
    left = without_excluded(scope(exclude=("lab",)), DECLARED | {"other": ("10.77.0.4",)})
    found = admit(left, {}, (), NOW)
    assert not {"10.77.0.3", "10.77.0.7", "fd77::7"} & set(found.targets)
    assert "10.77.0.4" in found.targets


def test_an_excluded_name_that_nobody_knows_stops_everything(resolves) -> None:
    resolves({})
    with pytest.raises(OutOfScope, match="cannot be resolved now"):
        without_excluded(scope(exclude=("lost.example",)), DECLARED)
    assert without_excluded(scope(), DECLARED) == scope()


def test_a_temporary_server_of_our_own_is_not_asked_on_loopback() -> None:
    targets = Targets.parse(["127.0.0.1", "127.0.0.2", "10.77.0.2"])
    asked = {
        each: str(shard.keys)
        for shard in plan(Wanted(targets, {}, {}, ()), WEB, "nmap-syn", 8123)
        for each in shard.targets
    }
    assert asked == {"127.0.0.1": "tcp/80,443", "127.0.0.2": "tcp/80,443,8123", "10.77.0.2": "tcp/80,443,8123"}
    bound = Wanted(Targets(), {"me.lab": ("10.77.0.9", "127.0.0.1"), "web.lab": ("10.77.0.7",)}, {}, ())
    asked = {name: str(shard.keys) for shard in plan(bound, WEB, "nmap-syn", 8123) for name in shard.bindings}
    assert asked == {"me.lab": "tcp/80,443", "web.lab": "tcp/80,443,8123"}


def test_without_such_a_server_everything_is_asked_everywhere() -> None:
    (shard,) = plan(Wanted(Targets.parse(["127.0.0.1", "10.77.0.2"]), {}, {}, ()), WEB, "nmap-syn")
    assert (len(shard.targets), shard.keys) == (2, WEB)


def test_a_sweep_takes_ipv4_together_and_leaves_the_rest_to_nmap() -> None:
    whole = Wanted(
        Targets.parse(["10.77.0.0/22", "fd77::/120"]), {"web.lab": ("10.77.9.7",)}, {"lost": "unresolved"}, ()
    )
    shards = plan(whole, WEB, "zmap+nmap")
    kinds = [(len(shard.bindings), len(shard.targets), len(shard.unsent)) for shard in shards]
    assert sorted(kinds) == [(0, 0, 1), (0, 256, 0), (0, 1024, 0), (1, 0, 0)]


def test_families_are_told_apart() -> None:
    fourth, rest = by_family(Targets.parse(["10.0.0.0/30", "10.0.1.1-10.0.1.9", "fd77::1", "a.example"]))
    assert (len(fourth), str(rest)) == (13, "fd77::1,a.example")


def test_names_are_resolved_by_the_system_and_unknown_ones_have_no_address() -> None:
    assert "127.0.0.1" in names.resolve("localhost")
    assert names.resolve("10.0.0.1") == ("10.0.0.1",)
    assert names.resolve("fe80::1%lo") == ("fe80::1%lo",)
    for wrong in ("", "a" * 300, "no\x00ne", "nowhere.invalid"):
        assert names.resolve(wrong) in {(), names.resolve("")}
