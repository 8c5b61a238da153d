"""What looks at an engine prove of its containers: present, passed, gone or unseen, and the same when deployed anew."""

from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO

import pytest

from estate.assets import Asset
from estate.containers.engine import Engine, Written
from estate.containers.runtime import CHECKS
from estate.containers.runtime.reading import ASKED, EngineShard, finding, sights
from estate.coverage import Keys, Verdict
from estate.errors import BadReport
from estate.evidence import Document, Notes
from estate.findings import Detection

WHERE = "unix:///run/docker.sock"


def read(*documents, known=(), **planned):
    notes = Notes()
    found = {sight.subject: sight for sight in sights(EngineShard(WHERE, known, **planned), documents, notes)}
    return found, notes


def word(sight, key):
    if key in sight.present:
        return Verdict.POSITIVE, ""
    look = sight.verdict(key)
    return look.verdict, look.reason


def test_a_sound_container_is_there_and_has_passed(told, sound):
    found, notes = read(told(sound))
    web = found["web"]
    assert dict(web.present["container/image"]) == {
        "digest": "sha256:" + "b" * 64,
        "id": "sha256:" + "a" * 64,
        "image": "lab/app:1.2",
    }
    assert list(web.present) == ["container/image"]
    assert all(word(web, f"{check.id}/x") == (Verdict.NEGATIVE, "passed") for check in CHECKS if check.id != "R41")
    assert word(web, "R41/image") == (Verdict.BLIND, "not-asked")
    assert not notes.remarks


def test_a_problem_is_a_fact_with_its_severity(told, sound):
    found, _ = read(told(replace(sound, privileged=True)))
    assert dict(found["web"].present["R01/privileged"])["severity"] == "critical"


def test_the_digest_of_another_repository_is_not_this_ones(told, sound):
    image = replace(sound, image="127.0.0.1:5000/lab/app:1.2")
    found, _ = read(told(image))
    assert "digest" not in dict(found["web"].present["container/image"])
    named = replace(image, image_digests=("127.0.0.1:5000/lab/app@sha256:" + "d" * 64, *sound.image_digests))
    found, _ = read(told(named))
    assert dict(found["web"].present["container/image"])["digest"] == "sha256:" + "d" * 64


def test_a_container_that_is_listed_no_more_is_gone(told, sound):
    found, _ = read(told(sound), known=("web", "old"))
    assert word(found["old"], "R01/privileged") == (Verdict.NEGATIVE, "the engine lists it no more")
    assert found["old"].negative[0].keys == ASKED


@pytest.mark.parametrize("error", ["unreachable", "no-privilege", "timeout", "cancelled", "failed"])
def test_an_engine_that_does_not_answer_resolves_nothing(told, error):
    found, notes = read(told(error=error, detail="connection refused\x1b[31m"), known=("web", "old"))
    assert set(found) == {"web", "old"}
    for sight in found.values():
        assert not sight.present
        assert not sight.negative
        assert not sight.silent
        assert [(look.reason, look.keys) for look in sight.blind] == [(error, ASKED)]
    assert notes.remarks == {f"{WHERE}: {error}: connection refused\\x1b[31m"}


def test_a_look_that_broke_off_tells_what_it_saw_and_passes_nothing(told, sound):
    found, _ = read(told(replace(sound, privileged=True), error="unreachable"), known=("web", "next"))
    web = found["web"]
    assert word(web, "R01/privileged")[0] is Verdict.POSITIVE
    assert word(web, "R15/read-only") == (Verdict.BLIND, "unreachable")
    assert not web.negative
    assert word(found["next"], "R01/privileged") == (Verdict.BLIND, "unreachable")


def test_a_second_look_that_reaches_the_engine_heals_the_first(told, sound):
    found, _ = read(told(error="unreachable"), told(sound, number=1), known=("web",))
    assert word(found["web"], "R01/privileged") == (Verdict.NEGATIVE, "passed")


def test_a_shard_without_evidence_is_blind(sound):
    found, _ = read(known=("web",))
    assert word(found["web"], "R01/privileged") == (Verdict.BLIND, "no-evidence")


def test_a_container_that_was_deployed_anew_is_the_same(told, sound):
    before, _ = read(told(replace(sound, service="shop/web", name="shop-web-1")))
    after, _ = read(told(replace(sound, service="shop/web", name="shop-web-2", id="2" * 64)))
    assert set(before) == set(after) == {"shop/web"}
    assert before["shop/web"].present == after["shop/web"].present


def test_replicas_of_a_service_are_one_and_the_worst_of_them_counts(told, sound):
    one = replace(sound, service="shop/web", name="shop-web-1")
    two = replace(one, name="shop-web-2", privileged=True)
    three = replace(one, name="shop-web-3", unseen=(("diff", "busy"), *sound.unseen))
    found, _ = read(told(one, two, three))
    web = found["shop/web"]
    assert word(web, "R01/privileged")[0] is Verdict.POSITIVE
    assert word(web, "R15/read-only") == (Verdict.NEGATIVE, "passed")
    assert word(web, "R32/x") == (Verdict.BLIND, "busy")


def test_a_container_that_could_not_be_inspected_is_blind(told, sound):
    found, _ = read(told(replace(sound, unseen=(("inspect", "timeout"),))))
    assert not found["web"].present
    assert [(look.reason, look.keys) for look in found["web"].blind] == [("timeout", ASKED)]


def test_what_a_check_could_not_see_is_blind_for_it_alone(told, sound):
    found, _ = read(told(replace(sound, unseen=(("top", "busy"), ("registry", "not-asked")))))
    blind = {look.reason: look.keys for look in found["web"].blind}
    assert blind == {"busy": Keys.of(("R33/*", "R34/*")), "not-asked": Keys.of(("R30/*", "R41/*"))}


def test_when_images_were_scanned_is_part_of_the_plan(told, sound):
    fresh = ((sound.image_id, datetime(2026, 2, 20, tzinfo=UTC)),)
    found, _ = read(told(sound), scanned=fresh)
    assert word(found["web"], "R41/image") == (Verdict.NEGATIVE, "passed")
    found, _ = read(told(sound), scanned=fresh, most_days=7)
    assert word(found["web"], "R41/image")[0] is Verdict.POSITIVE
    found, _ = read(told(sound), scanned=())
    assert "nobody ever scanned" in dict(found["web"].present["R41/image"])["evidence"]


@pytest.mark.parametrize(
    "shard", [EngineShard(""), EngineShard(WHERE, ("a", "b"), (("sha256:1", datetime(2026, 1, 1, tzinfo=UTC)),), 7)]
)
def test_a_plan_is_read_as_it_was_stored(shard):
    assert EngineShard.from_json(shard.to_json()) == shard
    assert len(shard) == 1


def test_hostile_names_become_harmless_keys(told, sound):
    evil = "\x1b[2J<script>`x`|*\u202egnp.exe"
    container = replace(sound, name=evil, image=evil, written=(Written(f"/bin/{evil}\n" + "x" * 9_000, "added", True),))
    found, _ = read(told(container))
    ((name, sight),) = found.items()
    for text in (name, *sight.present, *(value for one in sight.present.values() for _, value in one)):
        assert text.isprintable()
        assert len(text) < 600
    assert Keys.parse(str(sight.seen)) == sight.seen


def test_ten_thousand_problems_of_a_kind_are_bounded_and_said(told, sound):
    devices = tuple(f"/dev/sd{number}" for number in range(10_000))
    found, _ = read(told(replace(sound, devices=devices)))
    assert len(found["web"].present) < 1_100
    assert word(found["web"], "R23/more") == (Verdict.BLIND, "too-many")


def test_foreign_evidence_is_refused():
    with pytest.raises(BadReport, match="no reader for nmap"):
        read(Document("nmap", 0, BytesIO(b"")))


def test_a_finding_names_the_check_and_its_place(told, sound):
    found, _ = read(told(replace(sound, privileged=True)))
    asset = Asset("container", "web")
    ruling = finding(asset, "R01/privileged", found["web"].present["R01/privileged"], Detection.PRESENT)
    assert ruling is not None
    assert (ruling.rule.name, ruling.severity.value, ruling.locator) == ("R01", "critical", "R01/privileged")
    assert ruling.subject == "A container is privileged: web (privileged)"
    assert finding(asset, "container/image", (), Detection.PRESENT) is None


def test_podman_and_docker_are_read_by_the_same_reader(told, sound):
    found, _ = read(told(sound, engine=Engine("podman", "4.3.1")))
    assert list(found["web"].present) == ["container/image"]
