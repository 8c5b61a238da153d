from hypothesis import given
from hypothesis import strategies as st

NOW = 1777863721
RPM = (
    b"1\t3.0.7\t24.el9\tx86_64\topenssl-3.0.7-24.el9.src.rpm\t1\topenssl-libs\n"
    b"(none)\t5.14.0\t427.el9\tx86_64\tkernel-5.14.0-427.el9.src.rpm\t1\tkernel-core\n"
    b"(none)\t5.14.0\t503.el9\tx86_64\tkernel-5.14.0-503.el9.src.rpm\t1\tkernel-core\n"
    b"(none)\t1.22.1\t2.module_el9+1\tx86_64\tnginx-1.22.1-2.src.rpm\t1\tnginx\n"
    b"(none)\t8.2\t1.el9\tnoarch\tvim-8.2-1.el9.src.rpm\t1\tvim-data\n"
)
ADVISORIES = (
    b"F\t/var/cache/dnf/baseos-1/repodata/1-updateinfo.xml.gz\n"
    b"U\tsecurity\tImportant\t\t1\t3.0.7\t27.el9\tx86_64\tALSA-2026:1\topenssl-libs\n"
    b"U\tbugfix\tNone\t\t1\t3.0.7\t28.el9\tx86_64\tALBA-2026:2\topenssl-libs\n"
    b"U\tsecurity\tImportant\t\t1\t3.0.7\t29.el9\ti686\tALSA-2026:9\topenssl-libs\n"
    b"U\tsecurity\tImportant\t\t0\t5.14.0\t427.13.el9\tx86_64\tALSA-2026:3\tkernel-core\n"
    b"U\tsecurity\tModerate\tnginx:1.22\t0\t1.22.1\t3.module_el9+2\tx86_64\tALSA-2026:4\tnginx\n"
    b"U\tsecurity\tModerate\tnginx:1.24\t0\t1.24.0\t1.module_el9+2\tx86_64\tALSA-2026:5\tnginx\n"
    b"U\tbugfix\tNone\t\t0\t8.2\t2.el9\tnoarch\tALBA-2026:6\tvim-data\n"
    b"M\tname=nginx\nM\tstream=1.22\nM\tstate=enabled\n"
)
ALMA = {
    "os": b"ID=almalinux\nVERSION_ID=9.5\n",
    "managers": b"rpm\n",
    "rpm": RPM,
    "advisories": ADVISORIES,
    "yum_sources": b"",
    "lists": b"%d\t/var/cache/dnf/baseos-1/repodata/repomd.xml\n" % (NOW - 1000),
}


def test_what_advisories_offer_is_held_against_the_newest_that_is_installed(host, failed) -> None:
    """The kernel that is newer than the advisory's is not behind, although an older one lies beside it."""
    alma = host(ALMA)
    assert failed("HOST-PKG-002", alma) == ({"openssl-libs": "high", "nginx": "high"}, "")
    assert failed("HOST-PKG-003", alma) == ({"vim-data": "low"}, "")


def test_only_the_stream_that_is_enabled_counts(host, say) -> None:
    without = host({**ALMA, "advisories": ADVISORIES.replace(b"1.22\nM\tstate", b"\nM\tstate")})
    assert say("HOST-PKG-002", without) == "installed 1:3.0.7-24.el9, available 1:3.0.7-28.el9 from ALSA-2026:1"


def test_what_dnf_locks_is_held_back(host, failed) -> None:
    locks = b"F\t/etc/dnf/plugins/versionlock.list\n\topenssl-libs-1:3.0.7-24.el9.*\n\t!vim-data-0:8.2-1.el9.*\n"
    locked = host({**ALMA, "yum_sources": locks})
    assert failed("HOST-PKG-002", locked) == ({"nginx": "high"}, "")
    assert failed("HOST-PKG-004", locked) == ({"openssl-libs": "high"}, "")


def test_repositories_without_advisories_leave_it_open(host, failed) -> None:
    assert failed("HOST-PKG-002", host({**ALMA, "advisories": b""})) == ({}, "not-rated")


def test_an_advisory_list_that_could_not_be_unpacked_is_told(host, failed) -> None:
    broken = host({**ALMA, "advisories": ADVISORIES + b"E\t/var/cache/dnf/x/repodata/2-updateinfo.xml.zst\n"})
    assert failed("HOST-PKG-003", broken) == ({"vim-data": "low"}, "unreadable")


@given(body=st.binary(max_size=200), row=st.lists(st.text(max_size=5), min_size=9, max_size=9))
def test_any_bytes_are_read_or_told_unseen(anything, failed, body, row) -> None:
    made = "\t".join(("U", *row)).encode("utf-8", "replace") + b"\n" + body + b"\n"
    for check in ("HOST-PKG-002", "HOST-PKG-003", "HOST-PKG-004"):
        failed(check, anything({**ALMA, "advisories": b"F\tx\n" + made}))
