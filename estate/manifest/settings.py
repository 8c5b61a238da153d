"""Where facts and evidence are kept, and for how long."""

import re
from collections.abc import Mapping
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, model_validator

from estate.errors import BadInput, BadTarget
from estate.manifest.rows import Table, read_host
from estate.scope.words import Plain, read_plain, told

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,100}\Z")
_BLOCK = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*/[A-Za-z0-9_-]+\Z")
_EMAIL = re.compile(r"[A-Za-z0-9._%+-]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}\Z")
_FREE_MAIL = frozenset({"gmail", "googlemail", "yahoo", "hotmail"})
_DATABASES = ("sqlite", "postgresql")


def read_database_url(value: object) -> str:
    """The URL of a database, without a password.

    Raises:
        BadTarget: another kind of database, or a password, which belongs in an environment variable.
    """
    scheme, found, rest = value.partition("://") if isinstance(value, str) else ("", "", "")
    if not found or scheme.partition("+")[0] not in _DATABASES or not rest.isprintable():
        raise BadTarget(
            "is not the URL of a database, such as sqlite:////var/lib/roundsman/estate.db or postgresql://host/name"
        )
    if ":" in rest.rpartition("@")[0] or "password=" in rest:
        raise BadTarget("holds a password: put the whole URL into an environment variable, and its name into url_env")
    return f"{scheme}://{rest}"


def read_proxy(value: object) -> str:
    """The address of an HTTP proxy.

    Raises:
        BadTarget: anything else, or one with a password.
    """
    url = read_url(value)
    parts = urlsplit(url)
    if parts.scheme != "http" or parts.path.strip("/"):
        raise BadTarget(f"{url[:80]!r} is not the address of a proxy, such as http://proxy.example.org:3128")
    return url


def read_engine(value: object) -> str:
    """The address of a container engine's API.

    Raises:
        BadTarget: anything else.
    """
    if isinstance(value, str) and value.isprintable() and " " not in value:
        parts = urlsplit(value)
        if parts.scheme == "unix" and parts.path.startswith("/"):
            return value
        if parts.scheme in {"tcp", "http", "https"} and parts.hostname and not parts.password:
            return value
    raise BadTarget(f"{str(value)[:80]!r} is no engine's address, such as unix:///var/run/docker.sock")


def read_url(value: object) -> str:
    """The URL of a web service.

    Raises:
        BadTarget: anything else, or one with a password.
    """
    parts = urlsplit(value) if isinstance(value, str) and value.isprintable() and " " not in value else None
    if parts is None or parts.scheme not in {"http", "https"} or not parts.hostname:
        raise BadTarget(f"{str(value)[:80]!r} is not the URL of a web service, such as https://api.osv.dev")
    if parts.username or parts.password:
        raise BadTarget("holds a password, which has no place in this file")
    return parts.geturl()


def read_variable(value: object) -> str:
    """The name of an environment variable.

    Raises:
        BadTarget: anything else; what it was is not repeated, since it may be the secret itself.
    """
    if not isinstance(value, str) or not _VARIABLE.match(value):
        raise BadTarget("is not the name of an environment variable, such as ESTATE_DATABASE")
    return value


def read_block(value: object) -> str:
    """The name of a Prefect block.

    Raises:
        BadTarget: anything else.
    """
    if not isinstance(value, str) or not _BLOCK.match(value):
        raise BadTarget(f"{str(value)[:60]!r} is not a Prefect block, as type/name: local-file-system/evidence")
    return value


def read_email(value: object) -> str:
    """An e-mail address as SSL Labs registers them.

    Raises:
        BadTarget: it is none, or one of a kind that is refused there.
    """
    if not isinstance(value, str) or not _EMAIL.match(value):
        raise BadTarget(f"{str(value)[:60]!r} is not an e-mail address")
    domain = value.rpartition("@")[2].lower()
    if domain.split(".")[0] in _FREE_MAIL:
        raise BadTarget(f"SSL Labs registers addresses of organisations only, and none at {domain}")
    return value


def read_api_url(value: object) -> str:
    """Where an API is: encrypted, unless it is on this machine.

    Raises:
        BadTarget: anything else, such as one with a password.
    """
    try:
        parts = urlsplit(value if isinstance(value, str) else "")
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise BadTarget("is not an https:// address") from None
    near = parts.scheme == "http" and host in {"127.0.0.1", "::1", "localhost"}
    if not host or not (parts.scheme == "https" or near) or parts.username or parts.query or parts.fragment:
        raise BadTarget("is not an https:// address, such as https://api.ssllabs.com/api/v4/")
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}/"


class Estate(Table):
    """Whose estate this is."""

    name: Plain = Field("estate", description="How reports call it.")


class DatabaseSettings(Table):
    """Where facts are kept."""

    url: Annotated[str, BeforeValidator(told(read_database_url))] | None = Field(
        None, description="Its URL, without a password."
    )
    url_env: Annotated[str, BeforeValidator(told(read_variable))] | None = Field(
        None, description="The environment variable that holds its URL."
    )

    @model_validator(mode="after")
    def _says_it_once(self) -> "DatabaseSettings":
        if self.url and self.url_env:
            raise ValueError("has both url and url_env: keep one of them")
        return self

    def resolve(self, environment: Mapping[str, str]) -> str | None:
        """The URL, or None where none is declared.

        Raises:
            BadInput: the environment variable is not set.
        """
        if self.url_env is None:
            return self.url
        if not environment.get(self.url_env):
            raise BadInput(f"the environment variable {self.url_env} is not set, and [database] url_env names it")
        return environment[self.url_env]


class TlsSettings(Table):
    """How TLS endpoints are judged."""

    roots: str | None = Field(
        None, min_length=1, description="A PEM file with your own root certificates, trusted beside Mozilla's."
    )
    proxy: Annotated[str, BeforeValidator(told(read_proxy))] | None = Field(
        None, description="The HTTP proxy through which endpoints are asked, as http://proxy.example.org:3128."
    )
    revocation_hosts: tuple[Annotated[str, BeforeValidator(told(read_host))], ...] = Field(
        (), max_length=100, description="Whom to ask by OCSP or for CRLs, by name; nobody without any."
    )
    try_open_ports: bool = Field(
        True, strict=True, description="Whether open ports of unknown services are tried with one hello."
    )


class SslLabsSettings(Table):
    """A second opinion from SSL Labs on names that are public; whoever asks tells Qualys that they are there."""

    enabled: bool = Field(
        False, strict=True, description="Ask SSL Labs too, for full rounds of grades; off unless said."
    )
    email: Annotated[str, BeforeValidator(told(read_email))] | None = Field(
        None, description="The address that was registered with its API; or in the Prefect block of the same name."
    )
    url: Annotated[str, BeforeValidator(told(read_api_url))] = Field(
        "https://api.ssllabs.com/api/v4/", description="Where its API is."
    )
    max_age_hours: int = Field(
        24, ge=1, le=8760, strict=True, description="A report that is not older is taken as it is; else it looks anew."
    )
    patience_minutes: int = Field(
        60, ge=1, le=1440, strict=True, description="After so long the round goes on without the rest of its answers."
    )


class IntelSettings(Table):
    """Which vulnerability databases are asked about packages; without `osv` none is, and nothing leaves the house."""

    osv: Annotated[str, BeforeValidator(told(read_url))] | None = Field(
        None, description="OSV's API or a mirror of it: names and versions of packages are sent there, never hosts."
    )
    kev: Annotated[str, BeforeValidator(told(read_url))] | None = Field(
        None, description="CISA's catalogue of vulnerabilities that are used in attacks, or a copy."
    )
    epss: Annotated[str, BeforeValidator(told(read_url))] | None = Field(
        None, description="FIRST's file of how likely attacks are, or a copy."
    )
    hours: float = Field(6.0, ge=0, le=168, description="For how long an answer holds before it is asked again.")


class ContainerSettings(Table):
    """Where containers and images are, and how images are scanned."""

    engine: Annotated[str, BeforeValidator(told(read_engine))] | None = Field(
        None, description="The engine's address; without it DOCKER_HOST, or Docker's usual socket."
    )
    cache: str | None = Field(
        None, min_length=1, description="Trivy's folder of databases; without it one below $ROUNDSMAN_HOME."
    )
    database: Annotated[str, BeforeValidator(told(read_plain))] | None = Field(
        None, description="The repository that Trivy's database is refreshed from; Trivy's own without it."
    )
    database_days: int = Field(
        7, ge=1, strict=True, description="A vulnerability database older than so many days proves nothing clean."
    )


class EvidenceSettings(Table):
    """Where evidence is kept."""

    folder: str | None = Field(None, min_length=1, description="A local folder; ~ is the home directory.")
    block: Annotated[str, BeforeValidator(told(read_block))] | None = Field(
        None, description="A Prefect filesystem block, as type/name."
    )

    @model_validator(mode="after")
    def _says_it_once(self) -> "EvidenceSettings":
        if self.folder and self.block:
            raise ValueError("has both folder and block: keep one of them")
        return self


class Retention(Table):
    """How long `roundsman prune` keeps things; what has no limit is kept for ever."""

    evidence_days: int | None = Field(None, ge=1, strict=True, description="Days that raw evidence is kept.")
    personal_days: int | None = Field(
        None, ge=1, strict=True, description="Days that `prune --personal` leaves what host audits knew of people."
    )
    runs_days: int | None = Field(
        None, ge=1, strict=True, description="Days that coverage is kept; the last ten runs of each scan keep theirs."
    )
