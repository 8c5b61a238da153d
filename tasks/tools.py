"""Find the tools that we run, and say what they may know of our environment."""

import os
import shutil
from pathlib import Path

from estate.errors import ToolMissing

_KEPT = ("HOME", "TMPDIR", "LD_LIBRARY_PATH")
_SEARCHED = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
_PACKAGES = {"ip": "iproute2", "ssh": "openssh-client", "docker": "docker.io"}


def find_tool(name: str) -> str:
    """The path of an installed tool; system folders are searched too, which PATH often lacks where nobody logs in.

    Raises:
        ToolMissing: with the command that installs it.
    """
    path = shutil.which(name, path=_path())
    if path is None:
        package = _PACKAGES.get(name, name)
        raise ToolMissing(f"{name} is not installed; install it with: sudo apt-get install {package}")
    return path


def tool_environment() -> dict[str, str]:
    """A path, a home and a locale in which reports are English; none of our secrets."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return {"HOME": "/", **kept, "PATH": _path(), "LANG": "C.UTF-8"}


def _path() -> str:
    """Our own search path without relative folders, then the system's."""
    ours = [folder for folder in os.environ.get("PATH", "").split(os.pathsep) if Path(folder).is_absolute()]
    return os.pathsep.join(dict.fromkeys((*ours, *_SEARCHED)))
