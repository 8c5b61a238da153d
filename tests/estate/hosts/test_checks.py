import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estate.hosts.checks import attributes, quoted, remedy
from estate.hosts.registry import BY_ID, CHECKS, INVENTORY, RULES, aspect_of


def test_what_was_not_looked_at_is_no_attribute() -> None:
    assert attributes(uid=0, shell=None, home="/root") == (("home", "/root"), ("uid", "0"))


@pytest.mark.parametrize(
    "text", ["/bin/x", "a b", "it's", "$(reboot)", "a\nb", "\x1b[2J", "%s%n", "\\n", "é", "\udcff", "-rf"]
)
def test_a_quoted_word_is_that_word_to_a_shell_and_acts_on_nobody(text: str) -> None:
    shown = quoted(text)
    assert shown.isprintable()
    said = subprocess.run(["sh", "-c", f"printf %s {shown}"], capture_output=True, check=True)
    assert said.stdout == text.encode("utf-8", "surrogateescape")


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=40))
def test_no_word_breaks_out(text: str) -> None:
    shown = quoted(text)
    if not text.endswith("\n"):  # which `$( )` takes away
        said = subprocess.run(["sh", "-c", f"printf %s {shown}"], capture_output=True, check=True)
        assert said.stdout == text.encode()


def test_a_remedy_names_the_very_thing() -> None:
    assert remedy("gpasswd -d {rest} {first}", "docker:a b") == "gpasswd -d 'a b' docker"
    assert remedy("chmod u-s {resource}", "/x;reboot") == "chmod u-s '/x;reboot'"


def test_a_name_that_spells_a_placeholder_stays_one_word() -> None:
    assert remedy("rm {resource}", "{first}:x") == "rm '{first}:x'"


def test_every_check_has_an_id_a_remedy_and_references_of_its_own() -> None:
    assert len(BY_ID) == len(CHECKS)
    for check in CHECKS:
        group, number = check.id.removeprefix("HOST-").split("-")
        assert check.id.startswith("HOST-")
        assert group in {"PKG", "PRV", "ACC", "HRD"}
        assert number.isdecimal()
        assert len(number) == 3
        assert check.title
        assert check.remediation
    assert set(RULES) == {("host", check.id) for check in CHECKS}


def test_families_of_things_are_told_apart() -> None:
    families = [each.family for each in INVENTORY]
    assert len(families) == len(set(families))


def test_a_key_says_its_aspect() -> None:
    assert aspect_of("HOST-PKG-002/openssl") == "packages"
    assert aspect_of("HOST-ACC-006/alice:SHA256:x") == "access"
    assert aspect_of("pkg/pkg:deb/debian/openssl") == "packages"
