"""Fetch KEV and EPSS, at most once a day, and only what is newer than what we have."""

import gzip
import io
import zlib
from collections.abc import Callable
from datetime import datetime

import httpx

from estate.errors import BadReport
from tasks.intel.cache import Cache, Feed, fresh

_MOST_BYTES = 256 * 1024 * 1024
_HOURS = 20.0


def fetch_feed(
    client: httpx.Client, url: str, cache: Cache, now: datetime, read: Callable[[bytes], object]
) -> bytes | None:
    """A feed's bytes, uncompressed; an older copy where nothing newer comes; None where there never was one.

    Args:
        client: with its timeouts and name.
        url: of the feed or a copy of it.
        cache: where it is kept.
        now: the time.
        read: reads the feed, so that a page that says something else never takes the place of a good copy.
    """
    known = cache.feed(url)
    if known is not None and fresh(known.at, now, _HOURS):
        return known.body
    try:
        headers = {"If-None-Match": known.etag} if known and known.etag else {}
        with client.stream("GET", url, headers=headers, follow_redirects=True) as answer:
            if known is not None and answer.status_code == httpx.codes.NOT_MODIFIED:
                cache.keep_feed(url, Feed(known.body, known.etag, now))
                return known.body
            if answer.status_code != httpx.codes.OK:
                return known.body if known else None
            body = bytearray()
            for part in answer.iter_bytes():
                body += part
                if len(body) > _MOST_BYTES:
                    return known.body if known else None
            plain = _plain(bytes(body))
            read(plain)
            cache.keep_feed(url, Feed(plain, answer.headers.get("etag", ""), now))
            return plain
    except (httpx.HTTPError, httpx.InvalidURL, BadReport, OSError, EOFError, zlib.error):
        return known.body if known else None


def _plain(body: bytes) -> bytes:
    if not body.startswith(b"\x1f\x8b"):
        return body
    with gzip.GzipFile(fileobj=io.BytesIO(body)) as opened:
        plain = opened.read(_MOST_BYTES + 1)
    if len(plain) > _MOST_BYTES:
        raise OSError("the feed is too large")
    return plain
