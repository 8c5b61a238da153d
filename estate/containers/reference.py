"""How images are named: registry, repository, tag and digest, and whom a registry's token service may belong to.

Grammar: https://github.com/distribution/reference/blob/main/reference.go; engines read `nginx` as
`docker.io/library/nginx:latest`.
"""

import ipaddress
import re
from dataclasses import dataclass

from estate.errors import BadTarget

DOCKER_HUB = "docker.io"
LATEST = "latest"
DIGEST = re.compile(r"sha256:[0-9a-f]{64}\Z")
IMAGE_ID = re.compile(r"(?:sha256:)?[0-9a-f]{64}\Z")
_LONGEST = 512
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REPOSITORY = re.compile(rf"{_PART}(?:/{_PART})*\Z")
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOST = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9A-Fa-f:.]{{2,45}}\])(?::[0-9]{{1,5}})?\Z")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}\Z")
_HUB_NAMES = frozenset({"index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"})
# Under these everybody may have a name, so two names under one of them belong to two owners.
_SHARED = frozenset(
    {
        *("amazonaws.com", "azurecr.io", "azurecr.cn", "azurecr.us", "azurewebsites.net", "cloudapp.net"),
        *("cloudfront.net", "github.io", "gitlab.io", "herokuapp.com", "icr.io", "ngrok.app", "ngrok.io", "pkg.dev"),
        *("run.app", "trafficmanager.net", "windows.net", "workers.dev"),
    }
)


@dataclass(frozen=True, slots=True)
class Reference:
    """An image's name; the tag is empty where only a digest was said, and `latest` where neither was."""

    host: str
    repository: str
    tag: str
    digest: str

    @property
    def familiar(self) -> str:
        """The repository as engines print it: without `docker.io/`, and without `library/` there."""
        if self.host != DOCKER_HUB:
            return f"{self.host}/{self.repository}"
        return self.repository.removeprefix("library/")

    def __str__(self) -> str:
        """As engines print it."""
        tag, digest = (f":{self.tag}" if self.tag else ""), (f"@{self.digest}" if self.digest else "")
        return f"{self.familiar}{tag}{digest}"


def read_reference(text: str) -> Reference:
    """Read a name as engines do.

    Raises:
        BadTarget: it is none; letters that only look like those of a name are refused too.
    """
    if len(text) > _LONGEST:
        raise BadTarget(f"{text[:40]!r}… is longer than any image's name")
    name, at, digest = text.partition("@")
    if at and not DIGEST.match(digest):
        raise BadTarget(f"{text[:120]!r}: after @ comes sha256: and 64 hexadecimal digits")
    first, slash, rest = name.partition("/")
    hosted = bool(slash) and ("." in first or ":" in first or first == "localhost" or first != first.lower())
    host, path = (first, rest) if hosted else (DOCKER_HUB, name)
    path, colon, tag = path.partition(":")
    if colon and not _TAG.match(tag):
        raise BadTarget(f"{text[:120]!r}: {tag[:60]!r} is no tag")
    if not _REPOSITORY.match(path):
        raise BadTarget(f"{text[:120]!r} is no image's name: a repository has small letters, digits and . _ - / in it")
    host = read_registry_host(host)
    if host == DOCKER_HUB and "/" not in path:
        path = f"library/{path}"
    return Reference(host, path, tag or ("" if digest else LATEST), digest)


def read_registry_host(text: str) -> str:
    """A registry's host, with its port where that is not 443, in its one spelling.

    Raises:
        BadTarget: anything else.
    """
    if not _HOST.match(text):
        raise BadTarget(f"{text[:120]!r} is no registry, such as registry.example.org or 127.0.0.1:5000")
    host, port = split_port(text.lower())
    if port is not None and not 1 <= port <= 65_535:
        raise BadTarget(f"{text[:120]!r}: {port} is no port")
    if host in _HUB_NAMES:
        return DOCKER_HUB
    return host if port in {None, 443} else f"{host}:{port}"


def read_allowed(value: object) -> str:
    """A registry, or a part of one: `registry.example.org` or `registry.example.org/team`.

    Raises:
        BadTarget: anything else.
    """
    text = value if isinstance(value, str) else ""
    first, slash, path = text.rstrip("/").partition("/")
    if slash and not _REPOSITORY.match(path):
        raise BadTarget(f"{text[:120]!r} is no registry with a path, such as registry.example.org/team")
    return "/".join(part for part in (read_registry_host(first), path) if part)


def is_in(reference: Reference, allowed: str) -> bool:
    """Whether the image is of that registry, or below that path of it; hosts and parts of paths are compared whole."""
    host, _, path = allowed.partition("/")
    if reference.host != host:
        return False
    return not path or reference.repository == path or reference.repository.startswith(f"{path}/")


def split_port(text: str) -> tuple[str, int | None]:
    """Host and port of `host:port`, `[::1]:port` or `host`."""
    host, colon, port = text.rpartition(":")
    if colon and port.isdigit() and not (host.startswith("[") and not host.endswith("]")):
        return host, int(port)
    return text, None


def is_loopback(host: str) -> bool:
    """Whether a host, with or without a port, is this machine: engines speak plain HTTP to such registries."""
    name = split_port(host)[0].strip("[]")
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def same_owner(registry: str, other: str) -> bool:
    """Whether a registry's credentials may be shown to another host: the same one, or one beside or above it.

    Stricter than the public suffix list, of which nobody here has a copy that stays true.
    """
    one, two = split_port(registry.lower())[0], split_port(other.lower())[0]
    if one == two:
        return True
    if one.replace(".", "").isdigit() or "[" in one or two.replace(".", "").isdigit() or "[" in two:
        return False
    above, above_other = one.partition(".")[2], two.partition(".")[2]
    return (_is_owned(above) and above in {two, above_other}) or (above_other == one and _is_owned(one))


def _is_owned(domain: str) -> bool:
    """Whether a domain has one owner, as far as its spelling tells: `co.uk` and the clouds' names have many."""
    labels = domain.split(".")
    if len(labels) < 2 or domain in _SHARED or any(domain.endswith(f".{shared}") for shared in _SHARED):
        return False
    return len(labels) > 2 or not (len(labels[0]) <= 3 and len(labels[1]) == 2)
