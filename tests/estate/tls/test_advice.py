import pytest

from estate.tls import snippets
from estate.tls.advice import advise, remedy
from estate.tls.caps import CAPS
from estate.tls.snippets import PRODUCTS


def test_every_rule_that_is_a_fault_has_a_remedy():
    faults = [cap.rule for cap in CAPS if cap.grade != "A"]
    assert all(remedy(rule).endswith(".") for rule in (*faults, "score", "renegotiation-flood"))
    assert advise(["no-hsts-possible"]) == ()


@pytest.mark.parametrize("name", ["PROTOCOLS", "SUITES", "GROUPS", "HSTS", "COMPRESSION", "RENEGOTIATION", "CHAIN"])
def test_every_setting_is_written_for_every_product(name):
    written = getattr(snippets, name)
    assert tuple(written) == PRODUCTS
    assert all(text == text.strip() != "" for text in written.values())


def test_remedies_come_in_the_order_of_the_rules_and_once():
    found = advise(["ssl3-offered", "hsts-missing", "tls10-offered"])
    assert [advice.rules for advice in found] == [("ssl3-offered", "tls10-offered"), ("hsts-missing",)]


def test_what_no_setting_cures_has_words_alone():
    (advice,) = advise(["heartbleed"])
    assert advice.snippets == {}
    assert "Update the TLS library" in advice.text
