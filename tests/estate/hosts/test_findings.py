from estate.assets import host
from estate.findings import Detection, Severity
from estate.hosts.checks import attributes
from estate.hosts.findings import RULES, drift, finding, remediation
from estate.hosts.registry import CHECKS
from estate.observations import differences

WEB = host("web-7")
KEY = "authorized-key/alice:SHA256:abc"


def drifts(key: str, before=(), after=()) -> list[tuple[str, str, str]]:
    found = drift(WEB, key, before, after)
    return [(ruling.rule.name, ruling.severity.value, ruling.evidence) for ruling in found]


def test_a_failed_check_is_a_finding_with_what_fired() -> None:
    check = CHECKS[0]
    value = attributes(severity="high", evidence="the line", subject="alice")
    ruling = finding(WEB, f"{check.id}/alice", value, Detection.PRESENT)
    assert ruling is not None
    assert (ruling.rule.name, ruling.severity, ruling.detection) == (check.id, Severity.HIGH, Detection.PRESENT)
    assert (ruling.subject, ruling.evidence) == (f"{check.title}: alice on web-7", "the line")


def test_what_a_host_has_is_no_finding_by_being_there() -> None:
    assert finding(WEB, KEY, attributes(type="ed25519"), Detection.PRESENT) is None
    assert finding(WEB, "pkg/pkg:deb/debian/bash", (), Detection.PRESENT) is None


def test_a_new_key_is_high_with_before_and_after() -> None:
    told = "before: not there; after: type ssh-ed25519"
    assert drifts(KEY, after=attributes(type="ssh-ed25519")) == [("HOST-DRF-001", "high", told)]


def test_a_key_with_another_comment_is_the_same_key() -> None:
    assert drifts(KEY, attributes(comment="a"), attributes(comment="b")) == []


def test_a_key_that_loses_what_bound_it_lets_more_in() -> None:
    bound = attributes(type="ssh-ed25519", options='from="10.0.0.5",command="backup"')
    assert [name for name, *_ in drifts(KEY, bound, attributes(type="ssh-ed25519", options="none"))] == ["HOST-DRF-001"]
    assert drifts(KEY, bound, attributes(type="ssh-ed25519", options='command="backup",from="10.0.0.5"')) == []


def test_a_new_member_counts_in_groups_that_are_as_good_as_root() -> None:
    assert [name for name, *_ in drifts("member/docker:bob")] == ["HOST-DRF-002"]
    assert drifts("member/audio:bob") == []


def test_an_account_that_becomes_user_0_is_new_root_whether_it_is_new_or_not() -> None:
    root = attributes(uid=0)
    assert [name for name, *_ in drifts("user/toor", after=root)] == ["HOST-DRF-003"]
    assert [name for name, *_ in drifts("user/bob", attributes(uid=1000), root)] == ["HOST-DRF-003"]
    assert drifts("user/bob", after=attributes(uid=1001)) == []
    assert drifts("user/root", after=root) == []


def test_a_new_sudo_rule_counts_where_it_asks_for_no_password() -> None:
    assert [name for name, *_ in drifts("sudo-rule/bob ALL=(ALL) NOPASSWD: ALL")] == ["HOST-DRF-004"]
    assert drifts("sudo-rule/bob ALL=(ALL) ALL") == []


def test_new_access_that_is_gone_again_is_solved() -> None:
    ruling = finding(WEB, KEY, (), Detection.ABSENT)
    assert ruling is not None
    assert (ruling.rule.name, ruling.detection) == ("HOST-DRF-001", Detection.ABSENT)
    (opened,) = drift(WEB, KEY, (), ())
    assert ruling.fingerprint == opened.fingerprint


def test_a_change_is_told_by_its_values() -> None:
    assert differences(attributes(version="1", arch="a"), attributes(version="2", arch="a")) == "version: 1 → 2"


def test_a_remedy_is_for_the_thing_that_the_finding_names() -> None:
    assert remediation(RULES["host", "HOST-DRF-002"], "member/docker:bob").startswith("gpasswd -d bob docker")
