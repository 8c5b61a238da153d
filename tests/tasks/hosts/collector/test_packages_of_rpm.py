"""The collector's package sections on a machine whose package manager is rpm, with what dnf left in its cache."""

import gzip
import subprocess
from pathlib import Path

import pytest

from estate.hosts.packages import read_packages
from estate.hosts.packages.updates import read_updates

SPEC = """
Name: {name}
Epoch: {epoch}
Version: {version}
Release: 24.el9
Summary: x
License: x
BuildArch: noarch
%description
x
%files
"""
ADVISORIES = """<?xml version="1.0" encoding="UTF-8"?>
<updates>
  <update from="x@y" status="final" type="security" version="1"><id>ALSA-2026:1</id>
    <title>Important: a &gt; b</title><severity>Important</severity>
    <references><reference href="https://x" id="CVE-2026-1" type="cve" title="CVE-2026-1"/></references>
    <pkglist><collection short="x"><name>x</name>
      <package name="openssl-libs" version="3.0.7" release="27.el9" epoch="1" arch="noarch" src="o.src.rpm">
        <filename>o.rpm</filename></package>
      <package name="not-here" version="1" release="1" epoch="0" arch="noarch" src="n.src.rpm"/>
    </collection></pkglist></update>
  <update type="bugfix"><id>ALBA-2026:2</id><severity>None</severity><pkglist><collection short="nginx">
      <module stream="1.24" arch="x86_64" name="nginx" version="1" context="c"/>
      <package name="vim-data" version="9.9" release="1.module_el9" epoch="0" arch="noarch" src="v.src.rpm"/>
    </collection><collection><package arch="noarch" epoch="0" name="vim-data" release="25.el9" version="8.2"/>
    </collection></pkglist></update>
</updates>
"""
WORLD = """
set -e
mount --bind "$WORLD/rpm" /var/lib/rpm
mount -t tmpfs tmpfs /var/lib/dpkg
mount -t tmpfs tmpfs /var/cache
mkdir -p /var/cache/dnf/baseos-1
cp -R "$WORLD/repodata" /var/cache/dnf/baseos-1
mount --bind "$WORLD/os-release" "$(readlink -f /etc/os-release)"
mount -t tmpfs tmpfs /etc/apt
exec "$@"
"""


@pytest.fixture
def red_hat(world: Path) -> tuple[tuple[str, ...], dict[str, str]]:
    """A command behind which rpm's database and dnf's cache are the system's, and no trace of Debian's."""
    database = world / "rpm"
    database.mkdir()
    (world / "repodata").mkdir()
    (world / "repodata/1-updateinfo.xml.gz").write_bytes(gzip.compress(ADVISORIES.encode()))
    (world / "repodata/repomd.xml").touch()
    (world / "os-release").write_text('ID="almalinux"\nVERSION_ID="9.5"\n')
    Path("/var/lib/rpm").mkdir(exist_ok=True)
    for name, epoch, version in (("openssl-libs", 1, "3.0.7"), ("vim-data", 0, "8.2")):
        (world / "spec").write_text(SPEC.format(name=name, epoch=epoch, version=version))
        subprocess.run(
            ("rpmbuild", "-bb", "--define", f"_topdir {world}", world / "spec"), capture_output=True, check=True
        )
    built = sorted(str(file) for file in (world / "RPMS").rglob("*.rpm"))
    installed = ("rpm", "--dbpath", str(database), "-i", "--justdb", "--nodeps", *built)
    subprocess.run(installed, capture_output=True, check=True)
    return ("unshare", "--mount", "sh", "-c", WORLD, "sh"), {"WORLD": str(world)}


def test_rpm_and_what_dnf_keeps_of_advisories_are_read(collect, red_hat, world) -> None:
    behind, surroundings = red_hat
    before = sorted((file.name, file.stat().st_mtime_ns) for file in (world / "rpm").iterdir())
    host = collect("packages", behind=behind, environment=surroundings)
    assert host.collected.complete
    assert host.section("managers") == b"rpm\n"
    packages = read_packages(host)
    assert packages.ecosystems == ("AlmaLinux:9",)
    assert {(package.name, package.version, package.source) for package in packages.system} == {
        ("openssl-libs", "1:3.0.7-24.el9", "openssl-libs"),
        ("vim-data", "8.2-24.el9", "vim-data"),
    }
    updates = read_updates(host)
    assert updates.faults == ()
    assert {(each.name, each.candidate, each.source, each.security) for each in updates.updates} == {
        ("openssl-libs", "1:3.0.7-27.el9", "ALSA-2026:1", True),
        ("vim-data", "8.2-25.el9", "ALBA-2026:2", False),
    }
    assert sorted((file.name, file.stat().st_mtime_ns) for file in (world / "rpm").iterdir()) == before


def test_a_database_that_nobody_may_read_is_read_by_root_where_that_writes_nothing(collect, red_hat, world) -> None:
    behind, surroundings = red_hat
    (world / "rpm/rpmdb.sqlite").chmod(0o600)
    assert len(read_packages(collect("packages", behind=behind, environment=surroundings)).system) == 2
    for beside in ("rpmdb.sqlite-shm", "rpmdb.sqlite-wal"):
        (world / "rpm" / beside).unlink()
    host = collect("packages", behind=behind, environment=surroundings)
    assert read_packages(host).system_fault == "failed"
    assert {file.name for file in (world / "rpm").iterdir()} == {".rpm.lock", "rpmdb.sqlite"}
