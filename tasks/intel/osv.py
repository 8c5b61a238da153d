"""Ask OSV which records affect which versions, in batches, and for each record that is not known yet.

API: https://google.github.io/osv.dev/post-v1-querybatch/ and get-v1-vulns. A batch holds 1,000 questions at most;
answers keep their order, name records by id and time, and may go on on a further page.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from urllib.parse import quote

import httpx

from estate.errors import BadReport
from estate.intel.osv import Record, read_record
from estate.intel.packages import Asked
from tasks.intel.cache import Cache

_BATCH = 1_000
_MOST_PAGES = 50
_MOST_BYTES = 32 * 1024 * 1024
_AT_ONCE = 8
"""So many records are asked for side by side: polite, and each takes half a second at most."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What came; `failed` says why it is not all."""

    answers: Mapping[Asked, tuple[str, ...]]
    records: Mapping[str, Record]
    failed: str = ""


class _Stopped(Exception):
    """Nothing more is asked; the message is for people."""


def ask_osv(
    client: httpx.Client,
    url: str,
    wanted: Sequence[Asked],
    cache: Cache,
    now: datetime,
    since: datetime,
    stop: Callable[[], bool],
) -> Answered:
    """Ask for these packages; what was answered since a time, and records that did not change, come from the cache.

    Args:
        client: with its timeouts and name.
        url: of OSV's API or a mirror, as `https://api.osv.dev`.
        wanted: what to ask.
        cache: what is known.
        now: the time.
        since: the oldest answer that still holds.
        stop: whether to end now with what there is.
    """
    known = cache.answers(url, since)
    answers = {asked: known[asked] for asked in wanted if asked in known}
    failed = ""
    try:
        for batch in _batches([asked for asked in wanted if asked not in known], _BATCH):
            if stop():
                failed = "there was no time left"
                break
            found = _query(client, url, batch)
            cache.keep_answers(url, found, now)
            answers.update(found)
    except _Stopped as error:
        failed = str(error)
    records, lacking = _records(client, url, {one for ids in answers.values() for one in ids}, cache, stop)
    bare = {asked: tuple(one.partition("@")[0] for one in ids) for asked, ids in answers.items()}
    if lacking:
        # A package of which one record is not known yet is not rated: it may be the worst.
        bare = {asked: ids for asked, ids in bare.items() if lacking.isdisjoint(ids)}
        failed = failed or f"{len(lacking):,} records did not come"
    return Answered(bare, records, failed)


def _query(client: httpx.Client, url: str, batch: Sequence[Asked]) -> dict[Asked, tuple[str, ...]]:
    """Ids with their times, as `CVE-1@2026-01-01T00:00:00Z`, of every package of a batch."""
    found: dict[Asked, list[str]] = {asked: [] for asked in batch}
    waiting: list[tuple[Asked, str]] = [(asked, "") for asked in batch]
    for _ in range(_MOST_PAGES):
        if not waiting:
            return {asked: tuple(ids) for asked, ids in found.items()}
        queries = [
            {
                "package": {"ecosystem": asked.ecosystem, "name": asked.name},
                "version": asked.version,
                **({"page_token": token} if token else {}),
            }
            for asked, token in waiting
        ]
        told = _read(_send(client, "POST", f"{url}/v1/querybatch", {"queries": queries}))
        results = told.get("results")
        if not isinstance(results, list) or len(results) != len(waiting):
            raise _Stopped("OSV answered another number of questions than it was asked")
        following: list[tuple[Asked, str]] = []
        for (asked, _), result in zip(waiting, results, strict=True):
            found[asked] += _ids(result)
            token = result.get("next_page_token") if isinstance(result, dict) else None
            if isinstance(token, str) and token:
                following.append((asked, token))
        waiting = following
    raise _Stopped("OSV's answer has too many pages")


def _ids(result: object) -> Iterator[str]:
    vulns = result.get("vulns") if isinstance(result, dict) else None
    for one in vulns if isinstance(vulns, list) else ():
        if isinstance(one, dict) and isinstance(one.get("id"), str):
            name = "".join(filter(str.isprintable, "".join(one["id"].split())))[:100].replace("@", "")
            yield f"{name}@{''.join(str(one.get('modified', '')).split())[:40]}"


def _records(
    client: httpx.Client, url: str, ids: set[str], cache: Cache, stop: Callable[[], bool]
) -> tuple[dict[str, Record], set[str]]:
    """The records by id, and the ids of those that did not come."""
    wanted = dict(one.partition("@")[::2] for one in sorted(ids))
    found: dict[str, Record] = {}
    for name, body in cache.records(url, wanted).items():
        try:
            found[name] = read_record(body)
        except BadReport:
            continue
    missing = [name for name in wanted if name not in found]
    lacking: set[str] = set()

    def fetch(name: str) -> tuple[str, bytes | None]:
        if stop() or lacking:
            return name, None
        try:
            return name, _send(client, "GET", f"{url}/v1/vulns/{quote(name, safe='')}")
        except _Stopped:
            return name, None

    with ThreadPoolExecutor(_AT_ONCE, "osv") as pool:
        for name, fetched in pool.map(fetch, missing):
            if fetched is None:
                lacking.add(name)
                continue
            try:
                found[name] = read_record(fetched)
            except BadReport:
                lacking.add(name)
                continue
            cache.keep_record(url, name, wanted[name], fetched)
    return found, lacking


def _send(client: httpx.Client, method: str, url: str, told: object = None) -> bytes:
    try:
        with client.stream(method, url, json=told) if told is not None else client.stream(method, url) as answer:
            if answer.status_code != httpx.codes.OK:
                raise _Stopped(f"OSV answered {answer.status_code}")
            body = bytearray()
            for part in answer.iter_bytes():
                body += part
                if len(body) > _MOST_BYTES:
                    raise _Stopped("an answer of OSV is too large")
            return bytes(body)
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        raise _Stopped(f"OSV was not reached: {type(error).__name__}") from None


def _read(body: bytes) -> Mapping[str, object]:
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        raise _Stopped("OSV's answer is no JSON") from None
    if not isinstance(told, dict):
        raise _Stopped("OSV's answer is no object")
    return told


def _batches(asked: Iterable[Asked], size: int) -> Iterator[list[Asked]]:
    waiting = iter(asked)
    while batch := list(islice(waiting, size)):
        yield batch
