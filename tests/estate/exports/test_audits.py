from estate.exports.audits import render_audit

HEAD = {
    "id": "abc",
    "scope": "office",
    "state": "partial",
    "asked": 90,
    "answered": 80,
    "looked_at": "2026-11-24T10:00:00Z",
    "engine": "collector 1",
    "choice": "1 host",
    "message": "",
    "coverage": {"positive": 10, "negative": 70, "silent": 0, "blind": 10},
    "canary": "",
    "warnings": [],
}


def change(kind: str, key: str, reason: str = "", certainty: str = "proved"):
    return {
        "kind": kind,
        "asset": "host:web-7",
        "key": key,
        "reason": reason,
        "certainty": certainty,
        "cause": "estate",
    }


def test_new_access_stands_before_new_packages() -> None:
    changes = [change("appeared", "pkg/pkg:deb/debian/x"), change("appeared", "authorized-key/bob:SHA256:k")]
    page = render_audit(HEAD, changes, [], [], 0)
    assert page.index("SHA256") < page.index("pkg:deb".replace(":", "\\:"))


def test_what_was_seen_for_the_first_time_is_only_counted() -> None:
    changes = [change("first_observed", f"pkg/{n}") for n in range(900)] + [change("first_observed", "user/bob")]
    page = render_audit(HEAD, changes, [], [], 0)
    assert "**Seen for the first time:** 1 account, 900 packages." in page
    assert "What changed" not in page


def test_nothing_changed_is_said() -> None:
    assert "**Nothing changed.**" in render_audit(HEAD, [], [], [], 0)


def test_what_nobody_could_see_is_named_with_its_reason() -> None:
    page = render_audit(HEAD, [], [], [("web-7", "no-privilege", ("HOST-ACC-002/*", "sudo-rule/*"))], 0)
    assert "this login may not see it" in page
    assert "sudo rules" in page


def test_a_hostile_name_stays_in_its_cell() -> None:
    page = render_audit(HEAD, [change("appeared", "user/<b>|x\n# y")], [], [], 0)
    assert "<b>" not in page
    assert "\n# y" not in page


def test_findings_are_listed_the_worst_first_as_they_come() -> None:
    found = [{"severity": "critical", "subject": "a", "evidence": "e", "rule": "HOST-PRV-001"}]
    assert "| critical | a | e | HOST-PRV-001 |" in render_audit(HEAD, [], found, [], 1).replace("\\-", "-")
