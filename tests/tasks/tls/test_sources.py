"""Which files a round reads, with which password, and what it says where one is missing."""

import shutil
from pathlib import Path

import pytest

from blocks.grading import Certificates
from estate.certificates.files import read_files
from estate.certificates.sources import Source
from estate.errors import OutOfScope
from estate.store.database import open_database
from estate.store.folder import EvidenceFolder
from estate.store.grades import list_certificates
from estate.store.runs import shards_of
from estate.tls.shard import TlsShard
from infra.lab.small_estate import SmallEstate
from tasks.rounds import ask_shard, clock, settle
from tasks.tls.rounds import planned, tls_round_of
from tasks.tls.sources import complaints, find_sources, read_sources

EVIDENCE = Path(__file__).parents[2] / "evidence" / "certificates"
SCOPE = f"""
[tls]
roots = "{EVIDENCE}/root.pem"

[[scopes]]
name = "house"
authorised_by = "Ada"
networks = ["10.0.0.0/29"]

[[assets]]
name = "vault.example"
addresses = ["192.0.2.9"]
"""


@pytest.fixture
def estate(tmp_path):
    (tmp_path / "keys").mkdir()
    here = SmallEstate(
        open_database(f"sqlite:///{tmp_path}/estate.db"), EvidenceFolder(tmp_path / "evidence"), tmp_path
    )
    yield here
    here.database.engine.dispose()


def declare(estate, **more):
    lines = "\n".join(f'{name} = "{value}"' for name, value in more.items())
    estate.declare(f'{SCOPE}\n[[certificates]]\nhost = "vault.example"\npaths = ["{estate.path}/keys"]\n{lines}\n')


def put(estate, name, as_name=None):
    shutil.copy(EVIDENCE / name, estate.path / "keys" / (as_name or name))


def look(estate):
    """One round of certificates, as the flow makes it."""
    with tls_round_of(estate.here, Certificates(), "certificate", None) as round_:
        for number in round_.shards:
            ask_shard(round_, number)
        return settle(round_)


def found(run, estate):
    return {(one["kind"], one["key"].rpartition("/keys/")[2]) for one in estate.changes(run)}


def test_files_are_inventoried_beside_the_asset_that_was_declared(estate):
    declare(estate)
    put(estate, "expired.pem")
    run = look(estate)
    assert run.state == "complete"
    assert {one["asset"] for one in estate.changes(run)} == {"host:vault.example"}
    assert found(run, estate) == {("first_observed", "expired.pem"), ("first_observed", "expired.pem/problem/expired")}
    (finding,) = estate.findings()
    assert (finding["rule"], finding["asset"]) == ("expired", "host:vault.example")
    assert finding["subject"].endswith("keys/expired.pem on vault.example")


def test_the_same_files_again_change_nothing(estate):
    declare(estate)
    put(estate, "expired.pem")
    look(estate)
    before = estate.dump()
    assert found(look(estate), estate) == set()
    assert estate.dump() == before


def test_a_file_that_is_gone_is_proved_gone_and_a_new_one_appeared(estate):
    declare(estate)
    put(estate, "expired.pem")
    look(estate)
    (estate.path / "keys" / "expired.pem").unlink()
    put(estate, "sound_chain.pem")
    run = look(estate)
    assert found(run, estate) == {
        ("gone", "expired.pem"), ("gone", "expired.pem/problem/expired"), ("appeared", "sound_chain.pem"),
    }  # fmt: skip
    assert {one["certainty"] for one in estate.changes(run)} == {"proved"}
    assert estate.findings() == []


def test_a_file_that_cannot_be_read_any_more_is_out_of_sight(estate):
    declare(estate)
    put(estate, "expired.pem")
    look(estate)
    (estate.path / "keys" / "expired.pem").write_bytes((EVIDENCE / "cut_off.pem").read_bytes())
    run = look(estate)
    assert {kind for kind, _ in found(run, estate)} == {"lost_sight"}
    assert {one["detection"] for one in estate.findings()} == {"unobserved"}


@pytest.mark.parametrize("how", ["password_env", "password_file"])
def test_a_keystore_opens_with_a_password_that_is_named_and_never_kept(estate, monkeypatch, how):
    monkeypatch.setenv("KEYSTORE", "lab")
    (estate.path / "secret").write_text("lab\nnot this line\n")
    declare(estate, **{how: "KEYSTORE" if how == "password_env" else estate.path / "secret"})
    put(estate, "store.p12")
    run = look(estate)
    assert found(run, estate) >= {("first_observed", "store.p12")}
    assert all('"lab"' not in shard.plan for shard in shards_of(estate.database, run.seq or 0))


def test_without_its_password_a_keystore_is_blind_and_the_round_says_why(estate, monkeypatch):
    monkeypatch.delenv("KEYSTORE", raising=False)
    declare(estate, password_env="KEYSTORE")
    put(estate, "store.p12")
    put(estate, "sound_chain.pem")
    run = look(estate)
    assert found(run, estate) == {("first_observed", "sound_chain.pem")}
    assert run.state == "partial"
    assert "KEYSTORE is not set" in run.warnings


def test_a_path_that_is_not_there_is_said(estate):
    sources = (Source("vault.example", (str(estate.path / "absent.pem"),)),)
    assert "absent.pem of vault.example is not there" in next(complaints(sources))
    (evidence,) = read_sources(sources, estate.path)
    with evidence.path.open("rb") as stream:
        assert read_files(stream).files == ()


def test_paths_begin_at_the_estates_description(estate):
    estate.declare(f'{SCOPE}\n[[certificates]]\nhost = "192.0.2.9"\npaths = ["keys/web.pem", "~/x.pem"]\n')
    (source,) = find_sources(estate.here, "default", "inside", ())
    assert source.asset == "vault.example"
    assert all(Path(path).is_absolute() for path in source.paths)
    assert source.paths[1] == str(Path.home() / "x.pem")


def test_only_names_whose_files_are_read_though_no_scope_covers_the_host(estate):
    declare(estate)
    put(estate, "sound_chain.pem")
    for word in ("vault.example", "host:vault.example", "192.0.2.9"):
        plan = planned(estate.here, Certificates(only=(word,)), "certificate", clock())
        assert [one.asset for one in plan.sources] == ["vault.example"]
        assert plan.endpoints == ()
    with pytest.raises(OutOfScope):
        planned(estate.here, Certificates(only=("192.0.2.10",)), "certificate", clock())
    with pytest.raises(OutOfScope):
        planned(estate.here, Certificates(only=("192.0.2.10", "vault.example")), "certificate", clock())


def test_a_plan_comes_back_as_it_was_stored():
    source = Source("vault.example", ("/a", "/b"), "KEYSTORE", None, ("certificate-file//a",))
    shard = TlsShard((), "certificate", "", sources=(source,))
    assert TlsShard.from_json(shard.to_json()) == shard
    assert len(shard) == 1


def test_files_are_listed_with_the_certificates_of_endpoints(estate):
    declare(estate)
    put(estate, "expired.pem")
    (row,) = list_certificates(estate.database, look(estate))
    assert (row["asset"], row["place"]) == ("vault.example", f"{estate.path}/keys/expired.pem")
    assert row["until"].startswith("20")
