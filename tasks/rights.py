"""May a tool send raw packets here, and if not, how is it granted the right?"""

import os
import socket
import struct
from dataclasses import dataclass
from pathlib import Path

from tasks.tools import find_tool

_NET_RAW = 13
_EFFECTIVE = 0x1
_GRANTED = {"nmap": "cap_net_raw,cap_net_admin,cap_net_bind_service"}
_CANNOT = "raw packets can be sent neither by this user nor by this container"


@dataclass(frozen=True, slots=True)
class Rights:
    """Whether a tool may send raw packets, why (not), and what an operator does about it."""

    raw: bool
    why: str
    grant: str = ""


def raw_rights(tool: str) -> Rights:
    """The right to send raw packets that this tool will have when we start it: capabilities(7); nothing is sent.

    Raises:
        ToolMissing: it is not installed.
    """
    path = find_tool(tool)
    real = os.path.realpath(path)
    setcap = f"sudo setcap {_GRANTED.get(tool, 'cap_net_raw')}+eip {real}"
    if os.geteuid() == 0:
        if _can_open_raw_socket():
            return Rights(True, "we are root")
        return Rights(
            False,
            f"we are root, but without cap_net_raw {_CANNOT}",
            "give the container cap_net_raw (cap_add: [NET_RAW])",
        )
    ours = _our_capabilities()
    if granted := _file_capabilities(real):
        permitted, inheritable, effective = granted
        if permitted & ~ours["CapBnd"] and effective:
            return Rights(False, f"{real} bears a right that this container forbids", "give the container cap_net_raw")
        gained = (permitted & ours["CapBnd"]) | (inheritable & ours["CapInh"])
        if ours["NoNewPrivs"] or os.statvfs(real).f_flag & os.ST_NOSUID:
            return Rights(False, f"{real} bears the right, but programs may not gain any here", "unset no_new_privs")
        if effective and gained >> _NET_RAW & 1:
            return Rights(True, f"{real} bears cap_net_raw")
    elif ours["CapAmb"] >> _NET_RAW & 1 and _can_open_raw_socket():
        return Rights(True, "cap_net_raw is ambient")
    return Rights(False, f"{tool} lacks the right to send raw packets", setcap)


def _can_open_raw_socket() -> bool:
    """Whether the kernel lets us; user namespaces and seccomp make the answer more than a bit in a mask."""
    try:
        socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW).close()
    except OSError:
        return False
    return True


def _our_capabilities() -> dict[str, int]:
    """The masks of /proc/self/status, see proc(5)."""
    lines = Path("/proc/self/status").read_text(errors="replace").splitlines()
    pairs = (line.partition(":") for line in lines)
    found = {name: int(value, 16) for name, _, value in pairs if name.startswith("Cap") or name == "NoNewPrivs"}
    return {"CapBnd": 0, "CapInh": 0, "CapAmb": 0, "NoNewPrivs": 0, **found}


def _file_capabilities(path: str) -> tuple[int, int, bool] | None:
    """Permitted, inheritable and "effective" of a program: struct vfs_cap_data of linux/capability.h."""
    try:
        found = os.getxattr(path, "security.capability")
    except OSError:
        return None
    if len(found) < 20:
        return None
    magic, permitted, inheritable, permitted_high, inheritable_high = struct.unpack_from("<5I", found)
    return permitted | permitted_high << 32, inheritable | inheritable_high << 32, bool(magic & _EFFECTIVE)
