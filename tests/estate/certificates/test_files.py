import io
from pathlib import Path

import pytest

from estate.certificates.facts import describe, problem_key
from estate.certificates.files import CertificateFile, CertificateFiles, files_reading, read_files, shown_by_file
from estate.certificates.reading import read_certificates, spell_pem
from estate.certificates.renewals import explain_renewal
from estate.certificates.rules import weaknesses_of
from estate.certificates.shown import FILE, show
from estate.certificates.trust import TrustStore, mozilla_roots
from estate.coverage import Verdict
from estate.errors import BadReport

EVIDENCE = Path(__file__).parents[2] / "evidence" / "certificates"


def evidence(name):
    return read_certificates((EVIDENCE / name).read_bytes(), b"lab")


@pytest.fixture(scope="module")
def roots():
    return TrustStore.of(evidence("root.pem"), mozilla=False)


@pytest.fixture
def document(workshop):
    def made(**files):
        rows = []
        for name, told in files.items():
            path = f"/etc/ssl/{name}.pem"
            if isinstance(told, str):
                rows.append(CertificateFile(path=path, state="blind", reason=told))
            else:
                rows.append(CertificateFile(path=path, state="read", certificates=tuple(map(spell_pem, told))))
        return CertificateFiles(schema=1, asked=("/etc/ssl",), started=workshop.now, files=tuple(rows))

    return made


@pytest.mark.parametrize(
    ("name", "count"),
    [("sound_chain.pem", 2), ("with_key.pem", 2), ("leaf.der", 1), ("chain.p7b", 2), ("store.p12", 2)],
)
def test_every_wrapping_holds_the_same_certificates(name, count):
    assert set(evidence(name)) == set(evidence("sound_chain.pem")[:count])


@pytest.mark.parametrize(
    ("name", "fires"),
    [
        ("sound_chain.pem", set()),
        ("expired.pem", {"expired"}),
        ("sha1_rsa1024.pem", {"weak-key", "weak-signature"}),
        ("hostile_names.pem", set()),
        ("names_twice_serial_negative.pem", {"malformed"}),
        ("root.pem", set()),
    ],
)
def test_evidence_fires_exactly_its_rules(workshop, roots, name, fires):
    shown = list(shown_by_file(f"/etc/ssl/{name}", evidence(name), workshop.now, roots))
    assert {rule for one in shown for rule, _ in weaknesses_of(one)} == fires


def test_the_committed_renewal_is_told(workshop):
    before, after = (describe(evidence(name)[0]) for name in ("renewed_before.pem", "renewed_with_same_key.pem"))
    told = explain_renewal(before, after)
    assert told.startswith("reissued with the same key; names added: www.web.example; ")


def test_a_cut_file_says_so():
    with pytest.raises(BadReport, match="cut off"):
        evidence("cut_off.pem")


def test_a_document_comes_back_as_it_was_written(document):
    made = document(web=evidence("sound_chain.pem"), secret="Permission denied")
    assert read_files(io.BytesIO(made.spell().encode())) == made


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "Invalid JSON"),
        ("[]", "document"),
        ('{"schema": 2, "asked": [], "started": "2026-01-01T00:00:00Z"}', "schema"),
        ('{"schema": 1, "asked": [], "started": "2026-01-01T00:00:00Z", "keys": []}', "keys"),
        ('{"schema": 1, "asked": [], "started": "2026-01-01T00:00:00"}', "started"),
    ],
)
def test_another_document_is_refused_by_name(text, what):
    with pytest.raises(BadReport, match=what):
        read_files(io.BytesIO(text.encode()))


def test_a_file_holds_its_leaf_and_what_is_wrong_with_it(workshop, roots, document):
    reading = files_reading("web-7", document(web=evidence("expired.pem")), workshop.now, roots)
    key = "certificate-file//etc/ssl/web.pem"
    assert set(reading.present) == {key, problem_key(key, "expired")}


def test_several_leaves_in_a_file_have_a_place_each_and_roots_of_mozilla_none(workshop, roots, document):
    many = (*evidence("sound_chain.pem"), *evidence("renewed_before.pem"))
    reading = files_reading("web-7", document(many=many), workshop.now, roots)
    assert set(reading.present) == {"certificate-file//etc/ssl/many.pem", "certificate-file//etc/ssl/many.pem#2"}
    bundle = mozilla_roots()[:5]
    assert not files_reading("web-7", document(bundle=bundle), workshop.now, TrustStore.of()).present


def test_an_intermediate_in_one_file_serves_the_leaf_in_another(workshop, roots, document):
    leaf, middle = evidence("sound_chain.pem")
    reading = files_reading("web-7", document(leaf=(leaf,), middle=(middle,)), workshop.now, roots)
    assert problem_key("certificate-file//etc/ssl/leaf.pem", "unknown-root") not in reading.present
    value = dict(reading.present["certificate-file//etc/ssl/leaf.pem"])
    assert value["intermediates"] == middle.sha256[:16]


def test_a_file_that_is_gone_is_refuted_and_one_that_is_locked_is_out_of_sight(workshop, roots, document):
    web, gone = "certificate-file//etc/ssl/web.pem", "certificate-file//etc/ssl/gone.pem"
    expired, second = problem_key(web, "expired"), "certificate-file//etc/ssl/many.pem#2"
    known = (web, gone, expired, second)
    reading = files_reading("web-7", document(web="Permission denied"), workshop.now, roots, known=known)
    said = {key: (look.verdict, look.reason) for look in reading.looks for key in look.keys}
    assert said[web] == said[expired] == (Verdict.BLIND, "Permission denied")
    assert said[gone] == said[second] == (Verdict.NEGATIVE, "not-found")


def test_below_a_locked_folder_and_beyond_a_limit_nothing_is_gone(workshop, roots):
    known = ("certificate-file//etc/ssl/private/web.pem", "certificate-file//etc/ssl/web.pem")
    locked = CertificateFile(path="/etc/ssl/private", state="blind", reason="Permission denied")
    for files, cut, blind in (((locked,), "", known[:1]), ((), "more than 20000 files", known)):
        made = CertificateFiles(schema=1, asked=("/etc/ssl",), started=workshop.now, files=files, cut=cut)
        reading = files_reading("web-7", made, workshop.now, roots, known=known)
        looks = {key: look.verdict for look in reading.looks for key in look.keys}
        assert {key for key in known if looks[key] is Verdict.BLIND} == set(blind)


def test_a_document_with_a_false_certificate_is_refused(workshop, roots):
    row = CertificateFile(path="/x", state="read", certificates=("nonsense",))
    made = CertificateFiles(schema=1, asked=("/x",), started=workshop.now, files=(row,))
    with pytest.raises(BadReport):
        files_reading("web-7", made, workshop.now, roots)


def test_the_public_length_of_life_binds_only_public_certificates(workshop, roots):
    leaf, middle = evidence("sound_chain.pem")
    shown = show(FILE, "/x", [leaf, middle], workshop.now, roots, private_limit=30)
    assert dict(weaknesses_of(shown))["too-long-validity"].endswith("where your own rules grant 30")
