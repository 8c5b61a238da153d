"""Software that came by a language's own package manager: Python, Node, Ruby and PHP packages on disk."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from estate.hosts.host import Host
from estate.hosts.packages.purls import purl, python_name
from estate.hosts.packages.rows import rows
from estate.hosts.who import read_who

_PYTHON = re.compile(r"(?P<name>.+?)-(?P<version>\d[^-]*)(?:-py\d[\d.]*(?:-[\w.-]+)?)?\.(?:dist-info|egg-info)\Z")
_GEM = re.compile(r"(?P<name>.+?)-(?P<version>\d[0-9A-Za-z.]*)(?:-[\w.-]+)?\.gemspec\Z")
# No file system knows longer ones, so whoever sends one wants us to be busy with it.
_LONGEST_NAME = 255
_KINDS = {"PyPI": "pypi", "npm": "npm", "RubyGems": "gem", "Packagist": "composer"}


@dataclass(frozen=True, slots=True)
class LanguagePackage:
    """One copy of a package; `ecosystem` as OSV spells it, `path` the directory that it was found in."""

    ecosystem: str
    name: str
    version: str
    path: str

    @property
    def item(self) -> str:
        """Its package URL without the version; the path keeps two copies apart."""
        namespace, _, name = self.name.rpartition("/")
        return purl(_KINDS[self.ecosystem], namespace, name, path=self.path)


@dataclass(frozen=True, slots=True)
class LanguagePackages:
    """What was found; `fault` is empty where that is all there is."""

    packages: tuple[LanguagePackage, ...]
    fault: str = ""


def read_languages(host: Host) -> LanguagePackages:
    """Read what the walk found.

    Raises:
        Unseen: there was no walk.
    """
    listed, fault = rows(host, "languages")
    found: dict[str, LanguagePackage] = {}
    for line in listed:
        kind, _, rest = line.partition("\t")
        if kind in {"N", "S"}:
            fault = fault or ("unreadable" if kind == "N" else "not-asked")
        elif reader := _READERS.get(kind):
            package = reader(rest)
            if package is not None:
                found.setdefault(package.item, package)
        elif line:
            fault = fault or "unreadable"
    # Homes are closed to others: who is not root has not seen them.
    return LanguagePackages(tuple(found.values()), fault or ("" if host.read(read_who).root else "no-privilege"))


def _python(path: str) -> LanguagePackage | None:
    directory, _, last = path.rpartition("/")
    named = _PYTHON.match(last[:_LONGEST_NAME])
    return named and LanguagePackage("PyPI", python_name(named["name"]), named["version"], directory or "/")


def _pip(path: str) -> LanguagePackage | None:
    return _python(path.rpartition("/")[0])


def _node(rest: str) -> LanguagePackage | None:
    version, name, path = _fields(rest)
    # A package's directory may be the name that another package knows it by; its own file says what it is.
    directory = path.removesuffix("/package.json")
    return LanguagePackage("npm", name, version, directory) if name and directory != path else None


def _gem(path: str) -> LanguagePackage | None:
    directory, _, last = path.rpartition("/")
    named = _GEM.match(last[:_LONGEST_NAME])
    # Those of the interpreter itself come and go with it.
    if named is None or directory.endswith("/default"):
        return None
    return LanguagePackage("RubyGems", named["name"], named["version"], directory)


def _composer(rest: str) -> LanguagePackage | None:
    version, name, path = _fields(rest)
    return LanguagePackage("Packagist", name, version.removeprefix("v"), path.rpartition("/")[0]) if name else None


def _fields(rest: str) -> tuple[str, str, str]:
    fields = rest.split("\t", 2)
    return (fields[0], fields[1], fields[2]) if len(fields) == 3 and all(fields) else ("", "", "")


_READERS: dict[str, Callable[[str], LanguagePackage | None]] = {
    "P": _python,
    "I": _pip,
    "J": _node,
    "G": _gem,
    "C": _composer,
}
