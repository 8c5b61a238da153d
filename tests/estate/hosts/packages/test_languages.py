import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estate.hosts.host import Unseen
from estate.hosts.packages.languages import read_languages

FOUND = (
    b"P\t/opt/app/lib/python3.11/site-packages/Flask_SQLAlchemy-3.1.1.dist-info\n"
    b"P\t/usr/local/lib/python3.11/dist-packages/PyYAML-6.0-py3.11-linux-x86_64.egg-info\n"
    b"I\t/usr/lib/python3.12/site-packages/requests-2.31.0.dist-info/INSTALLER\n"
    b"J\t1.2.3\t@babel/core\t/srv/shop/node_modules/@babel/core/package.json\n"
    b"J\t4.2.3\tstring-width\t/srv/shop/node_modules/string-width-cjs/package.json\n"
    b"G\t/var/lib/gems/3.1.0/specifications/nokogiri-1.15.0-x86_64-linux.gemspec\n"
    b"G\t/usr/local/lib/ruby/gems/3.1.0/specifications/default/json-2.6.1.gemspec\n"
    b"C\tv6.4.2\tsymfony/http-kernel\t/var/www/shop/vendor/composer/installed.json\n"
)


def test_each_language_names_its_packages_as_its_index_does(host) -> None:
    listed = read_languages(host({"languages": FOUND}))
    assert listed.fault == ""
    assert [(package.ecosystem, package.name, package.version) for package in listed.packages] == [
        ("PyPI", "flask-sqlalchemy", "3.1.1"),
        ("PyPI", "pyyaml", "6.0"),
        ("PyPI", "requests", "2.31.0"),
        ("npm", "@babel/core", "1.2.3"),
        ("npm", "string-width", "4.2.3"),
        ("RubyGems", "nokogiri", "1.15.0"),
        ("Packagist", "symfony/http-kernel", "6.4.2"),
    ]


def test_two_copies_are_two_things_and_stay_themselves_when_updated(host) -> None:
    body = b"P\t/opt/a/six-1.16.0.dist-info\nP\t/opt/b/six-1.16.0.dist-info\n"
    one, two = (package.item for package in read_languages(host({"languages": body})).packages)
    assert (one, two) == ("pkg:pypi/six?path=/opt/a", "pkg:pypi/six?path=/opt/b")
    assert read_languages(host({"languages": body.replace(b"1.16", b"1.17")})).packages[0].item == one


def test_scopes_and_vendors_are_namespaces(host) -> None:
    items = [package.item for package in read_languages(host({"languages": FOUND})).packages]
    assert "pkg:npm/%40babel/core?path=/srv/shop/node_modules/%40babel/core" in items
    assert "pkg:composer/symfony/http-kernel?path=/var/www/shop/vendor/composer" in items


def test_names_that_are_meant_to_hurt_stay_names(host) -> None:
    body = b"P\t/opt/\x1b[31m\xff ?a=b#c/..\t/x&y-1.0.dist-info\n"
    (package,) = read_languages(host({"languages": body})).packages
    assert package.item == "pkg:pypi/x%26y?path=/opt/%1B%5B31m%FF%20%3Fa%3Db%23c/..%09"


def test_endless_paths_stay_apart(host) -> None:
    deep = b"/opt/" + b"d" * 3000
    body = b"P\t%s1/six-1.0.dist-info\nP\t%s2/six-1.0.dist-info\n" % (deep, deep)
    items = {package.item for package in read_languages(host({"languages": body})).packages}
    assert len(items) == 2
    assert all(len(item) < 1000 for item in items)


@pytest.mark.parametrize(
    ("more", "fault"),
    [(b"N\n", "unreadable"), (b"S\t/home\n", "not-asked"), (b"Z\tnew\n", "unreadable"), (b"", "")],
)
def test_what_was_not_entered_is_told(host, more, fault) -> None:
    listed = read_languages(host({"languages": FOUND + more}))
    assert (len(listed.packages), listed.fault) == (7, fault)


def test_who_is_not_root_did_not_see_all_homes(host) -> None:
    assert read_languages(host({"languages": FOUND}, uid=1000)).fault == "no-privilege"


def test_a_walk_that_took_too_long_proves_what_it_found(host) -> None:
    listed = read_languages(host({"languages": FOUND[:-20]}, {"languages": "timeout"}))
    assert (len(listed.packages), listed.fault) == (6, "timeout")


@given(body=st.binary(max_size=300), kind=st.sampled_from([b"P", b"I", b"J", b"G", b"C", b""]))
def test_any_bytes_are_read_or_told_unseen(anything, body, kind) -> None:
    with contextlib.suppress(Unseen):
        read_languages(anything({"languages": kind + b"\t" + body + b"\n"}))
