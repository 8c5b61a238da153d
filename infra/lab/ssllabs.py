"""A server on loopback that speaks SSL Labs' API v4 as `ssllabs-api-docs-v4.md` has it, and keeps what it heard."""

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

EMAIL = "ada@roundsman.dev"
_STAGES = ("DNS", "IN_PROGRESS")


@dataclass
class FakeSslLabs:
    """What it knows of names, and whom it turned away.

    Attributes:
        grades: by name, the grade of each address; None for one that it cannot assess.
        failing: status codes that are answered first, one for each request but `info`.
        most: assessments at once; `current` of them are somebody else's, and end one with each `info`.
        cool_off: milliseconds between new assessments.
        said: words that are answered instead of any report.
    """

    grades: dict[str, Mapping[str, str | None]] = field(default_factory=dict)
    failing: list[int] = field(default_factory=list)
    most: int = 25
    current: int = 0
    cool_off: int = 1_000
    said: bytes | None = None
    heard: list[tuple[str, dict[str, str], str]] = field(default_factory=list)
    url: str = ""
    _stage: dict[str, int] = field(default_factory=dict)

    @property
    def asked(self) -> Sequence[str]:
        """The names that it was asked about, in order, without repetition."""
        return tuple(dict.fromkeys(question["host"] for call, question, _ in self.heard if call == "analyze"))

    def answer(self, call: str, question: dict[str, str], email: str) -> tuple[int, bytes]:
        """A status and a body."""
        self.heard.append((call, question, email))
        if call == "info":
            self.current = max(0, self.current - 1)
            told: dict[str, object] = {"engineVersion": "2.3.0", "criteriaVersion": "2009r"}
            told |= {"maxAssessments": self.most, "newAssessmentCoolOff": self.cool_off}
            return 200, json.dumps(told).encode()
        if self.failing:
            return self.failing.pop(0), b'{"errors":[{"message":"come back later"}]}'
        if email != EMAIL:
            return 441, b'{"errors":[{"field":"email","message":"not registered"}]}'
        return 200, self.said if self.said is not None else self._report(question["host"])

    def _report(self, name: str) -> bytes:
        stage = self._stage.get(name, 0)
        self._stage[name] = stage + 1
        told: dict[str, object] = {"host": name, "port": 443, "protocol": "http", "isPublic": False, "startTime": 1}
        if stage < len(_STAGES):
            return json.dumps(told | {"status": _STAGES[stage]}).encode()
        if name not in self.grades:
            return json.dumps(told | {"status": "ERROR", "statusMessage": "Unable to resolve domain name"}).encode()
        endpoints = [
            {
                "ipAddress": address,
                "statusMessage": "Ready",
                "grade": grade,
                "gradeTrustIgnored": grade,
                "progress": 100,
            }
            if grade
            else {"ipAddress": address, "statusMessage": "Unable to connect to the server", "progress": -1}
            for address, grade in self.grades[name].items()
        ]
        return json.dumps(told | {"status": "READY", "criteriaVersion": "2009r", "endpoints": endpoints}).encode()


@contextmanager
def fake_ssllabs() -> Iterator[FakeSslLabs]:
    """Serve until the block is left."""
    fake = FakeSslLabs()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            question = {name: values[0] for name, values in parse_qs(parts.query).items()}
            status, body = fake.answer(parts.path.rpartition("/")[2], question, self.headers.get("email", ""))
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("X-Max-Assessments", str(fake.most))
            self.send_header("X-Current-Assessments", str(fake.current))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Nobody reads it."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        fake.url = f"http://127.0.0.1:{server.server_address[1]}/api/v4/"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield fake
        finally:
            server.shutdown()
            thread.join()
