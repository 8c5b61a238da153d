"""A real Trivy on archives that the tests write, with a database that they write too."""

import fcntl
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from threading import Event

import pytest

from estate.containers.image import ImageVisit, read_image_visit
from estate.containers.image_shard import ImageShard, ImageTarget, sights
from estate.evidence import Document, Evidence, Notes
from estate.observations import Sight
from infra.lab.images import CMD, OLD_PACKAGES, Image, Layer, debian, python_package
from infra.lab.trivy_database import ADVISORIES, database, write_database
from tasks.containers.canary import Canary, check_database
from tasks.containers.trivy import rate_sbom, scan_image
from tasks.containers.trivy_run import TrivyFailed

BASE_KEY = "AKIA" + "QYLPMN5HFIQR7BBB"
APPLICATION_KEY = "AKIA" + "IOSFODNN7EXAMPL3"
TOKEN = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
BUILD_TOKEN = "ghp_" + "Z9y8X7w6V5u4T3s2R1q0P9o8N7m6L5k4J3i2"
GLIBC = "vuln/pkg:deb/debian/libc6:CVE-2023-4911"
ZLIB = "vuln/pkg:deb/debian/zlib1g:CVE-2023-45853"
REQUESTS = "vuln/pkg:pypi/requests#usr/lib/python3/dist-packages/requests-2.30.0.dist-info/METADATA:CVE-2023-32681"


def base_layer() -> Layer:
    system = debian(OLD_PACKAGES)
    return Layer({**system.files, "root/old-key": f"aws_access_key_id={BASE_KEY}\n".encode()}, after=(CMD,))


def application() -> Image:
    layer = Layer(
        {**python_package("requests", "2.30.0"), "app/key": f"aws_access_key_id={APPLICATION_KEY}\n".encode()},
        made_by=f"RUN apt-get install curl && curl -H token:{BUILD_TOKEN} https://example.org # buildkit",
    )
    return Image((base_layer(), layer), env=("PATH=/usr/bin", f"TOKEN={TOKEN}"))


def target_of(image: Image, path: Path, tag: str = "1.0") -> ImageTarget:
    return ImageTarget("lab/app", tag, "archive", str(image.save(path)))


def visit_of(evidence: Evidence) -> ImageVisit:
    with evidence.path.open("rb") as stream:
        return read_image_visit(stream)


def sight_of(target: ImageTarget, evidence: list[Evidence]) -> Sight:
    opened = [
        Document(one.media, 0, one.path.open("rb"), one.companion.open("rb") if one.companion else None)
        for one in evidence
    ]
    try:
        (sight,) = sights(ImageShard((target,)), opened, Notes())
    finally:
        for one in opened:
            one.stream.close()
            if one.companion:
                one.companion.close()
    return sight


def scan(target: ImageTarget, folder: Path, cache: Path) -> Sight:
    return sight_of(target, scan_image(target, folder, cache=cache, deadline=120, cancelled=None))


def word_on(sight: Sight, key: str) -> tuple[str, str]:
    look = sight.verdict(key)
    assert look is not None
    return look.verdict.word, look.reason


def test_known_vulnerabilities_are_found_with_the_layer_that_brought_them(trivy, cache, tmp_path):
    sight = scan(target_of(application(), tmp_path / "a.tar"), tmp_path, cache)
    glibc, zlib, requests = (dict(sight.present[key]) for key in (GLIBC, ZLIB, REQUESTS))
    assert (glibc["severity"], glibc["fixed"], glibc["layer"]) == ("high", "2.36-9+deb12u3", "base")
    assert (zlib["status"], zlib["fixed"]) == ("will_not_fix", "")
    assert (requests["layer"], requests["cvss"], requests["cvss_source"]) == ("application", "6.1", "nvd")
    assert word_on(sight, "vuln/pkg:deb/debian/libc6:CVE-0000-1") == ("negative", "not-in-image")
    assert not sight.blind


def test_an_image_with_all_fixes_has_no_vulnerability(trivy, cache, tmp_path):
    image = Image((debian({"libc6": ("glibc", "2.36-9+deb12u10")}), Layer(python_package("requests", "2.32.0"))))
    sight = scan(target_of(image, tmp_path / "a.tar"), tmp_path, cache)
    assert not [key for key in sight.present if key.startswith("vuln/")]
    assert not sight.blind


def test_secrets_of_all_layers_are_found_and_none_is_stored(trivy, cache, tmp_path):
    """Trivy leaves out what it takes for a base, and keeps the environment and the history in clear."""
    target = target_of(application(), tmp_path / "a.tar")
    home = tmp_path / "evidence"
    home.mkdir()
    evidence = scan_image(target, home, cache=cache, deadline=120, cancelled=None)
    sight = sight_of(target, evidence)
    layers = {key: dict(value)["layer"] for key, value in sight.present.items() if key.startswith("secret/")}
    assert layers == {
        "secret/aws-access-key-id:/app/key": "application",
        "secret/aws-access-key-id:/root/old-key": "base",
        "secret/github-pat:configuration": "configuration",
    }
    stored = b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file())
    for secret in (BASE_KEY, APPLICATION_KEY, TOKEN, BUILD_TOKEN):
        assert secret.encode() not in stored
        assert secret[:12].encode() not in stored


def test_a_stray_ignore_file_has_no_effect(trivy, cache, tmp_path, monkeypatch):
    target = target_of(application(), tmp_path / "a.tar")
    (tmp_path / ".trivyignore").write_text("CVE-2023-4911\n")
    (tmp_path / "trivy.yaml").write_text("severity: [LOW]\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TRIVY_SEVERITY", "LOW")
    monkeypatch.setenv("TRIVY_IGNORE_UNFIXED", "true")
    assert {GLIBC, ZLIB} <= scan(target, tmp_path, cache).present.keys()


def test_an_image_without_a_system_is_no_clean_image(trivy, cache, tmp_path):
    sight = scan(target_of(Image((Layer({"bin/app": b"x"}),)), tmp_path / "a.tar"), tmp_path, cache)
    assert word_on(sight, "vuln/any") == ("blind", "no-os")
    assert word_on(sight, "secret/any") == ("negative", "not-in-image")
    assert dict(sight.present["image/1.0"])["os"] == "unknown"


def test_what_is_found_in_an_image_without_a_system_stays(trivy, cache, tmp_path):
    image = Image((Layer(python_package("requests", "2.30.0")),))
    sight = scan(target_of(image, tmp_path / "a.tar"), tmp_path, cache)
    assert REQUESTS in sight.present
    assert word_on(sight, GLIBC) == ("blind", "no-os")


def test_a_release_that_nobody_mends_is_a_problem_of_its_own(trivy, cache, tmp_path):
    layer = debian({"libc6": ("glibc", "2.13-38")}, b'ID=debian\nVERSION_ID="7"\n')
    image = Image((Layer({**layer.files, "etc/debian_version": b"7.11\n"}),))
    sight = scan(target_of(image, tmp_path / "a.tar"), tmp_path, cache)
    assert dict(sight.present["problem/os-eol"]) == {"os": "debian 7.11", "severity": "high"}
    assert word_on(sight, GLIBC) == ("blind", "os-eol")


def test_configuration_is_checked(trivy, cache, tmp_path):
    root = scan(target_of(Image((base_layer(),)), tmp_path / "a.tar"), tmp_path, cache)
    assert dict(root.present["config/DS002"])["severity"] == "high"
    layer = Layer({"x": b"x"}, after=("/bin/sh -c #(nop)  USER app",))
    user = scan(target_of(Image((base_layer(), layer), user="app"), tmp_path / "b.tar"), tmp_path, cache)
    assert "config/DS002" not in user.present
    assert word_on(user, "config/DS002") == ("negative", "not-in-image")


@pytest.mark.parametrize("size", [0, 100, 8192, 20_000])
def test_a_database_that_was_cut_is_no_clean_image(trivy, tmp_path, size):
    cut = write_database(tmp_path / "cut", datetime(2026, 11, 1, tzinfo=UTC), database()[:size])
    sight = scan(target_of(application(), tmp_path / "a.tar"), tmp_path, cut)
    assert word_on(sight, GLIBC)[0] == "blind"


def test_an_empty_database_is_no_clean_image(trivy, tmp_path):
    cache = write_database(tmp_path / "cut", datetime(2026, 11, 1, tzinfo=UTC), database({}, {}))
    assert check_database(cache).verdict != "ok"
    sight = scan(target_of(application(), tmp_path / "a.tar"), tmp_path, cache)
    assert word_on(sight, GLIBC) == ("blind", "no-database")


def test_without_a_database_nothing_is_known(trivy, tmp_path):
    sight = scan(target_of(application(), tmp_path / "a.tar"), tmp_path, tmp_path / "none")
    assert word_on(sight, GLIBC) == ("blind", "no-database")


def test_a_whole_database_is_told_with_its_age(trivy, cache):
    assert check_database(cache) == Canary("0.59.1", "2026-11-01T00:00:00Z", "ok")


def test_a_canary_of_another_database_is_asked_anew(trivy, cache, tmp_path):
    target = target_of(application(), tmp_path / "a.tar")
    told = Canary("0.59.1", "2025-01-01T00:00:00Z", "dead")
    evidence = scan_image(target, tmp_path, cache=cache, deadline=120, cancelled=None, canary=told)
    assert visit_of(evidence[0]).canary == "ok"


def test_a_stored_sbom_is_rated_again_without_the_image(trivy, cache, tmp_path):
    archive = tmp_path / "a.tar"
    target = target_of(application(), archive)
    first, sbom = scan_image(target, tmp_path, cache=cache, deadline=120, cancelled=None)
    assert first.companion is not None
    before = sight_of(target, [first])
    archive.unlink()
    today: dict[str, dict[str, dict[str, dict[str, object]]]] = {
        **ADVISORIES,
        "debian 12": {**ADVISORIES["debian 12"], "glibc": {"CVE-2024-5535": {"FixedVersion": "2.36-9+deb12u9"}}},
    }
    write_database(cache, datetime(2026, 11, 2, tzinfo=UTC), database(today))
    (again,) = rate_sbom(
        sbom.path, visit_of(first), first.companion, tmp_path, cache=cache, deadline=120, cancelled=None
    )
    after = sight_of(target, [again])
    new = "vuln/pkg:deb/debian/libc6:CVE-2024-5535"
    assert after.present.keys() ^ before.present.keys() == {GLIBC, new}
    assert word_on(after, GLIBC) == ("negative", "not-in-image")
    kept = after.present.keys() & before.present.keys()
    assert {key: after.present[key] for key in kept} == {key: before.present[key] for key in kept}
    assert dict(after.present[new])["layer"] == "base"
    visit = visit_of(again)
    assert visit.database == "2026-11-02T00:00:00Z"
    assert visit.scanned_at == visit_of(first).at


def test_a_rating_with_the_same_database_changes_nothing(trivy, cache, tmp_path):
    target = target_of(application(), tmp_path / "a.tar")
    first, sbom = scan_image(target, tmp_path, cache=cache, deadline=120, cancelled=None)
    assert first.companion is not None
    again = rate_sbom(sbom.path, visit_of(first), first.companion, tmp_path, cache=cache, deadline=120, cancelled=None)
    assert sight_of(target, again).present == sight_of(target, [first]).present


def test_a_cache_that_somebody_holds_is_waited_for_no_longer_than_the_deadline(trivy, cache, tmp_path):
    target = target_of(application(), tmp_path / "a.tar")
    with (cache / "roundsman.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        (evidence,) = scan_image(target, tmp_path, cache=cache, deadline=0.5, cancelled=None)
    assert visit_of(evidence).error == "locked"


def test_a_scan_that_nobody_wants_any_more_says_so(trivy, cache, tmp_path):
    stop = Event()
    stop.set()
    (evidence,) = scan_image(
        target_of(application(), tmp_path / "a.tar"), tmp_path, cache=cache, deadline=60, cancelled=stop
    )
    assert visit_of(evidence).error == "cancelled"


NEW = 'if [ "$1" = version ]; then echo \'{"Version":"0.70.0"}\'; exit 0; fi\n'


@pytest.mark.parametrize(
    ("script", "word"),
    [
        ('echo \'{"Version":"0.40.0"}\'', "too-old"),
        ("echo Version: 0.20.0", "too-old"),
        (NEW + 'if [ "$1" = image ]; then sleep 300; fi; echo "{}" >"$TRIVY_OUTPUT"', "timeout"),
        (NEW + 'echo \'{"SchemaVersion":2,"Res\' >"$TRIVY_OUTPUT"', "truncated"),
        (NEW + 'echo \'{"SchemaVersion":3}\' >"$TRIVY_OUTPUT"', "truncated"),
        (NEW + "exit 0", "truncated"),
        (NEW + "kill -9 $$", "failed"),
        (NEW + 'echo "FATAL\tFatal error\timage scan error: context deadline exceeded" >&2; exit 1', "timeout"),
        (NEW + 'echo "FATAL\tcache may be in use by another process" >&2; exit 1', "locked"),
        (NEW + 'echo "FATAL\tUNAUTHORIZED: authentication required" >&2; exit 1', "auth-failed"),
        (NEW + 'echo "FATAL\tMANIFEST_UNKNOWN: manifest unknown" >&2; exit 1', "not-found"),
        (NEW + 'echo "FATAL\tdial tcp 127.0.0.1:1: connection refused" >&2; exit 1', "unreachable"),
    ],
)
def test_what_goes_wrong_has_a_word(program: Callable[[str], Path], cache, tmp_path, script, word):
    target = target_of(application(), tmp_path / "a.tar")
    program(script)
    canary = Canary("0.70.0", "2026-11-01T00:00:00Z", "ok") if word != "too-old" else None
    deadline = 3 if "sleep" in script else 60
    (evidence,) = scan_image(target, tmp_path, cache=cache, deadline=deadline, cancelled=None, canary=canary)
    visit = visit_of(evidence)
    assert (visit.error, evidence.ended, evidence.companion) == (word, word, None)
    sight = sight_of(target, [evidence])
    assert (sight.present, word_on(sight, GLIBC)) == ({}, ("blind", word))


def test_without_trivy_nobody_looks(cache, tmp_path, monkeypatch):
    monkeypatch.setattr("tasks.tools._SEARCHED", ())
    monkeypatch.setenv("PATH", str(tmp_path))
    target = target_of(application(), tmp_path / "a.tar")
    (evidence,) = scan_image(target, tmp_path, cache=cache, deadline=60, cancelled=None)
    assert visit_of(evidence).error == "no-tool"
    with pytest.raises(TrivyFailed, match="not installed"):
        check_database(cache)


def test_an_archive_that_is_not_there_or_is_none_says_so(trivy, cache, tmp_path):
    (tmp_path / "b.tar").write_bytes(b"no tar")
    for name, word in (("a.tar", "not-found"), ("b.tar", "bad-archive")):
        target = ImageTarget("lab/app", "1.0", "archive", str(tmp_path / name))
        (evidence,) = scan_image(target, tmp_path, cache=cache, deadline=60, cancelled=None)
        assert visit_of(evidence).error == word


def test_the_visit_tells_what_the_image_is(trivy, cache, tmp_path):
    labels = {"org.opencontainers.image.base.name": "debian:12", "team": "\x1b[31mred\x1b[0m"}
    image = Image((base_layer(), Layer({"x": b"x"})), labels=labels)
    first, sbom = scan_image(target_of(image, tmp_path / "a.tar"), tmp_path, cache=cache, deadline=60, cancelled=None)
    visit = visit_of(first)
    assert (visit.image_id, visit.layers, visit.base_name) == (image.id, image.diff_ids, "debian:12")
    assert dict(visit.labels)["team"] == "\\x1b[31mred\\x1b[0m"
    assert (visit.created, visit.guessed, visit.unsearched) == ("2024-01-01T00:00:00Z", 1, 0)
    assert sbom.companion is not None
    assert sbom.companion.read_bytes() == first.path.read_bytes()
    packages = {one["name"] for one in json.loads(sbom.path.read_text())["components"]}
    assert {"libc6", "zlib1g", "libssl3"} <= packages
