"""Take the picture of the form that starts a port sweep: `python -m infra.form_picture docs/ui-run-form.png`."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path
from tempfile import TemporaryDirectory

from infra.artifact_pictures import take

_ROUNDSMAN = str(Path(sys.executable).with_name("roundsman"))


def main(target: Path) -> None:
    """Write the picture."""
    with TemporaryDirectory() as name, socket.create_server(("127.0.0.1", 0)) as free:
        folder, port = Path(name), int(free.getsockname()[1])
        free.close()
        own = {**os.environ, "ROUNDSMAN_HOME": str(folder / "home"), "HOME": str(folder)}
        subprocess.run((_ROUNDSMAN, "init"), cwd=folder, env=own, check=True, stdout=subprocess.DEVNULL)
        up = subprocess.Popen(
            (_ROUNDSMAN, "up", "--port", str(port)), cwd=folder, env=own, stdout=subprocess.PIPE, text=True
        )
        try:
            assert up.stdout is not None
            said = next((line for line in up.stdout if line.startswith("Up: ")), "it ended")
            if not said.startswith("Up: "):
                raise RuntimeError(said)
            url = said.split()[1]
            asked = urllib.request.Request(f"{url}/api/deployments/filter", b"{}", {"content-type": "application/json"})
            with urllib.request.urlopen(asked, timeout=30) as answer:
                found = [each for each in json.load(answer) if each["entrypoint"] == "flows.port_sweep.port_sweep"]
            page = f"{url}/deployments/deployment/{found[0]['id']}/run"
            for _ in range(2):  # the page fades in, and the first time Chromium looks before that is over
                take(page, target, folder)
        finally:
            up.send_signal(signal.SIGTERM)
            up.wait(60)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
