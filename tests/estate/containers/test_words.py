from estate.containers.words import counted, unseen


def test_things_are_counted_by_their_names() -> None:
    assert list(counted(["image/1", "image/2", "vuln/a", "R16/user"])) == ["2 images", "1 known vulnerability"]


def test_what_nobody_could_see_is_named_with_its_reason() -> None:
    assert unseen("no-database", ["vuln/*", "R30/*"]) == "Trivy's database proves nothing: known vulnerabilities, R30"
    assert unseen("otherwise", ["vuln/*"]).startswith("otherwise: ")
