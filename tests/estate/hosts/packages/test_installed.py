from estate.coverage import Verdict
from estate.hosts.packages import read_packages
from estate.hosts.reading import host_reading

OS = b"ID=debian\nVERSION_ID=12\n"
DPKG = b"ii \tamd64\t12.2.0-14\tgcc-12\t12.2.0-14\tlibstdc++6\nii \tall\t6.0-1\tpython\t6.0-1\tpython3\n"
WHOLE = {"os": OS, "managers": b"dpkg\n", "dpkg": DPKG, "languages": b"P\t/opt/a/six-1.16.0.dist-info\n"}
KEY = "pkg/pkg:deb/debian/libstdc%2B%2B6?arch=amd64"


def family(reading, name: str) -> Verdict | None:
    return next((look.verdict for look in reading.looks if f"{name}/x" in look.keys), None)


def test_everything_that_is_installed_comes_in_one_value(host) -> None:
    packages = read_packages(host(WHOLE))
    assert packages.ecosystems == ("Debian:12",)
    assert [package.source for package in packages.system] == ["gcc-12", "python"]
    assert [package.ecosystem for package in packages.languages] == ["PyPI"]
    assert (packages.system_fault, packages.languages_fault) == ("", "")


def test_what_could_not_be_seen_is_told_and_not_raised(host) -> None:
    packages = read_packages(host({}, error="unreachable"))
    assert (packages.release, packages.system, packages.ecosystems) == (None, (), ())
    assert (packages.system_fault, packages.languages_fault) == ("unreachable", "unreachable")


def test_a_whole_list_proves_what_is_not_on_it(host) -> None:
    reading = host_reading(host(WHOLE))
    assert dict(reading.present[KEY]) == {
        "held": "no",
        "source": "gcc-12",
        "source_version": "12.2.0-14",
        "version": "12.2.0-14",
    }
    assert family(reading, "pkg") is Verdict.NEGATIVE
    assert family(reading, "library") is Verdict.NEGATIVE


def test_a_list_that_was_cut_proves_only_what_is_on_it(host) -> None:
    reading = host_reading(host(WHOLE, {"dpkg": "cut"}))
    assert KEY in reading.present
    assert family(reading, "pkg") is Verdict.BLIND
    assert family(reading, "library") is Verdict.NEGATIVE


def test_without_its_distribution_no_package_gets_another_name(host) -> None:
    reading = host_reading(host({**WHOLE, "os": b""}))
    assert not any(key.startswith("pkg/") for key in reading.present)
    assert family(reading, "pkg") is Verdict.BLIND


def test_kernels_that_are_installed_side_by_side_are_one_thing_with_all_their_versions(host) -> None:
    row = b"(none)\t5.14.0\t%s.el9\tx86_64\tkernel-5.14.0-%s.el9.src.rpm\t1\tkernel-core\n"
    body = row % (b"503", b"503") + row % (b"427", b"427")
    reading = host_reading(host({"os": b"ID=rocky\nVERSION_ID=9.5\n", "managers": b"rpm\n", "rpm": body}))
    kernel = dict(reading.present["pkg/pkg:rpm/rocky/kernel-core?arch=x86_64"])
    assert kernel["version"] == "5.14.0-427.el9, 5.14.0-503.el9"


def test_a_hundred_thousand_packages_are_read_and_told_to_be_too_many(host) -> None:
    body = b"".join(b"ii \tamd64\t1.0-%d\ts%d\t1.0-%d\tp%d\n" % (n, n, n, n) for n in range(100_000))
    made = host({**WHOLE, "dpkg": body})
    assert len(read_packages(made).system) == 100_000
    reading = host_reading(made)
    assert family(reading, "pkg") is Verdict.BLIND
