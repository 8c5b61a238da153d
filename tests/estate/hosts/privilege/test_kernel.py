from collections.abc import Callable

import pytest

from estate.hosts.host import Host

MakeHost = Callable[..., Host]
Failed = Callable[[str, Host], tuple[dict[str, str], str]]

GOOD = """kernel/randomize_va_space:2
kernel/kptr_restrict:1
kernel/dmesg_restrict:1
kernel/yama/ptrace_scope:1
kernel/unprivileged_bpf_disabled:2
kernel/perf_event_paranoid:4
fs/protected_hardlinks:1
fs/protected_symlinks:1
fs/protected_fifos:1
fs/protected_regular:2
fs/suid_dumpable:2
vm/unprivileged_userfaultfd:0
vm/mmap_min_addr:65536
cpu/meltdown:Mitigation: PTI
cpu/mds:Not affected
"""


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("", "", {}),
        ("va_space:2", "va_space:0", {"kernel.randomize_va_space": "high"}),
        ("va_space:2", "va_space:1", {"kernel.randomize_va_space": "high"}),
        ("scope:1", "scope:0", {"kernel.yama.ptrace_scope": "low"}),
        ("disabled:2", "disabled:0", {"kernel.unprivileged_bpf_disabled": "medium"}),
        ("paranoid:4", "paranoid:-1", {"kernel.perf_event_paranoid": "low"}),
        ("symlinks:1", "symlinks:0", {"fs.protected_symlinks": "medium"}),
        ("dumpable:2", "dumpable:1", {"fs.suid_dumpable": "medium"}),
        ("addr:65536", "addr:0", {"vm.mmap_min_addr": "medium"}),
        ("kernel/yama/ptrace_scope:1\n", "", {}),
    ],
)
def test_settings_of_the_kernel(
    known: MakeHost, failed: Failed, before: str, after: str, expected: dict[str, str]
) -> None:
    assert failed("023", known({"kernel": GOOD.replace(before, after, 1).encode()})) == (expected, "")


def test_flaws_of_the_processor(known: MakeHost, failed: Failed) -> None:
    assert failed("025", known({"kernel": GOOD.encode()})) == ({}, "")
    flawed = f"{GOOD}cpu/srbds:Vulnerable: No microcode\n"
    assert failed("025", known({"kernel": flawed.encode()})) == ({"srbds": "low"}, "")


def test_a_container_has_no_kernel_of_its_own(known: MakeHost, failed: Failed) -> None:
    host = known({"kernel": b"kernel/randomize_va_space:0\n", "who": b"uid=0\ncontainer=yes\n"})
    assert failed("023", host) == ({}, "")
    assert failed("025", host) == ({}, "")


def test_a_kernel_that_says_nothing_is_not_assessed(known: MakeHost, failed: Failed) -> None:
    assert failed("023", known({"kernel": b""})) == ({}, "failed")
    assert failed("025", known({"kernel": b""})) == ({}, "failed")
    assert failed("023", known({"kernel": b"kernel/rand"}, {"kernel": "cut"})) == ({}, "cut")
