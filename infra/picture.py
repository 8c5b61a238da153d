"""Take the picture in the README: two real runs on this machine, with a listener started in between.

Run from a checkout whose environment is ready: `python -m infra.picture docs/first-run.svg`.
"""

import io
import os
import pty
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

COLUMNS, ROWS = 132, 40
_PORT = 8765
_FONT = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


def run(argv: list[str], folder: Path) -> str:
    """Run a command on a terminal of its own and give what it printed, colours included."""
    printed = bytearray()

    def keep(source: int) -> bytes:
        chunk = os.read(source, 65536)
        printed.extend(chunk)
        return chunk

    previous = {name: os.environ.get(name) for name in ("COLUMNS", "LINES", "ROUNDSMAN_HOME", "TERM")}
    os.environ.update(COLUMNS=str(COLUMNS), LINES=str(ROWS), ROUNDSMAN_HOME=str(folder / "home"), TERM="xterm-256color")
    here = Path.cwd()
    os.chdir(folder)
    try:
        pty.spawn(argv, keep)
    finally:
        os.chdir(here)
        for name, value in previous.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
    return printed.decode(errors="replace").replace("\r\n", "\n")


def visible(printed: str) -> str:
    """What is left on the screen: the progress bar wipes itself, so only what follows its last wipe counts."""
    for wipe in ("\x1b[2K", "\x1b[?25h", "\x1b[?25l"):
        printed = printed.rpartition(wipe)[2] if wipe in printed else printed
    return printed.strip("\n")


def main(target: Path) -> None:
    """Write the picture."""
    command = str(Path(sys.executable).with_name("roundsman"))
    console = Console(record=True, width=COLUMNS, file=io.StringIO())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run([command, "init"], folder)
        first = run([command, "scan", "ports"], folder)
        web = [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", "--directory", name, str(_PORT)]
        with subprocess.Popen(web, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as listener:
            second = run([command, "scan", "ports"], folder)
            listener.kill()
        third = run([command, "scan", "ports"], folder)
    for printed in (first, second, third):
        console.print(Text("$ make scan", "bold"))
        console.print(Text.from_ansi(visible(printed)))
        console.print()
    target.parent.mkdir(exist_ok=True)
    picture = console.export_svg(title="Roundsman: three runs on one machine")
    # A picture that fetches its font from somewhere tells that somewhere who reads it.
    target.write_text(_FONT.sub("", picture), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
