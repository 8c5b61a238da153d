"""Ask a Trivy server which vulnerability database it has."""

import os

import httpx

from estate.text import printable
from tasks.containers.trivy_run import SERVER, Patience

_MOST_SECONDS = 10.0


def server_database(patience: Patience) -> str:
    """When the server's database was built; empty where there is no server, or it does not say.

    See https://trivy.dev/latest/docs/references/modes/client-server/: `/version` asks for no token.
    """
    server = os.environ.get(SERVER, "")
    if not server:
        return ""
    try:
        answer = httpx.get(f"{server.rstrip('/')}/version", timeout=min(_MOST_SECONDS, patience.left()))
        told = answer.json()
        return printable(str(told["VulnerabilityDB"]["UpdatedAt"]), 60)
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError, TypeError):
        return ""
