"""What a package that was updated, added or removed is in the difference of two audits."""

from estate.assets import host as asset
from estate.diff import Fact, Kind, Past, Rules, compare
from estate.hosts.packages import INVENTORY
from estate.hosts.reading import ASKED, host_reading
from estate.observations import merge

OS = b"ID=debian\nVERSION_ID=12\n"
OPENSSL = b"ii \tamd64\t3.0.11-1\topenssl\t3.0.11-1\topenssl\n"
CURL = b"ii \tamd64\t7.88.1-10\tcurl\t7.88.1-10\tcurl\n"
NGINX = b"ii \tamd64\t1.22.1-9\tnginx\t1.22.1-9\tnginx\n"
FLASK = b"P\t/opt/app/lib/Flask-2.2.0.dist-info\n"


def audit(host, dpkg: bytes, languages: bytes, fault: str = ""):
    reading = host_reading(
        host({"os": OS, "managers": b"dpkg\n", "dpkg": dpkg, "languages": languages}, {fault: "cut"} if fault else {})
    )
    return merge(reading.subject, ASKED["standard"], (reading,))


def told(before, after) -> dict[str, Kind]:
    prior = {key: Fact(present=True, value=value) for key, value in before.present.items()}
    compared = compare(asset("web-7"), "packages", prior, after, lambda _: Past.PROVED, Rules())
    families = {each.family for each in INVENTORY}
    return {change.key: change.kind for change in compared.changes if change.key.partition("/")[0] in families}


def test_updates_additions_and_removals_are_told_apart(host) -> None:
    before = audit(host, OPENSSL + CURL, FLASK)
    after = audit(host, OPENSSL.replace(b"3.0.11", b"3.0.17") + NGINX, FLASK.replace(b"2.2.0", b"2.3.2"))
    assert told(before, after) == {
        "pkg/pkg:deb/debian/openssl?arch=amd64": Kind.CHANGED,
        "pkg/pkg:deb/debian/curl?arch=amd64": Kind.GONE,
        "pkg/pkg:deb/debian/nginx?arch=amd64": Kind.APPEARED,
        "library/pkg:pypi/flask?path=/opt/app/lib": Kind.CHANGED,
    }


def test_the_same_twice_is_no_change(host) -> None:
    assert told(audit(host, OPENSSL + CURL, FLASK), audit(host, CURL + OPENSSL, FLASK)) == {}


def test_a_hold_is_a_change_of_the_package(host) -> None:
    held = audit(host, OPENSSL.replace(b"ii", b"hi"), FLASK)
    assert told(audit(host, OPENSSL, FLASK), held) == {"pkg/pkg:deb/debian/openssl?arch=amd64": Kind.CHANGED}


def test_a_list_that_was_cut_removes_nothing(host) -> None:
    after = audit(host, OPENSSL + CURL[:10], FLASK, "dpkg")
    assert told(audit(host, OPENSSL + CURL, FLASK), after) == {"pkg/pkg:deb/debian/curl?arch=amd64": Kind.LOST_SIGHT}


def test_a_walk_without_root_removes_no_copy_from_a_home(host) -> None:
    after = audit(host, OPENSSL, b"", "languages")
    assert told(audit(host, OPENSSL, FLASK), after) == {"library/pkg:pypi/flask?path=/opt/app/lib": Kind.LOST_SIGHT}
