"""The collector writes nothing on a host: by the kernel's account of every call, and by what lies there afterwards."""

import re
import secrets
import subprocess
from pathlib import Path

import pytest

from infra.lab.hosts import LabHost
from tasks.hosts.collector import collector

pytestmark = pytest.mark.timeout(1_500)

CALLS = (
    "open,openat,openat2,creat,mkdir,mkdirat,mknod,mknodat,rename,renameat,renameat2,link,linkat,symlink,symlinkat,unlink,"
    "unlinkat,rmdir,truncate,ftruncate,chmod,fchmod,fchmodat,chown,fchown,lchown,fchownat,utime,utimes,utimensat,futimesat,"
    "setxattr,lsetxattr,fsetxattr,removexattr,mount,umount2,init_module,finit_module,connect,sendto,bind,settimeofday"
)
FAILED = re.compile(r" = -1 E[A-Z]+")
READS = re.compile(r'\bopen(?:at)?2?\(.*\bO_RDONLY\b(?!.*O_(?:CREAT|TRUNC))|\bopen(?:at)?\(.*"/dev/(?:null|tty)"')
# A question to the kernel itself; or two addresses of this host's own are put in order, on a socket that sends nothing.
SAYS = re.compile(
    r"\b(?:connect|bind)\(\d+, \{sa_family=(?:AF_NETLINK|AF_UNSPEC|AF_INET6?, .*(?:\"::\"|\"0\.0\.0\.0\"))"
    r"|\bsendto\(.*(?:AF_NETLINK|nlmsg_len=)"
)
IN_MEMORY = re.compile(r"\bopen(?:at)?\(.*O_TMPFILE")


@pytest.mark.parametrize("kind", ["bad", "busybox"])
def test_the_collector_writes_nothing(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    lab: LabHost = request.getfixturevalue(kind)
    nonce, notes = secrets.token_hex(16), tmp_path / "calls"
    notes.mkdir()
    before = lab.written()
    calls = f"trace=?{',?'.join(CALLS.split(','))}"
    strace = ("strace", "-ff", "-qq", "-s", "200", "-e", calls, "-e", "signal=none", "-o", str(notes / "of"))
    shell = lab.command(("sh", "-s", "--", nonce))
    done = subprocess.run((*strace, *shell), input=collector(), capture_output=True, check=False, timeout=900)
    assert f"@{nonce} Z ok".encode() in done.stdout
    assert lab.written() ^ before == set()
    called = [line for file in notes.iterdir() for line in file.read_text(errors="replace").splitlines()]
    assert len(called) > 100
    wrote = [line for line in called if not any(each.search(line) for each in (FAILED, READS, SAYS))]
    assert [line for line in wrote if not IN_MEMORY.search(line)] == []
