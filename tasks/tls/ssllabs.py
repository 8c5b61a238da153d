"""Ask SSL Labs about a name by its API v4, as slowly and as seldom as its documentation wishes."""

import json
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import mkdtemp
from threading import Event

import httpx

from estate.evidence import Evidence
from estate.tls.ssllabs import MEDIA

_TIMEOUT = 30.0
_MOST_BYTES = 16 * 1024 * 1024
_BEGINNING, _GOING_ON = 5.0, 10.0
"""Seconds between two questions about the same assessment: until it is under way, and then."""
_FULL = 30.0
"""Seconds until somebody else's assessments, or our own, may have ended."""
_BACK_OFF: Mapping[int, float] = {429: 60.0, 500: 10.0, 503: 900.0, 529: 1_800.0}
_LEAST_COOL_OFF = 1.0
_MOST_ERRORS = 3
_RUNNING = frozenset({"DNS", "IN_PROGRESS"})


class _Unanswered(Exception):
    """There will be no answer, for this reason."""


@dataclass(slots=True)
class SslLabs:
    """One conversation with the API: it is asked about one name at a time.

    Attributes:
        url: where the API is, with a slash at its end.
        email: who asks.
        max_age_hours: a report that is not older is taken from its cache.
        until: when to give up, on the monotonic clock.
        stop: set by who wants no more.
        wait: sleeps, and says whether somebody wants no more.
        clock: the monotonic clock.
    """

    url: str
    email: str
    max_age_hours: int
    until: float
    stop: Event
    wait: Callable[[float], bool] | None = None
    clock: Callable[[], float] = time.monotonic
    _ready: bool = False
    _cool_off: float = _LEAST_COOL_OFF
    _most: int | None = None
    _current: int = 0
    _last_new: float | None = field(default=None)

    def ask(self, name: str, folder: Path) -> Evidence:
        """One name, one document of the media `ssllabs`: also where there is no answer, with the reason."""
        failed, report = "", None
        try:
            with httpx.Client(timeout=_TIMEOUT, follow_redirects=False) as client:
                report = self._assess(client, name)
        except _Unanswered as error:
            failed = str(error)
        path = Path(mkdtemp(prefix="ssllabs-", dir=folder)) / "evidence.json"
        told = {"asked": name, "failed": failed, "report": report}
        path.write_text(json.dumps(told, ensure_ascii=True, separators=(",", ":")), "ascii")
        return Evidence(MEDIA, path)

    def _assess(self, client: httpx.Client, name: str) -> dict[str, object]:
        """Take a report that is young enough, or have one made and wait for it.

        Raises:
            _Unanswered: there will be none.
        """
        if not self._ready:
            info = self._get(client, "info", {})
            cool_off = info.get("newAssessmentCoolOff")
            if isinstance(cool_off, int) and cool_off > 0:
                self._cool_off = max(_LEAST_COOL_OFF, cool_off / 1_000)
            self._ready = True
        self._wait_for_a_place(client)
        question = {"host": name, "fromCache": "on", "maxAge": str(self.max_age_hours), "all": "done"}
        report = self._get(client, "analyze", question)
        self._last_new = self.clock()
        while report.get("status") in _RUNNING:
            self._sleep(_BEGINNING if report.get("status") == "DNS" else _GOING_ON)
            report = self._get(client, "analyze", {"host": name, "all": "done"})
        return report

    def _wait_for_a_place(self, client: httpx.Client) -> None:
        """Whatever is asked may begin an assessment, so it waits for the cool-off and for a place among the others."""
        if self._last_new is not None:
            self._sleep(max(0.0, self._last_new + self._cool_off - self.clock()))
        while self._most is not None and self._current >= self._most:
            if self._most == 0:
                raise _Unanswered("SSL Labs lets us begin no assessments")
            self._sleep(_FULL)
            self._get(client, "info", {})

    def _get(self, client: httpx.Client, call: str, question: Mapping[str, str]) -> dict[str, object]:
        """One request, again after the wait that an error asks for.

        Raises:
            _Unanswered: refused, or out of time.
        """
        errors = 0
        while True:
            why, pause = "", 0.0
            try:
                with client.stream("GET", self.url + call, params=question, headers=self._headers(call)) as response:
                    body = _read(response)
                    if response.status_code == httpx.codes.OK:
                        self._count(response.headers)
                        return _object(body)
                    why = f"SSL Labs answers with {response.status_code}{_words(body)}"
                    if response.status_code not in _BACK_OFF:
                        raise _Unanswered(why)
                    pause = _BACK_OFF[response.status_code]
            except httpx.HTTPError as error:
                why, pause = f"SSL Labs cannot be reached: {type(error).__name__}", _BACK_OFF[500]
            errors += 1
            if errors >= _MOST_ERRORS:
                raise _Unanswered(why)
            # Everybody who was sent away together must not come back together.
            self._sleep(pause * random.uniform(1.0, 1.5), why)  # noqa: S311  # no secret hangs on it

    def _headers(self, call: str) -> dict[str, str]:
        return {"User-Agent": "Roundsman"} | ({} if call == "info" else {"email": self.email})

    def _count(self, headers: httpx.Headers) -> None:
        most, current = headers.get("X-Max-Assessments", ""), headers.get("X-Current-Assessments", "")
        if most.isascii() and most.isdigit():
            self._most = int(most[:9])
        if current.isascii() and current.isdigit():
            self._current = int(current[:9])

    def _sleep(self, seconds: float, why: str = "") -> None:
        if self.clock() + seconds > self.until:
            raise _Unanswered(f"{why or 'no answer'}, and no more time to wait for one")
        if (self.wait or self.stop.wait)(seconds):
            raise _Unanswered("the round was ended")


def _read(response: httpx.Response) -> bytes:
    body = bytearray()
    for part in response.iter_bytes():
        body += part
        if len(body) > _MOST_BYTES:
            raise _Unanswered("SSL Labs answers without end")
    return bytes(body)


def _object(body: bytes) -> dict[str, object]:
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict):
        raise _Unanswered("SSL Labs answers with something that is no JSON object")
    return told


def _words(body: bytes) -> str:
    """What an error says of itself: `{"errors": [{"field": "host", "message": "qp.mandatory"}]}`."""
    try:
        errors = json.loads(body)["errors"]
        return ": " + "; ".join(
            f"{each.get('field', '')} {each.get('message', '')}".strip()[:100] for each in errors[:3]
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return ""
