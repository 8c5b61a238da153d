"""`roundsman gate` on archives, a real engine and a real registry, by a real Trivy."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from infra.lab.docker_engine import DockerEngine, docker_engine
from infra.lab.images import OLD_PACKAGES, Image, Layer, debian, python_package
from infra.lab.registry import PASSWORD, USER, LabRegistry, lab_registry
from infra.lab.trivy_database import write_database
from infra.lab.vulnerability_server import World, vulnerability_server

TOKEN = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
CLEAN = {"libc6": ("glibc", "2.36-9+deb12u13")}
DEBIAN_8 = b'PRETTY_NAME="Debian GNU/Linux 8 (jessie)"\nNAME="Debian GNU/Linux"\nVERSION_ID="8"\nID=debian\n'


@pytest.fixture(scope="module")
def engine() -> Iterator[DockerEngine]:
    with docker_engine() as started:
        yield started


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabRegistry]:
    with lab_registry(tmp_path_factory.mktemp("registry")) as found:
        yield found


@pytest.fixture
def cache(tmp_path: Path, trivy: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = write_database(tmp_path / "cache", datetime.now(UTC))
    monkeypatch.setenv("TRIVY_CACHE_DIR", str(folder))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no-engine")
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    return folder


@pytest.fixture
def gate(roundsman, cache: Path, tmp_path: Path):
    def ask(image: object, policy: str | None = None, *arguments: str):
        if policy is not None:
            (tmp_path / "gate.toml").write_text(policy)
            arguments = ("--policy", str(tmp_path / "gate.toml"), *arguments)
        return roundsman("gate", str(image), *arguments)

    return ask


@pytest.fixture
def archive(tmp_path: Path) -> Callable[..., Path]:
    def save(*layers: Layer, **more) -> Path:
        return Image(layers, **more).save(tmp_path / "image.tar")

    return save


@pytest.fixture
def pushed(engine: DockerEngine, lab: LabRegistry, tmp_path: Path) -> Callable[..., str]:
    """Have the engine push an image to the registry; gives its name."""

    def push(name: str, *layers: Layer) -> str:
        whole = f"{lab.host}/{name}"
        engine.docker("load", "--input", str(Image(layers, tags=(whole,)).save(tmp_path / "pushed.tar")))
        engine.docker("push", whole)
        return whole

    return push


@pytest.fixture
def key(tmp_path: Path) -> ec.EllipticCurvePrivateKey:
    """A key, whose public half lies beside the policy as team.pub."""
    made = ec.generate_private_key(ec.SECP256R1())
    pem = made.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "team.pub").write_bytes(pem)
    return made


def test_an_archive_with_nothing_against_it_is_allowed(gate, archive):
    path = archive(debian(CLEAN))
    said = gate(path, None, "--json")
    assert said.code == 0, said.err
    assert said.said["allowed"] is True
    assert said.said["reasons"] == said.said["warnings"] == said.said["unseen"] == []
    assert said.said["database"]["canary"] == "ok"
    assert said.said["policy"] == {"file": None, "sha256": None}
    assert gate(path).out.startswith(f"allowed {path}")


def test_what_is_wrong_with_an_image_refuses_it_with_reasons(gate, archive, tmp_path):
    path = archive(
        debian(OLD_PACKAGES), Layer(python_package("requests", "2.30.0")), env=("PATH=/usr/bin", f"TOKEN={TOKEN}")
    )
    told = gate(path, None, "--json", "--sarif", str(tmp_path / "out.sarif"))
    assert told.code == 1
    assert told.said["allowed"] is False
    assert any("CVE-2023-4911 (libc6" in reason for reason in told.said["reasons"])
    assert any("holds 1 secret: github-pat" in reason for reason in told.said["reasons"])
    by_locator = {one["locator"]: one for one in told.said["findings"]}
    glibc = by_locator["vuln/pkg:deb/debian/libc6:CVE-2023-4911"]
    assert (glibc["rule"], glibc["severity"], glibc["refuses"]) == ("image-vulnerability", "high", True)
    assert not by_locator["vuln/pkg:deb/debian/zlib1g:CVE-2023-45853"]["refuses"], "nobody has a fix"
    assert {"subject", "evidence", "remediation", "refs", "fingerprint"} <= glibc.keys()
    plain = gate(path)
    assert plain.out.startswith("refused")
    sarif = (tmp_path / "out.sarif").read_text()
    assert TOKEN not in told.out + plain.out + sarif
    (run,) = json.loads(sarif)["runs"]
    assert {one["ruleId"] for one in run["results"]} >= {"image-vulnerability", "image-secret", "image-refused"}
    assert {one["ruleId"] for one in run["results"]} == {rule["id"] for rule in run["tool"]["driver"]["rules"]}
    assert run["invocations"][0]["executionSuccessful"] is True


def test_what_the_policy_accepts_is_shown_and_refuses_nothing(gate, archive, tmp_path):
    ignoring = "".join(
        f'[[ignore]]\ncve = "{cve}"\nreason = "not reached"\nuntil = 2099-01-01\n'
        for cve in ("CVE-2023-4911", "CVE-2024-5535")
    )
    path = archive(debian(OLD_PACKAGES))
    told = gate(path, ignoring, "--json", "--sarif", str(tmp_path / "out.sarif"))
    assert told.code == 0, told.said["reasons"]
    assert "not reached" in {one["accepted"] for one in told.said["findings"]}
    results = json.loads((tmp_path / "out.sarif").read_text())["runs"][0]["results"]
    assert any(one.get("suppressions") for one in results)
    assert gate(path, ignoring.replace("2099", "2001")).code == 1


def test_a_system_past_its_end_is_refused(gate, archive):
    told = gate(archive(Layer({**debian(CLEAN, DEBIAN_8).files, "etc/debian_version": b"8.11\n"})), None, "--json")
    assert told.code == 1
    assert told.said["reasons"] == ["debian 8.11 gets no more security updates"]


def test_an_unknown_system_is_not_clean(gate, archive):
    path = archive(Layer({"app": b"x"}))
    told = gate(path, None, "--json")
    assert told.code == 3
    assert told.said["allowed"] is False
    assert "not recognised" in told.said["unseen"][0]
    assert gate(path, 'unknown_system = "allow"').code == 0


@pytest.mark.parametrize("harm", ["none", "cut", "empty", "no-trivy", "half-archive"])
def test_what_could_not_be_looked_at_is_never_allowed(gate, archive, cache, harm, monkeypatch, tmp_path):
    path = archive(debian(CLEAN))
    database = cache / "db" / "trivy.db"
    if harm == "none":
        database.unlink()
        (cache / "db" / "metadata.json").unlink()
    elif harm in {"cut", "empty"}:
        database.write_bytes(database.read_bytes()[: 8192 if harm == "cut" else 0])
    elif harm == "no-trivy":
        monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    else:
        path.write_bytes(path.read_bytes()[:2000])
    told = gate(path, None, "--json", "--sarif", str(tmp_path / "out.sarif"))
    assert told.code == 3
    assert told.said["allowed"] is False
    assert told.said["unseen"]
    run = json.loads((tmp_path / "out.sarif").read_text())["runs"][0]
    assert run["invocations"][0]["executionSuccessful"] is False
    plain = gate(path)
    assert plain.out.startswith("no word")
    assert plain.err


def test_an_old_database_refuses_until_somebody_lets_it(gate, archive, cache):
    write_database(cache, datetime.now(UTC) - timedelta(days=9))
    path = archive(debian(CLEAN))
    refused = gate(path, None, "--json")
    assert refused.code == 1
    assert "168 hours are allowed" in refused.said["reasons"][0]
    assert refused.said["database"]["age_hours"] > 200
    override = '[database.override]\nreason = "the mirror is down"\nby = "ada"\nuntil = '
    allowed = gate(path, f"{override}2099-01-01", "--json")
    assert allowed.code == 0
    assert "the mirror is down" in allowed.said["warnings"][0]
    assert gate(path, f"{override}2001-01-01").code == 1


@pytest.mark.parametrize(
    ("policy", "image", "said"),
    [
        ('latst = "warn"', None, "gate.toml, line 1: latst"),
        ('[[ignore]]\ncve = "CVE-2023-4911"\nreason = "x"', None, "until: is missing"),
        ('[signatures]\nkeys = ["nobody.pub"]', None, "nobody.pub"),
        (None, "./none.tar", "is no file"),
        (None, "Not A Name", "is no image's name"),
        (None, "-rf", ""),
    ],
)
def test_wrong_use_and_a_bad_policy_are_told_apart_from_a_refusal(gate, archive, policy, image, said):
    found = gate(image or archive(debian(CLEAN)), policy)
    assert found.code == 2
    assert said in found.err


def test_an_image_of_the_engine_is_judged_without_a_question(gate, engine, archive, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", engine.where)
    engine.docker("load", "--input", str(archive(debian(CLEAN), tags=("lab/clean:1.0",))))
    told = gate("lab/clean:1.0", None, "--json")
    assert told.code == 0, told.err
    identity = told.said["image_id"]
    assert gate(identity, None, "--json").said["image_id"] == identity
    allowed = gate("lab/clean:1.0", 'registries = ["registry.example.org"]', "--json")
    assert allowed.code == 1
    assert "in no registry that is allowed" in allowed.said["reasons"][0]


def test_an_image_of_a_registry_is_judged_by_the_digest_of_its_tag(gate, pushed, lab):
    name = pushed("team/clean:1.0", debian(CLEAN))
    digest = lab.client.get("/v2/team/clean/manifests/1.0", headers={"Accept": "*/*"}).headers["docker-content-digest"]
    told = gate(name, f'registries = ["{lab.host}/team"]', "--json")
    assert told.code == 0, told.err + told.out
    assert told.said["digest"].startswith("sha256:")
    assert digest.startswith("sha256:")
    assert gate(name, f'registries = ["{lab.host}/teams"]').code == 1


def test_only_what_the_team_signed_passes(gate, pushed, lab, key):
    name = pushed("team/signed:1.0", debian(CLEAN))
    policy = '[signatures]\nkeys = ["team.pub"]\n'
    unsigned = gate(name, policy, "--json")
    assert unsigned.code == 1
    assert unsigned.said["reasons"] == ["it is not signed"]
    lab.sign_simple("team/signed", unsigned.said["digest"], ec.generate_private_key(ec.SECP256R1()))
    assert gate(name, policy, "--json").said["signature"]["verdict"] == "unknown-key"
    lab.sign_bundle("team/signed", unsigned.said["digest"], key)
    signed = gate(name, policy, "--json")
    assert signed.code == 0, signed.out
    assert signed.said["signature"] == {"verdict": "signed", "detail": "team.pub"}


def test_an_image_of_the_engine_has_the_signature_of_its_registry(gate, engine, pushed, lab, key, monkeypatch, archive):
    monkeypatch.setenv("DOCKER_HOST", engine.where)
    name = pushed("team/both:1.0", debian(CLEAN))
    policy = '[signatures]\nkeys = ["team.pub"]\n'
    lab.sign_bundle("team/both", gate(name, policy, "--json").said["digest"], key)
    assert gate(name, policy).code == 0
    engine.docker("load", "--input", str(archive(debian(CLEAN), tags=("lab/never-pushed:1.0",))))
    assert "no registry is known to have it" in gate("lab/never-pushed:1.0", policy).out


def test_a_registry_with_a_password_is_asked_with_the_one_that_the_policy_names(
    gate, archive, engine, tmp_path, monkeypatch
):
    monkeypatch.setenv("LAB_USER", USER)
    monkeypatch.setenv("LAB_PASSWORD", PASSWORD)
    folder = tmp_path / "guarded"
    folder.mkdir()
    with lab_registry(folder, protected=True) as guarded:
        name = f"{guarded.host}/team/app:1"
        engine.docker("load", "--input", str(archive(debian(CLEAN), tags=(name,))))
        engine.docker("login", "--username", USER, "--password-stdin", guarded.host, given=PASSWORD.encode())
        engine.docker("push", name)
        login = f'[[logins]]\nhost = "{guarded.host}"\nuser_env = "LAB_USER"\npassword_env = "LAB_PASSWORD"\n'
        told = gate(name, login, "--json")
        assert told.code == 0, told.err + told.out
        refused = gate(name, "", "--json")
        assert refused.code == 3
        assert PASSWORD not in told.out + told.err + refused.out + refused.err
        monkeypatch.delenv("LAB_PASSWORD")
        assert gate(name, login).code == 2


def test_a_registry_that_is_not_there_has_told_nothing(gate):
    told = gate("127.0.0.1:1/team/app:1", None, "--json")
    assert told.code == 3
    assert "127.0.0.1:1" in told.said["unseen"][0]
    assert told.said["findings"] == []


def test_a_vulnerability_that_is_exploited_refuses_also_without_a_fix(gate, archive, roundsman):
    path = archive(debian({"zlib1g": OLD_PACKAGES["zlib1g"]}))
    policy = '[vulnerabilities]\nfail_on = "critical"\n'
    assert gate(path, policy).code == 0
    with vulnerability_server(World(kev={"CVE-2023-45853"})) as world:
        roundsman.describes(f'[intel]\nkev = "{world.url}/kev.json"\n')
        told = gate(path, policy, "--json")
    assert told.code == 1
    assert told.said["reasons"][0].startswith("1 vulnerability is known to be exploited: CVE-2023-45853")


def test_without_the_catalogue_there_is_no_word_where_the_policy_wants_it(gate, archive):
    told = gate(archive(debian(CLEAN)), '[vulnerabilities]\nexploited = "refuse"\n', "--json")
    assert told.code == 3
    assert "catalogue" in told.said["unseen"][0]


def test_an_image_that_does_not_run_is_refused_by_a_trial(gate, engine, archive, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", engine.where)
    engine.docker("load", "--input", str(archive(debian(CLEAN), tags=("lab/no-program:1.0",))))
    assert gate("lab/no-program:1.0").code == 0
    tried = gate("lab/no-program:1.0", None, "--run", "2", "--json")
    assert tried.code == 1
    assert "does not start" in tried.said["reasons"][0]
    assert engine.docker("ps", "--all", "--quiet") == ""


def test_only_what_the_engine_has_can_be_tried(gate, archive):
    assert gate(archive(debian(CLEAN)), None, "--run", "2").code == 2
