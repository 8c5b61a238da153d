"""What the lab says of each of its servers, and how a server is planned before it has a port."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

LONG = "max-age=31536000; includeSubDomains"
"""A Strict-Transport-Security that is long enough for an A+."""

Server = Literal["nginx", "openssl", "stunnel", "python", "tlslite", "raw"]


@dataclass(frozen=True, slots=True)
class Case:
    """One running server, and what the guide says of it.

    Attributes:
        name: what is special about it.
        address: loopback.
        port: a free one of this run.
        sni: the name to ask by; None asks by none.
        starttls: the plaintext protocol before TLS.
        expected_grade: by the guide, by hand; None where there is no TLS, or nothing that can be graded.
        expected_trust_ignored: the same with trust set aside.
        why: the rule that decides.
        speaks_tls: whether a patient client can shake hands at all.
        may_stay_unknown: whether an honest grader may have to say that it could not see enough.
    """

    name: str
    address: str
    port: int
    sni: str | None
    starttls: str | None
    expected_grade: str | None
    expected_trust_ignored: str | None
    why: str
    speaks_tls: bool = True
    may_stay_unknown: bool = False

    @property
    def endpoint(self) -> str:
        """As people write it."""
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"


@dataclass(frozen=True, slots=True)
class Plan:
    """A server that could be started.

    Attributes:
        chain: a recipe of `chains.py`.
        hsts: Strict-Transport-Security, a header each; None answers no HTTP.
        trick: what a server of our own does instead of serving (see `python_servers.py` and `tlslite_servers.py`).
        settings: what the server program is told: directives of nginx or stunnel, arguments of openssl, or fields.
        asked: the name to ask by where it is not `served`; "-" asks by none.
    """

    name: str
    by: Server
    grade: str | None
    why: str
    aside: str | None = ""
    chain: str = "good"
    hsts: tuple[str, ...] | None = (LONG,)
    trick: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)
    starttls: str | None = None
    asked: str = ""
    speaks_tls: bool = True
    ipv6: bool = False
    may_stay_unknown: bool = False

    @property
    def served(self) -> str:
        """The name on its certificate."""
        return f"{self.name}.lab.example"

    def case(self, address: str, port: int) -> Case:
        """What it is once it runs."""
        sni = None if self.asked == "-" else self.asked or self.served
        aside = self.grade if self.aside == "" else self.aside
        return Case(
            self.name, address, port, sni, self.starttls, self.grade, aside, self.why, self.speaks_tls,
            self.may_stay_unknown,
        )  # fmt: skip
