"""How a registry asks who we are: Basic, or a token from a service that must belong to the registry's owner."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httpx
from pydantic import SecretStr

from estate.containers.reference import DOCKER_HUB, is_loopback, same_owner
from estate.errors import RegistryNotTrusted, RegistryRefused, RegistryUnreachable
from estate.text import printable
from tasks.containers.credentials import Credentials

_PARAMETER = re.compile(r'([A-Za-z]+)\s*=\s*"([^"]{0,2000})"')
_MOST = 256 * 1024


@dataclass(frozen=True, slots=True)
class Challenge:
    """What was asked: `basic` or `bearer`, and the parameters."""

    kind: str
    parameters: Mapping[str, str]


def read_challenge(headers: Sequence[str]) -> Challenge:
    """The first challenge that can be answered."""
    for header in headers:
        kind, _, rest = header.strip().partition(" ")
        if kind.lower() in {"basic", "bearer"}:
            return Challenge(kind.lower(), {name.lower(): value for name, value in _PARAMETER.findall(rest)})
    return Challenge("", {})


@dataclass
class Tokens:
    """Answers a registry's challenges, and remembers the answers by repository."""

    client: httpx.Client
    host: str
    credentials: Credentials | None
    _known: dict[str, SecretStr] = field(default_factory=dict)

    def header(self, repository: str) -> str:
        """What this repository accepted before; nothing before it asked."""
        known = self._known.get(repository)
        return known.get_secret_value() if known else ""

    def answer(self, challenge: Challenge, repository: str) -> str:
        """The header's value for a challenge.

        Raises:
            RegistryRefused: it cannot be answered.
            RegistryNotTrusted: somebody else would learn our credentials.
        """
        if challenge.kind == "basic":
            if self.credentials is None:
                raise RegistryRefused(f"{self.host} wants a name and a password, and nobody gave any")
            spelled = self.credentials.basic()
        elif challenge.kind == "bearer":
            spelled = f"Bearer {self._token(challenge.parameters, repository)}"
        else:
            raise RegistryRefused(f"{self.host} wants credentials of a kind that is not known here")
        self._known[repository] = SecretStr(spelled)
        return spelled

    def _token(self, parameters: Mapping[str, str], repository: str) -> str:
        realm = parameters.get("realm", "")
        self._permit(realm)
        query = {"scope": f"repository:{repository}:pull"}
        if service := parameters.get("service"):
            query["service"] = service
        token = self.credentials.identity_token.get_secret_value() if self.credentials else ""
        try:
            if token:
                form = {**query, "grant_type": "refresh_token", "client_id": "roundsman", "refresh_token": token}
                request = self.client.build_request("POST", realm, data=form)
            else:
                headers = {"Authorization": self.credentials.basic()} if self.credentials else {}
                request = self.client.build_request("GET", realm, params=query, headers=headers)
            answer = self.client.send(request, stream=True)
            try:
                body = bytearray()
                for part in answer.iter_raw():
                    body += part
                    if len(body) > _MOST:
                        raise RegistryNotTrusted(f"the token service of {self.host} answers with too much")
            finally:
                answer.close()
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise RegistryUnreachable(
                f"the token service of {self.host} was not reached: {type(error).__name__}"
            ) from None
        if answer.status_code != httpx.codes.OK:
            raise RegistryRefused(f"the token service of {self.host} answered {answer.status_code}")
        return _read_token(bytes(body), self.host)

    def _permit(self, realm: str) -> None:
        """Whoever controls a registry's answers must not be able to send our password to another host."""
        try:
            parts = urlsplit(realm)
            host = parts.hostname or ""
            _ = parts.port
        except ValueError:
            host, parts = "", urlsplit("")
        registry = "registry-1.docker.io" if self.host == DOCKER_HUB else self.host
        near = parts.scheme == "http" and is_loopback(parts.netloc) and is_loopback(registry)
        owned = host and parts.username is None and same_owner(registry, parts.netloc)
        if not (owned and (parts.scheme == "https" or near)):
            raise RegistryNotTrusted(f"{self.host} wants a token from {printable(realm, 100)!r}, which is not asked")


def _read_token(body: bytes, host: str) -> str:
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        told = None
    for name in ("token", "access_token"):
        token = told.get(name) if isinstance(told, dict) else None
        if isinstance(token, str) and token.isascii() and token.isprintable() and " " not in token and token:
            return token
    raise RegistryRefused(f"the token service of {host} gave no token")
