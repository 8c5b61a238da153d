"""Images as facts: what a repository shows over its tags, what is blind, and what a change means."""

import io
import json
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estate.assets import Asset
from estate.containers.image import ImageVisit, read_image_visit, spell_image_visit
from estate.containers.image_findings import RULES, finding, same_image
from estate.containers.image_shard import ImageShard, ImageTarget, sights
from estate.containers.layers import Base
from estate.containers.trivy import read_trivy
from estate.errors import BadReport
from estate.evidence import Document, Notes
from estate.findings import Detection
from estate.observations import Sight, differences
from estate.store.image_scan import ImageScan

AT = datetime(2026, 11, 1, tzinfo=UTC)
VISIT = ImageVisit("lab/app", "1", AT, "docker", "sha256:1", image_id="sha256:1", canary="ok")
TARGET = ImageTarget("lab/app", "1", "docker", "sha256:1")
KEY = "vuln/pkg:deb/debian/libc6:CVE-2023-4911"


def report(severity: str = "HIGH", installed: str = "1", *, found: bool = True) -> dict[str, object]:
    vulnerability = {
        "VulnerabilityID": "CVE-2023-4911",
        "PkgName": "libc6",
        "PkgIdentifier": {"PURL": f"pkg:deb/debian/libc6@{installed}?arch=amd64&distro=debian-12"},
        "InstalledVersion": installed,
        "Severity": severity,
    }
    result: dict[str, object] = {"Target": "x", "Class": "os-pkgs"}
    return {
        "SchemaVersion": 2,
        "Metadata": {"OS": {"Family": "debian", "Name": "12"}},
        "Results": [{**result, "Vulnerabilities": [vulnerability]} if found else result],
    }


def document(visit: ImageVisit, told: dict[str, object] | None) -> Document:
    companion = io.BytesIO(json.dumps(told).encode()) if told is not None else None
    return Document("image", 0, io.BytesIO(spell_image_visit(visit)), companion)


def seen(shard: ImageShard, *documents: Document) -> dict[str, Sight]:
    return {sight.subject: sight for sight in sights(shard, documents, Notes())}


def test_a_visit_is_read_as_it_was_spelled_and_nothing_else_is():
    assert read_image_visit(io.BytesIO(spell_image_visit(VISIT))) == VISIT
    for text in (b"", b"{}", b"[]", spell_image_visit(VISIT)[:-1] + b',"more":1}', b"x" * 2_000_000):
        with pytest.raises(BadReport):
            read_image_visit(io.BytesIO(text))


def test_a_shard_is_read_as_it_was_planned():
    shard = ImageShard((TARGET,), ("old",), (Base("debian", ("sha256:a",), "sha256:d"),))
    assert ImageShard.from_json(shard.to_json()) == shard


def test_two_tags_are_one_asset_whose_worst_word_counts_whole():
    second = ImageTarget("lab/app", "2", "docker", "sha256:2")
    other = replace(VISIT, tag="2", ref="sha256:2", image_id="sha256:2")
    documents = (document(VISIT, report("HIGH", "1")), document(other, report("MEDIUM", "9")))
    sight = seen(ImageShard((TARGET, second)), *documents)["lab/app"]
    told = dict(sight.present[KEY])
    assert (told["severity"], told["installed"]) == ("high", "1")
    assert {"image/1", "image/2"} <= sight.present.keys()


def test_what_one_tag_still_shows_is_not_gone_and_a_blind_tag_hides_it():
    second = ImageTarget("lab/app", "2", "docker", "sha256:2")
    fixed = document(replace(VISIT, tag="2", ref="sha256:2"), report(found=False))
    shard = ImageShard((TARGET, second))
    assert KEY in seen(shard, document(VISIT, report()), fixed)["lab/app"].present
    fixed.stream.seek(0)
    assert fixed.companion is not None
    fixed.companion.seek(0)
    failed = document(replace(VISIT, error="timeout"), None)
    look = seen(shard, failed, fixed)["lab/app"].verdict(KEY)
    assert look is not None
    assert (look.verdict.word, look.reason) == ("blind", "timeout")


def test_a_repository_that_is_listed_no_more_is_gone_and_one_without_evidence_is_not():
    def words(*documents: Document) -> dict[str, str]:
        found = seen(ImageShard((TARGET,), ("lab/old", "lab/kept")), *documents)
        return {name: look.verdict.word for name, sight in found.items() if (look := sight.verdict(KEY))}

    listed = Document("images", 0, io.BytesIO(b'{"at": "2026", "repositories": ["lab/app", "lab/kept"]}'))
    assert words(listed) == {"lab/app": "blind", "lab/old": "negative", "lab/kept": "blind"}
    assert words() == {"lab/app": "blind", "lab/old": "blind", "lab/kept": "blind"}
    for text in (b"", b"[]", b'{"repositories": 1}', b"[" * 100_000):
        with pytest.raises(BadReport, match="no list"):
            words(Document("images", 0, io.BytesIO(text)))


def test_evidence_of_another_image_is_left_out():
    notes = Notes()
    list(sights(ImageShard((TARGET,)), [document(replace(VISIT, repository="x"), report())], notes))
    assert notes.outside == 1


def test_a_good_visit_without_a_report_is_refused():
    with pytest.raises(BadReport, match="no report"):
        seen(ImageShard((TARGET,)), document(VISIT, None))


@pytest.mark.parametrize(
    ("key", "rule"),
    [
        (KEY, "image-vulnerability"),
        ("secret/aws:/x", "image-secret"),
        ("config/DS002", "DS002"),
        ("config/NEW9", "image-configuration"),
        ("problem/os-eol", "os-eol"),
    ],
)
def test_a_fact_is_a_finding_of_a_rule_that_is_known(key, rule):
    asset = Asset("image", "lab/app")
    ruling = finding(asset, key, (("severity", "high"),), Detection.PRESENT)
    assert ruling is not None
    assert (ruling.rule.name, ruling.locator) == (rule, key)
    assert (ruling.rule.namespace, rule) in RULES


def test_which_images_there_are_is_no_finding():
    assert finding(Asset("image", "lab/app"), "image/1", (), Detection.PRESENT) is None


def test_the_very_same_image_did_not_change_by_itself():
    before = {"image/1": (("digest", "sha256:d"), ("id", "sha256:1"))}
    assert same_image(KEY, before, before)
    assert same_image(KEY, before, {"image/1": (("digest", "sha256:other"), ("id", "sha256:1"))})
    assert not same_image(KEY, before, {"image/1": (("digest", "sha256:e"), ("id", "sha256:2"))})
    assert not same_image(KEY, before, {**before, "image/2": before["image/1"]})
    assert not same_image("image/1", before, before)
    assert not same_image(KEY, {}, {})


def test_a_change_is_told_by_its_values():
    told = differences((("fixed", ""), ("x", "1")), (("fixed", "2"), ("x", "1")), ImageScan.nothing)
    assert told == "fixed: none → 2"


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ("Results", "Metadata", "OS", "Vulnerabilities", "Secrets", "Layer", "CVSS", "Class", "nvd")
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(st.dictionaries(st.sampled_from(("Results", "Metadata", "x")), _JSON))
def test_any_json_is_a_report_or_refused(told):
    with suppress(BadReport):
        read_trivy(io.BytesIO(json.dumps({"SchemaVersion": 2, **told}).encode()))


def test_ten_thousand_findings_with_hostile_words_stay_apart_and_harmless():
    one = {"PkgIdentifier": {"PURL": "pkg:npm/\x1b[31m<b>x@1"}, "Severity": "LOW", "Title": "=cmd|' /C calc'!A0\x00"}
    many = [
        {**one, "VulnerabilityID": f"CVE-2024-{number}", "PkgName": "x", "PkgPath": "p" * 700}
        for number in range(10_000)
    ]
    told = {**report(), "Results": [{"Class": "os-pkgs", "Vulnerabilities": many}]}
    sight = seen(ImageShard((TARGET,)), document(VISIT, told))["lab/app"]
    assert sum(key.startswith("vuln/") for key in sight.present) == 10_000
    assert all(key.isprintable() and len(key) < 700 for key in sight.present)
