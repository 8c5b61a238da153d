"""Credentials for registries: in variables of the environment, or where docker keeps them; never on a command line."""

import base64
import binascii
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from estate.containers.reference import DOCKER_HUB, read_registry_host
from estate.errors import BadInput, BadTarget

_LARGEST = 1024 * 1024
_EMPTY = SecretStr("")


@dataclass(frozen=True, slots=True)
class Credentials:
    """A name with a password, or a token that its owner's token service takes instead."""

    user: str
    password: SecretStr = _EMPTY
    identity_token: SecretStr = _EMPTY

    def basic(self) -> str:
        """The header's value."""
        spelled = f"{self.user}:{self.password.get_secret_value()}".encode()
        return f"Basic {base64.b64encode(spelled).decode()}"


@dataclass(frozen=True, slots=True)
class Named:
    """The environment variables that hold a registry's credentials."""

    host: str
    user: str
    password: str


def credentials_for(host: str, named: tuple[Named, ...] = ()) -> Credentials | None:
    """The credentials for a registry; None where nobody gave any.

    Raises:
        BadInput: a variable that was named is not set, or docker's file cannot be read.
    """
    for one in named:
        if one.host == host:
            return Credentials(_variable(one.user), SecretStr(_variable(one.password)))
    for key, told in _kept():
        if _host_of(key) == host:
            return _read(told)
    return None


def _variable(name: str) -> str:
    value = os.environ.get(name, "")
    if not value:
        raise BadInput(f"the environment variable {name}, which is to hold a registry's credentials, is not set")
    return value


def _kept() -> Iterator[tuple[str, Mapping[str, object]]]:
    folder = os.environ.get("DOCKER_CONFIG")
    path = (Path(folder) if folder else Path.home() / ".docker") / "config.json"
    try:
        with path.open("rb") as file:
            text = file.read(_LARGEST)
        told = json.loads(text)
    except FileNotFoundError:
        return
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}") from None
    except (ValueError, RecursionError):
        raise BadInput(f"{path} is no JSON") from None
    kept = told.get("auths") if isinstance(told, dict) else None
    for key, value in kept.items() if isinstance(kept, dict) else ():
        if isinstance(value, dict):
            yield key, value


def _host_of(key: str) -> str:
    """Docker writes `registry.example.org`, `https://registry.example.org` and `https://index.docker.io/v1/`."""
    try:
        host = read_registry_host(key.removeprefix("https://").removeprefix("http://").partition("/")[0])
    except BadTarget:
        return ""
    return DOCKER_HUB if host == DOCKER_HUB else host


def _read(told: Mapping[str, object]) -> Credentials | None:
    token = told.get("identitytoken")
    text = told.get("auth")
    try:
        user, _, password = (
            base64.b64decode(text if isinstance(text, str) else "", validate=True).decode().partition(":")
        )
    except (binascii.Error, ValueError):
        user = password = ""
    user = user or (str(told["username"]) if isinstance(told.get("username"), str) else "")
    password = password or (str(told["password"]) if isinstance(told.get("password"), str) else "")
    found = Credentials(user, SecretStr(password), SecretStr(token if isinstance(token, str) else ""))
    return found if password or found.identity_token.get_secret_value() else None
