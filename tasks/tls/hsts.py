"""Strict-Transport-Security of an endpoint's first response, by the letter of RFC 6797."""

import re
import ssl
import warnings
from dataclasses import replace
from http.client import HTTPException, parse_headers
from io import BytesIO

import httpx

from estate.tls.evidence import Hsts
from tasks.tls.question import TlsQuestion
from tasks.tls.turnstile import wait_turn

NO_HTTP_PORTS = frozenset({465, 563, 636, 853, 989, 990, 992, 993, 994, 995, 3269, 5061, 5223, 5671, 6514, 6697, 8883})
"""Where IANA registers a protocol over TLS that is not HTTP: silence after a request for a page is no riddle there."""

_SPACE = r"[ \t]*"
_WORD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_DIRECTIVE = re.compile(
    rf'{_SPACE}(?:({_WORD})(?:{_SPACE}={_SPACE}(?:({_WORD})|"((?:[^"\\]|\\.)*)"))?)?{_SPACE}(?:;|\Z)'
)
_HEADER = "strict-transport-security"
_LONGEST = 1_000
_MOST_AGE = 10**12


def ask_hsts(question: TlsQuestion) -> Hsts:
    """Ask for `/` once, at the very address, with the name in SNI and Host; no redirect is followed."""
    if question.starttls is not None:
        return Hsts("not-http", reason=f"{question.starttls} is not HTTP")
    if question.http_proxy is not None:
        return Hsts("blind", reason="not asked through a proxy")
    url = f"https://{question.endpoint}/"
    headers = {"User-Agent": "Roundsman"}
    if question.name is not None:
        headers["Host"] = question.name if question.port == 443 else f"{question.name}:{question.port}"
    extensions = {"sni_hostname": question.name} if question.name is not None else {}
    wait_turn(question.turnstile, question.pace)
    try:
        with (
            httpx.Client(verify=_any_server(question), timeout=question.timeout, trust_env=False) as client,
            client.stream("GET", url, headers=headers, extensions=extensions) as response,
        ):
            return read_hsts(tuple(response.headers.get_list(_HEADER)))
    except (httpx.TimeoutException, httpx.RemoteProtocolError) as error:
        spoke = isinstance(error, httpx.RemoteProtocolError) and "without sending" not in str(error)
        if spoke or (question.port in NO_HTTP_PORTS and not isinstance(error, httpx.ConnectTimeout)):
            return Hsts("not-http", reason=f"no HTTP response: {error}")
        return Hsts("blind", reason=f"no HTTP response: {str(error) or type(error).__name__}")
    except (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError, OSError) as error:
        return Hsts("blind", reason=f"no HTTP response: {error}"[:300])


def request_for(question: TlsQuestion) -> bytes:
    """The same request in bytes, for connections that httpx cannot make."""
    host = question.name or question.endpoint.rpartition(":")[0]
    port = "" if question.port == 443 else f":{question.port}"
    return f"GET / HTTP/1.1\r\nHost: {host}{port}\r\nUser-Agent: Roundsman\r\nConnection: close\r\n\r\n".encode()


def hsts_of(head: bytes, port: int, why: str) -> Hsts:
    """Judge the head of a response to that.

    Args:
        head: all that came, up to the blank line.
        port: where it came from.
        why: the reason if nothing did.
    """
    if not head:
        other = port in NO_HTTP_PORTS and not why
        return Hsts("not-http" if other else "blind", reason=f"no HTTP response: {why or 'not a word'}")
    if not head.startswith(b"HTTP/"):
        return Hsts("not-http", reason="what answers inside TLS is not HTTP")
    _, _, fields = head.partition(b"\r\n")
    try:
        message = parse_headers(BytesIO(fields if b"\r\n\r\n" in fields else fields + b"\r\n\r\n"))
    except HTTPException as error:
        return Hsts("blind", reason=f"no HTTP response: {type(error).__name__}")
    return read_hsts(tuple(value.strip() for value in message.get_all(_HEADER, [])))


def read_hsts(values: tuple[str, ...]) -> Hsts:
    """Judge the header fields of one response; of several only the first counts (RFC 6797 8.1)."""
    if not values:
        return Hsts("absent")
    shown = tuple(value[:_LONGEST] for value in values[:10])
    found = _read(values[0])
    if len(values) > 1:
        words = f"sent {len(values)} times, of which the first counts"
        found = replace(found, reason=f"{found.reason}; {words}" if found.reason else words)
    return replace(found, values=shown)


def _read(value: str) -> Hsts:
    """RFC 6797 6.1: each directive at most once, names in any case, values bare or quoted, unknown ones ignored."""
    directives: dict[str, str | None] = {}
    at = 0
    while at < len(value):
        match = _DIRECTIVE.match(value, at)
        if match is None or match.end() == at:
            return Hsts("invalid", reason="not a list of directives")
        at = match.end()
        if match[1] is None:
            continue
        name = match[1].lower()
        if name in directives:
            return Hsts("invalid", reason=f"{name} is said twice")
        quoted = re.sub(r"\\(.)", r"\1", match[3]) if match[3] is not None else None
        directives[name] = match[2] if match[2] is not None else quoted
    age = directives.get("max-age")
    if age is None:
        return Hsts("invalid", reason="max-age is missing")
    if not re.fullmatch(r"[0-9]+", age):
        return Hsts("invalid", reason="max-age is no number")
    return Hsts(
        "present",
        max_age=min(int(age[:20]), _MOST_AGE),
        include_subdomains="includesubdomains" in directives,
        preload="preload" in directives,
    )


def _any_server(question: TlsQuestion) -> ssl.SSLContext:
    """A context that takes whatever OpenSSL still can: who it is was judged elsewhere."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.options |= getattr(ssl, "OP_LEGACY_SERVER_CONNECT", 0x4)
    context.options &= ~(ssl.OP_NO_TLSv1 | ssl.OP_NO_TLSv1_1)
    with warnings.catch_warnings():
        # Old versions are what we came to look at.
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    if question.client_certificate is not None:
        context.load_cert_chain(*question.client_certificate)
    return context
