"""Take pictures of the flows' artifacts as the Prefect UI shows them: `python -m infra.artifact_pictures docs`.

A lab of TLS servers is graded, one of them is configured otherwise, and graded again; headless Chromium looks.
"""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from infra.lab.tls.describing import estate_of
from infra.lab.tls.lab import TlsLab, tls_lab

SHOWN = (
    "switching", "perfect", "tls12-only", "hsts-absent", "rc4-first", "expired", "wrong-name", "days900", "wildcard",
    "hangs",
)  # fmt: skip
_PATIENCE = 180.0
_WINDOW = "1280,1200"
_CHROMIUM = (
    "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
    "--disable-background-networking", "--disable-component-update", f"--window-size={_WINDOW}",
)  # fmt: skip
_HOUSE = Path(__file__).parents[1]
_ROUNDSMAN = str(Path(sys.executable).with_name("roundsman"))


def main(target: Path) -> None:
    """Write one picture for each flow."""
    with TemporaryDirectory() as name, tls_lab(SHOWN) as lab, _prefect(Path(name)) as url:
        folder = Path(name)
        (folder / "estate.toml").write_text(estate_of(lab.cases.values(), lab.roots))
        _two_rounds(lab, folder, url)
        for flow in ("tls-grade", "certificate-expiry"):
            page = f"{url}/artifacts/artifact/{_artifact(url, f'{flow}-tls-lab')}"
            take(page, target / f"{flow}.png", folder)


def _two_rounds(lab: TlsLab, folder: Path, url: str) -> None:
    lab.reconfigure("switching", ciphers="ECDHE+AESGCM:ECDHE+AES")
    _run((_ROUNDSMAN, "scan", "tls"), folder, url)
    _run((_ROUNDSMAN, "scan", "certificates"), folder, url)
    lab.reconfigure("switching", protocols="TLSv1.1 TLSv1.2 TLSv1.3")
    lab.reconfigure("perfect", chain="reissued")
    _run((_ROUNDSMAN, "scan", "tls"), folder, url)
    _run((_ROUNDSMAN, "scan", "certificates"), folder, url)


def _run(argv: Sequence[str], folder: Path, url: str) -> None:
    own = {"ROUNDSMAN_HOME": str(folder / "home"), "PREFECT_API_URL": f"{url}/api"}
    subprocess.run(argv, cwd=folder, env={**os.environ, **own}, check=True, stdout=subprocess.DEVNULL)


def _artifact(url: str, key: str) -> str:
    """The id of the newest artifact of that key."""
    asked = json.dumps({"sort": "CREATED_DESC", "artifacts": {"key": {"any_": [key]}}, "limit": 1}).encode()
    order = urllib.request.Request(f"{url}/api/artifacts/filter", asked, {"Content-Type": "application/json"})
    with urllib.request.urlopen(order, timeout=30) as answer:
        found = json.load(answer)
    return str(found[0]["id"])


def take(page: str, picture: Path, folder: Path) -> None:
    """Take the picture of a page as headless Chromium shows it."""
    own = (f"--user-data-dir={folder}/chromium", f"--screenshot={picture.resolve()}", "--virtual-time-budget=20000")
    subprocess.run((*_CHROMIUM, *own, page), check=True, timeout=120, stderr=subprocess.DEVNULL, cwd=folder)


@contextmanager
def _prefect(folder: Path) -> Iterator[str]:
    """A server of its own, and where it is."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    url = f"http://127.0.0.1:{port}"
    own = {"PREFECT_HOME": str(folder / "prefect"), "PREFECT_SERVER_UI_API_URL": f"{url}/api"}
    own |= {"PREFECT_SERVER_ANALYTICS_ENABLED": "false", "PREFECT_SERVER_UI_V2_ENABLED": "false"}
    argv = (sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port))
    environment = {**os.environ, **own}
    with subprocess.Popen(
        argv,
        cwd=_HOUSE,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as server:
        try:
            end = time.monotonic() + _PATIENCE
            while server.poll() is None and time.monotonic() < end:
                with suppress(OSError), urllib.request.urlopen(f"{url}/api/health", timeout=5):
                    break
                time.sleep(0.2)
            yield url
        finally:
            server.terminate()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
