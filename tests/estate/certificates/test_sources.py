"""What the files of an asset prove in a round: there, gone, locked, or not looked at."""

from pathlib import Path

import pytest

from estate.certificates.facts import problem_key
from estate.certificates.files import CertificateFile, CertificateFiles
from estate.certificates.reading import read_certificates, spell_pem
from estate.certificates.sources import UNDECLARED, UNREAD, Source, source_sights
from estate.certificates.trust import TrustStore
from estate.coverage import Verdict

EVIDENCE = Path(__file__).parents[2] / "evidence" / "certificates"
FOLDER = ("/etc/ssl",)
WEB, OLD = "certificate-file//etc/ssl/web.pem", "certificate-file//etc/ssl/old.pem"
ELSEWHERE = "certificate-file//srv/keys/web.pem"


@pytest.fixture(scope="module")
def roots():
    return TrustStore.of(read_certificates((EVIDENCE / "root.pem").read_bytes()), mozilla=False)


@pytest.fixture
def read(workshop):
    def made(*, asked=FOLDER, cut="", **files):
        rows = []
        for name, told in files.items():
            path = f"{asked[0]}/{name}.pem"
            if told in {"expired", "sound_chain"}:
                pems = tuple(map(spell_pem, read_certificates((EVIDENCE / f"{told}.pem").read_bytes())))
                rows.append(CertificateFile(path=path, state="read", certificates=pems))
            else:
                rows.append(CertificateFile(path=path, state="blind", reason=told))
        return CertificateFiles(schema=1, asked=asked, started=workshop.now, files=tuple(rows), cut=cut)

    return made


@pytest.fixture
def sight(roots):
    def seen(*documents, known=(), sources=None):
        by_paths: dict[tuple[str, ...], list[CertificateFiles]] = {}
        for document in documents:
            by_paths.setdefault(document.asked, []).append(document)
        (found,) = source_sights(sources or (Source("web-7", FOLDER, known=known),), by_paths, roots)
        return found

    return seen


def said(sight, key):
    if key in sight.present:
        return "present"
    look = sight.verdict(key)
    return f"{look.verdict.word}: {look.reason}"


def test_a_file_is_there_with_what_is_wrong_with_it(sight, read):
    found = sight(read(web="expired"))
    assert {WEB, problem_key(WEB, "expired")} == set(found.present)
    assert not found.blind


def test_a_file_that_is_gone_is_refuted_with_all_that_was_wrong_with_it(sight, read):
    found = sight(read(web="sound_chain"), known=(WEB, OLD, problem_key(OLD, "expired")))
    assert said(found, WEB) == "present"
    assert said(found, OLD) == said(found, problem_key(OLD, "expired")) == "negative: not-found"


def test_a_locked_file_is_blind_and_others_beside_it_are_still_gone(sight, read):
    found = sight(read(web="Permission denied"), known=(WEB, OLD))
    assert said(found, WEB) == "blind: Permission denied"
    assert said(found, OLD) == "negative: not-found"


def test_where_a_limit_was_reached_nothing_is_gone(sight, read):
    assert said(sight(read(web="sound_chain", cut="more than 20000 files"), known=(OLD,)), OLD).startswith("blind: ")


def test_what_was_not_read_is_blind(sight):
    assert said(sight(known=(WEB,)), WEB) == f"blind: {UNREAD}"


def test_a_path_that_is_declared_no_more_is_out_of_sight_and_not_gone(sight, read):
    found = sight(read(web="sound_chain"), known=(WEB, ELSEWHERE))
    assert said(found, ELSEWHERE) == f"blind: {UNDECLARED}"


def test_several_sources_of_an_asset_are_one_sight(sight, read):
    sources = (Source("web-7", FOLDER, known=(OLD, ELSEWHERE)), Source("web-7", ("/srv/keys",)))
    found = sight(read(web="sound_chain"), read(asked=("/srv/keys",), web="expired"), sources=sources)
    assert {said(found, key) for key in (WEB, ELSEWHERE)} == {"present"}
    assert said(found, OLD) == "negative: not-found"
    lost = sight(read(web="sound_chain"), sources=sources)
    assert said(lost, ELSEWHERE) == f"blind: {UNREAD}"
    assert said(lost, OLD) == "negative: not-found"


def test_a_name_that_begins_alike_is_no_part_of_a_folder(sight, read):
    other = "certificate-file//etc/ssl-old/web.pem"
    assert said(sight(read(), known=(other,)), other) == f"blind: {UNDECLARED}"


def test_a_new_file_was_proved_absent_before(sight, read):
    look = sight(read(web="sound_chain")).verdict(OLD)
    assert look is not None
    assert look.verdict is Verdict.NEGATIVE
