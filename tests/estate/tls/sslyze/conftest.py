"""Real reports of sslyze, read, changed and broken."""

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from estate.certificates.reading import read_certificates
from estate.certificates.trust import TrustStore
from estate.tls.sslyze.outline import read_sslyze
from estate.tls.sslyze.servers import ServerRead, read_server


@dataclass(frozen=True, slots=True)
class Reports:
    """The reports of tests/evidence/sslyze."""

    folder: Path
    roots: TrustStore

    def raw(self, name: str) -> bytes:
        """A report as it was written."""
        return (self.folder / f"{name}.json").read_bytes()

    def told(self, name: str) -> Any:
        """A report as a document that may be changed."""
        return json.loads(self.raw(name))

    def read(self, report: object) -> dict[str, ServerRead]:
        """What bytes or a document show, by the name that was asked for."""
        data = report if isinstance(report, bytes) else json.dumps(report).encode()
        found = read_sslyze(io.BytesIO(data))
        servers = (read_server(server, found.started, self.roots) for server in found.servers())
        return {server.evidence.asked.name or server.evidence.asked.address: server for server in servers}

    def one(self, name: str, change: Callable[[Any], object] = lambda _: None) -> ServerRead:
        """The only server of a report, after a change of its entry."""
        told = self.told(name)
        change(told["server_scan_results"][0])
        (server,) = self.read(told).values()
        return server


@pytest.fixture(scope="session")
def reports(evidence: Path) -> Reports:
    """Real reports."""
    folder = evidence / "sslyze"
    return Reports(folder, TrustStore.of(read_certificates((folder / "roots.pem").read_bytes())))
