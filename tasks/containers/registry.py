"""A small client of image registries: what a tag means, by our own hashing, and blobs by their digests.

Protocol: https://github.com/opencontainers/distribution-spec/blob/main/spec.md; the token challenge:
https://distribution.github.io/distribution/spec/auth/token/.
"""

import hashlib
import json
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from urllib.parse import urljoin, urlsplit

import httpx

from estate.containers.reference import DIGEST, DOCKER_HUB, Reference, is_loopback
from estate.errors import (
    RegistryBusy,
    RegistryError,
    RegistryLacks,
    RegistryNotTrusted,
    RegistryRefused,
    RegistryUnreachable,
)
from estate.text import printable
from tasks.containers.challenge import Challenge, Tokens, read_challenge
from tasks.containers.credentials import Credentials

ACCEPTED = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
MOST_MANIFEST = 4 * 1024 * 1024
MOST_BLOB = 1024 * 1024
_HUB = "registry-1.docker.io"
_CERTIFICATES = Path("/etc/docker/certs.d")
_REDIRECTS = 3


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest as the registry holds it, and its digest, hashed here."""

    digest: str
    content: bytes

    @property
    def told(self) -> Mapping[str, object]:
        """What it says; nothing where it is no JSON object."""
        try:
            told = json.loads(self.content)
        except (ValueError, RecursionError):
            return {}
        return told if isinstance(told, dict) else {}


class Registry:
    """One registry; its answers are bounded in size and time, and nothing of it is believed that a digest can prove.

    Args:
        host: as references name it, such as `registry.example.org` or `127.0.0.1:5000`.
        credentials: for it; shown only when it asks, and only to it and to a token service beside it.
        patience: how many seconds one answer may take as a whole.
    """

    def __init__(self, host: str, credentials: Credentials | None = None, patience: float = 20.0) -> None:
        self.host = host
        self._patience = patience
        self._plain = False
        near, agent = is_loopback(host), f"roundsman/{version('roundsman')}"
        self._client = httpx.Client(
            verify=_trust(host),
            timeout=httpx.Timeout(patience, connect=min(5.0, patience)),
            headers={"User-Agent": agent, "Accept-Encoding": "identity"},
            trust_env=not near,
        )
        self._tokens = Tokens(self._client, host, credentials)

    def __enter__(self) -> "Registry":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def resolve(self, reference: Reference) -> str:
        """The digest of what a tag means now.

        Raises:
            RegistryError: see the tree of errors.
        """
        return self.manifest(reference.repository, reference.digest or reference.tag).digest

    def manifest(self, repository: str, named: str) -> Manifest:
        """A manifest or index by tag or digest.

        Raises:
            RegistryError: it did not come, or is not what its digest says.
        """
        content = self._get(f"/v2/{repository}/manifests/{named}", repository, MOST_MANIFEST)
        digest = _hashed(content)
        if DIGEST.match(named) and digest != named:
            raise RegistryNotTrusted(f"{self.host} answered with {digest} when it was asked for {named}")
        return Manifest(digest, content)

    def blob(self, repository: str, digest: str) -> bytes:
        """A small blob by its digest.

        Raises:
            RegistryError: it did not come, or is not what its digest says.
        """
        if not DIGEST.match(digest):
            raise RegistryNotTrusted(f"{self.host} names a blob {printable(digest, 80)!r}, which is no sha256 digest")
        content = self._get(f"/v2/{repository}/blobs/{digest}", repository, MOST_BLOB, elsewhere=True)
        if _hashed(content) != digest:
            raise RegistryNotTrusted(f"{self.host} answered with another blob than {digest}")
        return content

    def referrers(self, repository: str, digest: str) -> Mapping[str, object]:
        """The index of what refers to a digest: by the API, or, where there is none, by the tag that stands for it.

        Raises:
            RegistryError: neither could be asked; that there is nothing is an empty index.
        """
        try:
            content = self._get(f"/v2/{repository}/referrers/{digest}", repository, MOST_MANIFEST)
            return Manifest(digest, content).told
        except RegistryLacks:
            pass
        try:
            return self.manifest(repository, digest.replace(":", "-")).told
        except RegistryLacks:
            return {}

    def _get(self, path: str, repository: str, most: int, *, elsewhere: bool = False) -> bytes:
        headers = {"Accept": ", ".join(ACCEPTED)}
        if header := self._tokens.header(repository):
            headers["Authorization"] = header
        status, body, answer = self._ask(self._url(path), headers, most)
        if status == httpx.codes.UNAUTHORIZED:
            challenge = read_challenge(answer.get_list("www-authenticate"))
            headers["Authorization"] = self._answered(challenge, repository)
            status, body, answer = self._ask(self._url(path), headers, most)
        if elsewhere and status in {302, 303, 307, 308}:
            status, body = self._follow(path, answer, most)
        self._judge(status, answer)
        return body

    def _answered(self, challenge: Challenge, repository: str) -> str:
        if self._plain and not is_loopback(self.host):
            raise RegistryRefused(f"{self.host} asks for credentials without encryption")
        return self._tokens.answer(challenge, repository)

    def _follow(self, path: str, answer: httpx.Headers, most: int) -> tuple[int, bytes]:
        """Blobs often lie in a cloud's storage: they are fetched there without credentials, since their digest proves
        them; but only by encrypted names, behind which no metadata service or router answers."""
        url = self._url(path)
        for _ in range(_REDIRECTS):
            url = urljoin(url, answer.get("location", ""))
            parts = urlsplit(url)
            host = parts.hostname or ""
            if parts.scheme != "https" or "." not in host or ":" in host or host.replace(".", "").isdigit():
                raise RegistryNotTrusted(f"{self.host} sent us on to {printable(url, 100)}")
            status, body, answer = self._ask(url, {}, most)
            if status not in {302, 303, 307, 308}:
                return status, body
        raise RegistryNotTrusted(f"{self.host} sent us on more than {_REDIRECTS} times")

    def _judge(self, status: int, answer: httpx.Headers) -> None:
        if status == httpx.codes.OK:
            return
        if status in {301, 302, 303, 307, 308}:
            where = printable(answer.get("location", "nowhere"), 100)
            raise RegistryNotTrusted(f"{self.host} sends us on to {where}, which is not followed")
        if status == httpx.codes.NOT_FOUND:
            raise RegistryLacks(f"{self.host} has no such image")
        if status in {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN}:
            raise RegistryRefused(f"{self.host} refuses these credentials, or wants some ({status})")
        if status == httpx.codes.TOO_MANY_REQUESTS:
            after = printable(answer.get("retry-after", ""), 40)
            raise RegistryBusy(f"{self.host} was asked too often{f', and wants {after} s of rest' if after else ''}")
        raise RegistryUnreachable(f"{self.host} answered {status}")

    def _url(self, path: str) -> str:
        host = _HUB if self.host == DOCKER_HUB else self.host
        return f"{'http' if self._plain else 'https'}://{host}{path}"

    def _ask(self, url: str, headers: Mapping[str, str], most: int) -> tuple[int, bytes, httpx.Headers]:
        try:
            return fetch(self._client, url, headers, most, self._patience)
        except _NoTls:
            if self._plain or not is_loopback(self.host) or not url.startswith(f"https://{self.host}/"):
                raise RegistryUnreachable(f"{self.host} does not speak TLS") from None
            self._plain = True
            return fetch(self._client, f"http{url.removeprefix('https')}", headers, most, self._patience)


class _NoTls(RegistryError):
    """What answers speaks no TLS; on this machine that is usual."""


def fetch(
    client: httpx.Client, url: str, headers: Mapping[str, str], most: int, patience: float
) -> tuple[int, bytes, httpx.Headers]:
    """Ask once, follow nothing, and read no more than that.

    Raises:
        RegistryError: no answer, a certificate that nobody trusts, or too much of an answer.
    """
    where = urlsplit(url).netloc
    ending = time.monotonic() + patience
    try:
        with client.stream("GET", url, headers=headers) as answer:
            body = bytearray()
            for part in answer.iter_raw():
                body += part
                if len(body) > most:
                    raise RegistryNotTrusted(f"{where} answers with more than {most:,} bytes")
                if time.monotonic() > ending:
                    raise RegistryUnreachable(f"{where} did not answer within {patience:g} s")
            if answer.headers.get("content-encoding", "identity") != "identity":
                raise RegistryNotTrusted(f"{where} answers in an encoding that nobody asked for")
            return answer.status_code, bytes(body), answer.headers
    except httpx.TimeoutException:
        raise RegistryUnreachable(f"{where} did not answer within {patience:g} s") from None
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        raise _translated(where, error) from None


def _translated(where: str, error: Exception) -> RegistryError:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return RegistryNotTrusted(f"{where} shows a certificate that is not trusted: {cause.verify_message}")
        if isinstance(cause, ssl.SSLError):
            return _NoTls(f"{where} speaks no TLS")
        cause = cause.__cause__ or cause.__context__
    return RegistryUnreachable(f"{where} was not reached: {type(error).__name__}")


def _trust(host: str) -> ssl.SSLContext:
    """The system's roots, and those that docker has for this registry."""
    context = ssl.create_default_context()
    folder = _CERTIFICATES / host
    for file in sorted(folder.glob("*.crt")) if folder.is_dir() else ():
        context.load_verify_locations(cafile=file)
    return context


def _hashed(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
