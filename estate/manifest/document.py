"""The whole of `estate.toml`, as one frozen value."""

import difflib
from functools import cached_property

from estate.errors import ScopeMissing
from estate.manifest.certificates import DeclaredCertificates
from estate.manifest.lookup import Declared
from estate.manifest.rows import DeclaredAsset, DeclaredEndpoint, DeclaredHost, Expectation, Table
from estate.manifest.settings import (
    ContainerSettings,
    DatabaseSettings,
    Estate,
    EvidenceSettings,
    IntelSettings,
    Retention,
    SslLabsSettings,
    TlsSettings,
)
from estate.scope import Scope


class Manifest(Table):
    """What the owners declare; `load_manifest` reads one and sees that its tables agree."""

    estate: Estate = Estate()
    scopes: tuple[Scope, ...] = ()
    assets: tuple[DeclaredAsset, ...] = ()
    expected: tuple[Expectation, ...] = ()
    endpoints: tuple[DeclaredEndpoint, ...] = ()
    certificates: tuple[DeclaredCertificates, ...] = ()
    hosts: tuple[DeclaredHost, ...] = ()
    tls: TlsSettings = TlsSettings()
    intel: IntelSettings = IntelSettings()
    containers: ContainerSettings = ContainerSettings()
    ssllabs: SslLabsSettings = SslLabsSettings()
    database: DatabaseSettings = DatabaseSettings()
    evidence: EvidenceSettings = EvidenceSettings()
    retention: Retention = Retention()

    @cached_property
    def declared(self) -> Declared:
        """The assets and expectations, indexed; it is the policy by which facts become findings."""
        return Declared(self.assets, self.expected)

    def scope_named(self, name: str | None = None) -> Scope:
        """The scope of that name, or the only one.

        Raises:
            ScopeMissing: there is none, or no name was given and there are several.
        """
        names = [scope.name for scope in self.scopes]
        if name in names:
            return self.scopes[names.index(name)]
        if name is None and len(names) == 1:
            return self.scopes[0]
        if not names:
            raise ScopeMissing("nothing may be scanned: estate.toml has no [[scopes]] (roundsman init writes one)")
        if name is None:
            raise ScopeMissing(f"there are several scopes, say which one: {', '.join(names)}")
        close = difflib.get_close_matches(name, names, 1)
        hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(names)}"
        raise ScopeMissing(f"there is no scope {name[:60]!r}; {hint}")
