"""`init`, `prune`, and the estate.toml and databases that every command may find broken."""

import sqlite3
import threading
from pathlib import Path
from typing import Any

import pytest

from estate.manifest import load_manifest


def test_init_writes_an_estate_for_this_machine_and_says_what_next(roundsman: Any) -> None:
    told = roundsman("init")
    assert told.code == 0
    assert told.out.startswith("Wrote estate.toml: scope this-machine, 127.0.0.1/32")
    assert "authorised by ada" in told.out
    assert told.err == "next: `roundsman scan`\n"
    manifest = load_manifest((roundsman.folder / "estate.toml").read_text())
    assert manifest.scopes[0].authorised_by == "ada"
    assert {str(network) for network in manifest.scopes[0].networks} <= {"127.0.0.1/32", "::1/128"}


def test_init_never_writes_over_what_people_wrote(roundsman: Any) -> None:
    roundsman.describes("# mine\n")
    told = roundsman("init")
    assert (told.code, told.out) == (2, "")
    assert told.err == "roundsman: estate.toml is there already; --force writes over it\n"
    assert (roundsman.folder / "estate.toml").read_text() == "# mine\n"
    assert roundsman("init", "--force").code == 0


def test_init_may_take_this_machines_own_addresses(roundsman: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deployments.command.keeping._own_addresses", lambda: ("192.0.2.7", "2001:db8::7"))
    assert roundsman("init", "--own-addresses", "--authorised-by", "Ada Lovelace").code == 0
    scope = load_manifest((roundsman.folder / "estate.toml").read_text()).scopes[0]
    assert {"192.0.2.7/32", "2001:db8::7/128"} <= {str(network) for network in scope.networks}
    assert scope.authorised_by == "Ada Lovelace"


def test_this_machines_own_addresses_are_what_the_kernel_says(roundsman: Any) -> None:
    told = roundsman("init", "--own-addresses")
    assert told.code == 0, told.err
    assert "127.0.0.1/32" in told.out


@pytest.mark.parametrize(
    "arguments",
    [
        ("--path", "absent/estate.toml"),
        ("--path", "/proc/estate.toml"),
        ("--path", "."),
        ("--authorised-by", ""),
        ("--authorised-by", "two\nlines"),
        ("--authorised-by", "\x1b[31mred"),
    ],
)
def test_an_init_that_cannot_be_is_two(roundsman: Any, arguments: tuple[str, ...]) -> None:
    told = roundsman("init", *arguments)
    assert (told.code, told.out) == (2, "")
    assert told.err.count("\n") == 1
    assert not (roundsman.folder / "estate.toml").exists()


BROKEN = {
    "[[scopes\n": "line 1",
    '[[scopes]]\nname = "a"\nnetworks = ["10.0.0.0/24"]\n': "authorised_by",
    '[[scopes]]\nname = "a"\nauthorised_by = "x"\nnetworks = ["10.0.0.0/24"]\npaces = 3\n': "line 5: scopes[0].paces",
    '[[scopes]]\nname = "a"\nauthorised_by = "x"\nnetworks = ["-iL /etc/passwd"]\n': "line 4: scopes[0].networks[0]",
    "estate = 3\n": "line 1: estate",
}


@pytest.mark.parametrize("text", BROKEN)
@pytest.mark.parametrize("command", [("changes", "--json"), ("scan", "--json"), ("baseline",)])
def test_a_broken_estate_is_two_and_names_file_line_and_field(
    roundsman: Any, command: tuple[str, ...], text: str
) -> None:
    roundsman.describes(text)
    told = roundsman(*command)
    assert (told.code, told.out) == (2, "")
    assert str(roundsman.folder / "estate.toml") in told.err
    assert BROKEN[text] in told.err
    assert "\\x0a" not in told.err


def test_an_estate_that_is_not_there_or_not_text_is_two(roundsman: Any) -> None:
    assert roundsman("changes", "--estate", "absent.toml").code == 2
    (roundsman.folder / "estate.toml").write_bytes(b"\xff\xfe")
    told = roundsman("changes")
    assert (told.code, told.out) == (2, "")
    assert "not UTF-8" in told.err


def test_without_an_estate_reading_and_importing_work_and_scanning_is_out_of_scope(known: Any) -> None:
    assert known("changes").code == 0
    told = known("scan", "--json")
    assert (told.code, told.out) == (4, "")
    assert "roundsman init" in told.err


@pytest.mark.parametrize(
    "url",
    [
        "nonsense",
        "mysql://localhost/x",
        "sqlite:////proc/x/y.db",
        "sqlite:////etc/passwd",
        "postgresql://127.0.0.1:1/x",
    ],
)
def test_a_database_that_cannot_be_used_is_two(roundsman: Any, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("ROUNDSMAN_DATABASE_URL", url)
    told = roundsman("changes", "--json")
    assert (told.code, told.out) == (2, "")
    assert "Traceback" not in told.err


def test_no_password_of_a_database_is_printed(roundsman: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROUNDSMAN_DATABASE_URL", "postgresql://ada:s3cret@127.0.0.1:1/x")
    for command in (("changes",), ("doctor",), ("doctor", "--json")):
        told = roundsman(*command)
        assert "s3cret" not in told.out + told.err


def test_a_damaged_database_is_two(known: Any) -> None:
    path = known.home / "roundsman.db"
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    path.write_bytes(path.read_bytes()[:20_000])
    told = known("runs", "--json")
    assert (told.code, told.out) == (2, "")
    assert told.err.startswith("roundsman: the database cannot be used")


def test_a_locked_database_is_waited_for(known: Any) -> None:
    path = known.home / "roundsman.db"
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    assert known("changes", "--json").code == 0, "reading waits for nobody"
    timer = threading.Timer(0.5, other.rollback)
    timer.start()
    assert known.takes_in("port_opened").code == 0
    timer.join()
    other.close()


def test_old_evidence_is_forgotten_only_when_told_to(known: Any) -> None:
    known.takes_in("port_opened")
    told = known("prune")
    assert (told.code, told.out) == (2, "")
    assert "evidence_days" in told.err
    before = known("runs", "--json").said["runs"][0]["looked_at"]
    dry = known("prune", "--before", before, "--dry-run", "--json")
    assert dry.said["dry_run"] is True
    assert (dry.said["documents"], dry.said["runs"], dry.said["before"]) == (1, 1, before)
    assert len(list((known.home / "evidence").rglob("*.zst"))) == 2
    assert "would be removed" in known("prune", "--before", before, "--dry-run").out
    assert known("prune", "--before", before, "--json").said["documents"] == 1
    assert len(list((known.home / "evidence").rglob("*.zst"))) == 1
    assert "0 documents" in known("prune", "--before", before).out
    assert len(known("changes", "--since", "2019-01-01", "--json").said["changes"]) == 14


def test_the_estate_may_say_how_long_evidence_is_kept(known: Any) -> None:
    known.describes("[retention]\nevidence_days = 30\nruns_days = 300\n")
    known.takes_in("port_opened", "--at", "10d")
    told = known("prune", "--json").said
    assert (told["documents"], told["forgotten"]) == (1, 0), "the last ten runs keep their coverage"
    assert told["runs_before"] is not None
    assert "only the outcome is left" in known("prune").out


@pytest.mark.parametrize("before", ["", "nonsense", "2999-01-01"])
def test_pruning_before_no_time_is_two(known: Any, before: str) -> None:
    for option in ("--before", "--runs-before"):
        told = known("prune", option, before)
        assert (told.code, told.out) == (2, "")
        assert option in told.err


def test_the_home_is_made_where_it_is_missing(roundsman: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROUNDSMAN_HOME", str(tmp_path / "new" / "home"))
    assert roundsman("runs", "--json").said == {"runs": []}
    assert (tmp_path / "new" / "home" / "roundsman.db").is_file()
