"""One endpoint before its judge: the evidence and the chain's verdict, and the three answers that a rule can give."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from estate.certificates.verdicts import ChainVerdict
from estate.text import printable
from estate.tls.evidence import VERSIONS, CheckName, Suite, TlsEvidence, Version
from estate.tls.suites import curve_bits, ephemeral, in_rsa_bits, is_anonymous

_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Blind:
    """A rule that cannot be answered, because this part of the evidence is missing."""

    part: str
    why: str = ""

    def __str__(self) -> str:
        return f"{self.part} ({printable(self.why, 120)})" if self.why else self.part


Answer = str | Blind
"""What a rule says: the evidence for a weakness, an empty text where there is none, or that it cannot tell."""


@dataclass(frozen=True, slots=True)
class Case:
    """What the rules judge; without `chain` nothing is known of the certificates."""

    evidence: TlsEvidence
    chain: ChainVerdict | None
    now: datetime

    @property
    def offered(self) -> tuple[Version, ...]:
        """The versions that the server takes, oldest first."""
        return tuple(version for version in VERSIONS if self.evidence.protocol(version).state == "offered")

    @property
    def only_tls13(self) -> bool:
        """Whether every other version is proved off."""
        states = [self.evidence.protocol(version).state for version in VERSIONS]
        return states == ["not-offered"] * (len(VERSIONS) - 1) + ["offered"]

    def unknown(self, *versions: Version) -> Blind | None:
        """The first of these versions of which we do not know whether it is offered."""
        for version in versions:
            protocol = self.evidence.protocol(version)
            if protocol.state == "blind":
                return Blind(f"protocol {version}", protocol.reason)
        return None

    @property
    def suites(self) -> Iterator[tuple[Version, Suite]]:
        """Every suite that was accepted, except those of SSL 2, which is broken whatever it encrypts with."""
        for version in self.offered:
            if version != "SSL2":
                for suite in self.evidence.protocol(version).suites:
                    yield version, suite

    @property
    def unlisted(self) -> Blind | None:
        """Why the list of suites may be longer than we know, if it may."""
        for version in VERSIONS[1:]:
            protocol = self.evidence.protocol(version)
            if protocol.state == "blind":
                return Blind(f"protocol {version}", protocol.reason)
            if protocol.state == "offered" and not protocol.suites:
                return Blind(f"suites of {version}", protocol.reason)
        return None

    @property
    def shows_no_certificate(self) -> bool:
        """Whether it is proved that there is none to judge, since nothing but anonymous suites is offered."""
        certificates = self.evidence.certificates
        return (
            certificates.state == "known"
            and not certificates.deployments
            and self.unlisted is None
            and all(is_anonymous(suite) for _, suite in self.suites)
        )

    def with_suite(self, weak: Callable[[Suite], bool]) -> Answer:
        """The suites of this kind that are offered."""
        found = list(dict.fromkeys(suite.name for _, suite in self.suites if weak(suite)))
        if found:
            more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
            return printable(", ".join(found[:_SHOWN]) + more, 300)
        return self.unlisted or ""

    def check(self, name: CheckName, text: str) -> Answer:
        """The text where the named hole is there."""
        found = self.evidence.check(name)
        if found.state == "blind":
            return Blind(name, found.detail)
        return text if found.state == "yes" else ""

    @property
    def modern_suite(self) -> str | Blind:
        """What a client of today gets."""
        modern = self.evidence.modern
        if modern.state == "blind" or not modern.suite:
            return Blind("modern client", modern.reason)
        return modern.suite

    @property
    def ephemeral_bits(self) -> tuple[int | None, Blind | None]:
        """The weakest ephemeral key in bits of RSA, and why there may be a weaker one, if there may."""
        sizes: list[int] = []
        hidden = self.unlisted
        for version, suite in self.suites:
            size = ephemeral(version, suite)
            if size is None and not is_anonymous(suite):
                hidden = hidden or Blind(f"key size of {printable(suite.name, 60)}")
            elif size:
                sizes.append(size)
        hello = self.evidence.hello
        if hello.dh_bits is not None:
            sizes.append(hello.dh_bits)
        size = curve_bits(hello.curve) if hello.curve else None
        if size is not None:
            sizes.append(in_rsa_bits(size))
        return min(sizes, default=None), hidden
