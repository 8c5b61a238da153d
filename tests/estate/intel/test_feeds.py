import pytest

from estate.errors import BadReport
from estate.intel.feeds import read_epss, read_kev

EPSS = b"#model_version:v2025.03.14,score_date:2026-11-24T00:00:00+0000\ncve,epss,percentile\nCVE-2023-4911,0.61,0.97\n"
KEV = (
    b'{"catalogVersion": "2026.11.20", "vulnerabilities": [{"cveID": "CVE-2023-4911", "dateAdded": "2023-11-21",'
    b' "knownRansomwareCampaignUse": "Known"}]}'
)


def test_epss_has_a_day_and_probabilities() -> None:
    found = read_epss(EPSS)
    assert (found.version, dict(found.scores)) == ("2026-11-24", {"CVE-2023-4911": 0.61})


def test_kev_has_a_version_and_what_is_used_in_attacks() -> None:
    found = read_kev(KEV)
    assert (found.version, found.entries["CVE-2023-4911"].ransomware) == ("2026.11.20", True)


@pytest.mark.parametrize("text", [b"", b"<html>", b"cve,epss\n", b"a,b\n1,2\n", b"cve,epss\nCVE-1,many\n"])
def test_what_is_no_epss_file_is_refused(text: bytes) -> None:
    with pytest.raises(BadReport):
        read_epss(text)


@pytest.mark.parametrize("text", [b"", b"<html>", b"{}", b'{"vulnerabilities": []}', b'{"vulnerabilities": [1]}'])
def test_what_is_no_catalogue_is_refused(text: bytes) -> None:
    with pytest.raises(BadReport):
        read_kev(text)
