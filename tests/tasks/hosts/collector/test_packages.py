"""The collector's package sections on this machine, and on machines that are made for them."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from estate.hosts.host import Host, Unseen
from estate.hosts.packages import CHECKS, INVENTORY, read_packages
from estate.hosts.packages.languages import read_languages
from estate.hosts.packages.updates import read_updates

NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
WRITES = (
    "open,openat,creat,mkdir,mkdirat,rename,renameat,renameat2,unlink,unlinkat,rmdir,link,linkat,symlink,symlinkat,"
    "mknod,mknodat,chmod,fchmod,fchmodat,chown,fchown,lchown,fchownat,truncate,ftruncate,fallocate,utimensat,utime,"
    "utimes,setxattr,lsetxattr,fsetxattr,removexattr,mount,bind,connect"
)
# apt unpacks into a file without a name, and ss asks the kernel.
HARMLESS = re.compile(r'O_RDONLY|"/dev/null"|"/dev/tty"|O_TMPFILE|AF_NETLINK')


def read_through(host: Host) -> dict[str, str]:
    """Every inventory and check of the group, with the reason where it could not see."""
    told = {}
    for name, read in [(each.family, each.read) for each in INVENTORY] + [(each.id, each.run) for each in CHECKS]:
        try:
            for _ in read(host):
                pass
        except Unseen as unseen:
            told[name] = unseen.reason
    return told


def test_this_machine_is_seen_whole(collect) -> None:
    host = collect("packages")
    assert host.collected.complete
    assert {name: section.fault for name, section in host.collected.sections.items() if section.fault} == {}
    packages = read_packages(host)
    assert {"dash", "libc6", "dpkg"} <= {package.name for package in packages.system}
    assert (packages.system_fault, packages.languages_fault) == ("", "")
    # What depends on the machine: whether lists are fresh, whether its release is known, whether it says when to boot.
    assert set(read_through(host).values()) <= {"stale", "not-rated", "missing-tool"}


@pytest.mark.parametrize("shell", ["bash", "busybox"])
def test_every_shell_brings_the_same(collect, archive, shell) -> None:
    said = {}
    for each in ("dash", shell):
        host = collect("packages", shell=each, environment=archive)
        assert host.collected.complete
        sections = host.collected.sections
        said[each] = {name: sections[name] for name in sections.keys() - {"who", "deleted"}}
    assert said["dash"] == said[shell]


def test_who_is_not_root_says_so_of_what_he_did_not_see(collect, archive) -> None:
    host = collect("packages", behind=NOBODY, environment=archive)
    assert host.collected.complete
    told = read_through(host)
    assert told["library"] == told["HOST-PKG-012"] == "no-privilege"
    assert "pkg" not in told


def test_nothing_is_written_and_nobody_is_called(collect, tmp_path) -> None:
    """What apt unpacks a signed list into has no name, and `linkat` would be seen if it was given one."""
    asked = ["strace", "-ff", "-qq", "-z", "--seccomp-bpf", "-e", "signal=none"]
    traced = ("-e", f"trace={WRITES}", "-o", str(tmp_path / "trace"))
    assert collect("packages", behind=(*asked, *traced)).collected.complete
    calls = [call for file in tmp_path.iterdir() for call in file.read_text(errors="replace").splitlines()]
    assert len(calls) > 500
    assert [call for call in calls if not HARMLESS.search(call)] == []


@pytest.fixture
def archive(world: Path) -> dict[str, str]:
    """An apt and a dpkg with a state of their own: a plain, a security and a held update wait."""
    for suite, label, names in (("main", "Debian", ("plain", "held", "same")), ("fast", "Debian-Security", ("fixed",))):
        folder = world / suite
        folder.mkdir()
        (folder / "Packages").write_text("\n".join(map(offered, names)))
        (folder / "Release").write_text(f"Origin: Debian\nLabel: {label}\nSuite: {suite}\nVersion: 12\n")
    (world / "sources.list").write_text(
        "".join(f"deb [trusted=yes] file:{world}/{suite} ./\n" for suite in ("main", "fast"))
    )
    (world / "dpkg").mkdir()
    (world / "dpkg/updates").mkdir()
    (world / "dpkg/info").mkdir()
    (world / "dpkg/status").write_text(
        "\n".join(
            f"Package: {name}\nStatus: {want} ok installed\nArchitecture: all\nVersion: {version}\n"
            "Maintainer: nobody\nDescription: x\n"
            for name, want, version in (
                ("plain", "install", "1.0"),
                ("fixed", "install", "1.0"),
                ("held", "hold", "1.0"),
                ("same", "install", "2.0"),
            )
        )
    )
    for name in ("state/lists/partial", "cache/archives/partial", "parts"):
        (world / name).mkdir(parents=True)
    (world / "apt.conf").write_text(
        f'Dir::State "{world}/state";\nDir::State::status "{world}/dpkg/status";\nDir::Cache "{world}/cache";\n'
        f'Dir::Etc::sourcelist "{world}/sources.list";\nDir::Etc::sourceparts "{world}/parts";\n'
        'APT::Sandbox::User "root";\nAPT::Update::Post-Invoke-Success "";\n'
    )
    surroundings = {"APT_CONFIG": f"{world}/apt.conf", "DPKG_ADMINDIR": f"{world}/dpkg"}
    subprocess.run(
        ("apt-get", "-qq", "update"), env={**os.environ, **surroundings}, check=True, capture_output=True, timeout=60
    )
    return surroundings


def offered(name: str) -> str:
    return (
        f"Package: {name}\nVersion: 2.0\nArchitecture: all\nMaintainer: nobody\nFilename: ./{name}.deb\nSize: 1\n"
        f"SHA256: {'0' * 64}\nDescription: x\n"
    )


def test_plain_security_and_held_updates_are_told_apart(collect, archive) -> None:
    host = collect("packages", environment=archive)
    assert host.fault("apt_upgrades") == ""
    told = {each.name: (each.security, each.held) for each in read_updates(host).updates}
    assert told == {"plain": (False, False), "fixed": (True, False), "held": (False, True)}


def test_a_locked_apt_is_asked_all_the_same(collect, archive, world) -> None:
    lock = ("flock", f"{world}/state/lists/lock", "flock", f"{world}/dpkg/lock", "flock", f"{world}/dpkg/lock-frontend")
    host = collect("packages", environment=archive, behind=lock)
    assert len(read_updates(host).updates) == 3


def test_a_broken_apt_is_no_host_without_updates(collect, archive, world) -> None:
    (world / "sources.list").write_text("this is no source\n")
    host = collect("packages", environment=archive)
    assert host.fault("apt_upgrades") == "failed"
    assert read_updates(host).faults == (("dpkg", "failed"),)


def test_a_busybox_without_anything_else_is_read(collect, alpine) -> None:
    apk = alpine / "bin" / "apk"
    apk.write_text("#!/bin/sh\necho 'Installed:  Available:'\necho 'busybox-1.37.0-r18  < 1.37.0-r19'\n")
    apk.chmod(0o755)
    (alpine / "var/cache/apk/APKINDEX.1.tar.gz").touch()
    host = collect("packages", shell="/bin/sh", behind=("chroot", str(alpine)))
    assert host.collected.complete
    assert host.section("managers") == b"apk\n"
    packages = read_packages(host)
    assert packages.ecosystems == ("Alpine:v3.22",)
    assert [(package.name, package.source) for package in packages.system] == [
        ("libcrypto3", "openssl"),
        ("busybox", "busybox"),
    ]
    assert [(each.name, each.candidate) for each in read_updates(host).updates] == [("busybox", "1.37.0-r19")]


def test_names_that_are_meant_to_hurt_neither_hide_nor_forge(collect, alpine) -> None:
    python, node = alpine / "opt/app/lib/python3/site-packages", alpine / "opt/app/node_modules"
    (python / "requests-2.31.0.dist-info").mkdir(parents=True)
    (python / "x\nP\tforged-1.0.dist-info").mkdir()
    (python / "\x1b[31mred\t-1.0.dist-info").mkdir()
    (alpine / "opt/a\nb/site-packages/hidden-1.0.dist-info").mkdir(parents=True)
    for name, text in (
        ("left-pad", '{\n  "name": "left-pad",\n  "author": {\n    "name": "no"\n  },\n  "version": "1.3.0"\n}\n'),
        ("@scope/deep/node_modules/inner", '{"version":"2.0.0","name":"inner"}'),
        ("left-pad/test/fixtures/node_modules/planted", '{"name":"planted","version":"9"}'),
        ("without", "{}"),
    ):
        (node / name).mkdir(parents=True)
        (node / name / "package.json").write_text(text)
    (alpine / "opt/site/vendor/composer").mkdir(parents=True)
    (alpine / "opt/site/vendor/composer/installed.json").write_text(
        '{\n  "packages": [\n    {\n      "name": "symfony/yaml",\n      "version": "v6.4.1",\n'
        '      "authors": [ { "name": "A B" } ]\n    }\n  ]\n}\n'
    )
    listed = read_languages(collect("packages", shell="/bin/sh", behind=("chroot", str(alpine))))
    assert listed.fault == "unreadable"
    assert {(package.ecosystem, package.name, package.version) for package in listed.packages} == {
        ("PyPI", "requests", "2.31.0"),
        ("PyPI", "\x1b[31mred\t", "1.0"),
        ("npm", "left-pad", "1.3.0"),
        ("npm", "inner", "2.0.0"),
        ("Packagist", "symfony/yaml", "6.4.1"),
    }


def test_what_listens_is_known_by_its_packages(collect) -> None:
    listening = subprocess.Popen(("busybox", "nc", "-l", "-p", "0", "127.0.0.1"), stdin=subprocess.DEVNULL)
    try:
        host = collect("packages")
    finally:
        listening.kill()
        listening.wait()
    assert any(name.startswith("busybox") for name in host.section("listening").decode().split())


def test_a_program_that_was_replaced_under_a_process_is_found(collect, archive) -> None:
    program = Path("/usr/local/lib/roundsman-test-sleep")
    program.write_bytes(Path("/bin/sleep").resolve().read_bytes())
    program.chmod(0o755)
    running = subprocess.Popen((str(program), "240"))
    try:
        program.unlink()
        host = collect("packages", environment=archive)
    finally:
        running.kill()
        running.wait()
    assert b"roundsman-test-\t\t/usr/local/lib/roundsman-test-sleep\n" in host.section("deleted")
