"""Where a command finds its estate, database and evidence: what is named, then the environment, then the file."""

from pathlib import Path

import pytest

from estate.errors import BadInput
from estate.store.folder import EvidenceFolder
from estate.store.surroundings import find_estate, open_surroundings

ESTATE = """
[[scopes]]
name = "house"
zone = "office"
networks = ["10.0.0.0/24"]
authorised_by = "Ada"

[[assets]]
name = "web.example"
zone = "office"
addresses = ["10.0.0.1"]

[[expected]]
asset = "web.example"
ports = "tcp/443"
note = "the shop"
accepted_by = "Grace"
"""


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch) -> Path:
    """An empty home and an empty place to stand."""
    for name in ("ROUNDSMAN_ESTATE", "ROUNDSMAN_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ROUNDSMAN_HOME", str(tmp_path / "home"))
    made: Path = tmp_path / "home"
    made.mkdir()
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return made


@pytest.fixture
def opened():
    """Opens surroundings and closes their databases afterwards."""
    found = []

    def open_them(*told):
        found.append(open_surroundings(*told))
        return found[-1]

    yield open_them
    for each in found:
        each.database.engine.dispose()


def test_nothing_needs_to_be_there(opened, home) -> None:
    here = opened()
    assert (here.path, here.default_zone, here.policy.sha256, here.latest_published()) == (None, None, "", None)
    assert (home / "roundsman.db").is_file()
    assert here.evidence.root == home / "evidence"


def test_the_named_file_comes_before_the_environment_and_that_before_here_and_home(home, monkeypatch, tmp_path) -> None:
    places = [tmp_path / "named.toml", tmp_path / "environment.toml", Path("estate.toml"), home / "estate.toml"]
    for place in places:
        place.write_text(ESTATE)
    monkeypatch.setenv("ROUNDSMAN_ESTATE", str(places[1]))
    assert find_estate(places[0]) == places[0]
    assert find_estate(None) == places[1]
    monkeypatch.delenv("ROUNDSMAN_ESTATE")
    assert find_estate(None) == places[2].resolve()
    places[2].unlink()
    assert find_estate(None) == places[3]
    places[3].unlink()
    assert find_estate(None) is None
    with pytest.raises(BadInput, match="is not there: `roundsman init` writes one"):
        find_estate(tmp_path / "nowhere.toml")


def test_what_the_file_says_is_what_is_right(opened) -> None:
    Path("estate.toml").write_text(ESTATE)
    here = opened()
    assert here.default_zone == "office"
    assert here.bindings("office") == {"web.example": ("10.0.0.1",)}
    assert here.bindings("lab") == {}
    words = here.expected_by("host:web.example", "office", "tcp/443")
    assert words == "asset web.example, the shop, accepted by Grace"
    assert here.expected_by("host:web.example", "office", "tcp/22") == ""


def test_two_zones_leave_the_choice_to_whoever_asks(opened) -> None:
    Path("estate.toml").write_text(
        ESTATE + ESTATE.partition("[[assets]]")[0].replace("house", "b").replace("office", "lab")
    )
    assert opened().default_zone is None


def test_evidence_is_kept_where_the_file_says(opened, tmp_path) -> None:
    Path("estate.toml").write_text(f'[evidence]\nfolder = "{tmp_path}/elsewhere"\n')
    here = opened()
    assert isinstance(here.evidence, EvidenceFolder)
    assert here.evidence.root == tmp_path / "elsewhere"


def test_a_block_is_loaded_only_by_programs_that_can(opened, tmp_path) -> None:
    Path("estate.toml").write_text('[evidence]\nblock = "s3/evidence"\n')
    with pytest.raises(BadInput, match="s3/evidence, which this program cannot load"):
        opened()
    loaded = EvidenceFolder(tmp_path / "block")
    assert opened(None, {"s3/evidence": loaded}.__getitem__).evidence is loaded


@pytest.mark.parametrize(
    ("body", "message"),
    [(b"[[scopes", r"estate\.toml"), (b"\xff", "not UTF-8 at byte 0")],
)
def test_a_file_that_cannot_be_read_is_said_by_name(opened, body, message) -> None:
    Path("estate.toml").write_bytes(body)
    with pytest.raises(BadInput, match=message):
        opened()


def test_the_latest_published_run_is_the_one_that_looked_last(estate) -> None:
    estate.look("2026-01-02", {"10.0.0.1": {}})
    estate.look("2026-01-01", {"10.0.0.1": {}})
    estate.bring(estate.evidence("all_up.xml"), at="2026-01-03")
    latest = estate.here.latest_published()
    assert latest is not None
    assert f"{latest.looked_at:%Y-%m-%d}" == "2026-01-02"
