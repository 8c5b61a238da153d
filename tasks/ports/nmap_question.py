"""What nmap is asked, as a value that cannot say anything else."""

import re
from dataclasses import dataclass, replace
from typing import Literal

from estate.assets import canonical_address
from estate.coverage import Keys
from estate.errors import BadTarget
from estate.spans import spell_spans

INTERFACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:@-]{0,14}\Z")
# One argument holds 128 KiB (MAX_ARG_STRLEN of linux/binfmts.h).
_LONGEST_PORTS = 120_000


@dataclass(frozen=True, slots=True)
class NmapQuestion:
    """One run of nmap.

    Attributes:
        addresses: canonical, all of one family.
        keys: ports of one protocol; `parts()` divides what has two.
        technique: how TCP is asked; UDP always needs raw packets.
        pace: packets per second, all hosts together. Version probes have nmap's own pace.
        versions: ask open ports what they are (never 9100-9107, where printers print what they are sent).
        fragile: never ask that, whatever `versions` says.
        retries: at most so many further probes to a silent port; nmap sends fewer where retries never helped.
        thorough: take more time, for a second look.
        deadline: seconds until the run is ended.
        host_timeout: seconds after which one host is given up.
    """

    addresses: tuple[str, ...]
    keys: Keys
    technique: Literal["connect", "syn"]
    pace: int
    versions: bool
    deadline: float
    fragile: bool = False
    retries: int = 2
    thorough: bool = False
    host_timeout: float | None = None
    interface: str | None = None
    source: str | None = None

    def __post_init__(self) -> None:
        """Refuse what nmap could misread.

        Raises:
            BadTarget: an address, interface or port list that is none, or a number that makes no sense.
        """
        if not self.addresses or not self.keys:
            raise BadTarget("nmap is asked nothing")
        for address in (*self.addresses, *([self.source] if self.source else [])):
            if canonical_address(address) != address:
                raise BadTarget(f"{address!r} is not an address in its one spelling")
        if len({":" in address for address in self.addresses}) > 1:
            raise BadTarget("one run of nmap asks IPv4 or IPv6 addresses, not both")
        if not set(self.keys.families) <= {"tcp", "udp"}:
            raise BadTarget(f"{self.keys} are not ports")
        if len(spell_spans(self.keys.spans("tcp"))) + len(spell_spans(self.keys.spans("udp"))) > _LONGEST_PORTS:
            raise BadTarget("the list of ports is too long for a command line; ask for ranges")
        if self.interface is not None and not INTERFACE.match(self.interface):
            raise BadTarget(f"{self.interface!r} is not the name of a network interface")
        if self.pace < 1 or self.retries < 0 or self.deadline <= 0 or (self.host_timeout or 1) <= 0:
            raise BadTarget("pace, retries, deadline and host timeout are positive numbers")

    @property
    def protocol(self) -> Literal["tcp", "udp"]:
        """The one protocol that is asked.

        Raises:
            BadTarget: there are two.
        """
        if len(self.keys.families) > 1:
            raise BadTarget("one run of nmap asks TCP or UDP ports; divide the question into its parts()")
        return "udp" if self.keys.families == ("udp",) else "tcp"

    def parts(self) -> tuple["NmapQuestion", ...]:
        """One question for each protocol: what is a good pace for TCP makes UDP ports look silent."""
        return tuple(
            replace(self, keys=Keys({family: self.keys.spans(family)}))
            for family in ("tcp", "udp")
            if self.keys.spans(family)
        )

    def again(self) -> "NmapQuestion":
        """The same question for a second look: patient, with at least five retries."""
        return replace(self, retries=max(5, self.retries), thorough=True)
