"""What settlement must know of a scan: how its evidence is read, and which of its facts are findings."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Protocol

from estate.assets import Asset, canonical_address
from estate.certificates import facts as certificates
from estate.certificates.renewals import explain_renewal, renewal_rulings
from estate.coverage import Verdict
from estate.diff import Change, Fact, Kind
from estate.errors import BadInput
from estate.evidence import Document, Notes
from estate.findings import Detection, Ruling
from estate.hosts.registry import aspect_of
from estate.observations import Sight
from estate.policy import Policy
from estate.ports import rules
from estate.ports.shard import PortShard, sights
from estate.ports.tarpits import fold_tarpit
from estate.store.container_scan import ContainerScan
from estate.store.detections import detection_of
from estate.store.host_audit import HostAudit
from estate.store.image_scan import ImageScan
from estate.store.quiet_scan import QuietScan
from estate.tls import rules as tls_rules
from estate.tls.facts import explain_grade
from estate.tls.keys import GRADE, split_key
from estate.tls.served import certificate_sights
from estate.tls.shard import TlsShard
from estate.tls.shard import sights as tls_sights


class Scan(Protocol):
    """One kind of scan, an asset at a time; what several assets mean together is told in `estate.store.relations`."""

    name: str
    kind: str
    aspect: str

    def sights(self, plan: str, documents: Sequence[Document], notes: Notes, hold: Collection[str]) -> Iterator[Sight]:
        """Each asked asset once, from a shard's stored plan and evidence."""

    def bindings(self, plan: str) -> Mapping[str, tuple[str, ...]]:
        """Which addresses stand for which declared asset."""

    def fold(self, sight: Sight, facts: Mapping[str, Fact]) -> Sight:
        """Replace what is noise by what it means, in the light of what is known; the same sight where nothing is."""

    def explain(self, change: Change) -> str:
        """Why a change is one, in the words of the scan."""

    def unmoved(self, key: str, facts: Mapping[str, Fact], sight: Sight) -> bool:
        """Whether a key rests on nothing but knowledge and things of which none is other than before."""

    def moved(self, change: Change) -> list[Ruling]:
        """What a change means by itself, beside the state that it leads to."""

    def rulings(self, asset: Asset, key: str, fact: Fact, policy: Policy, vantage: str) -> list[Ruling]:
        """What a key's new state means."""

    def owed(self, asset: Asset, sight: Sight, facts: Mapping[str, Fact], policy: Policy) -> list[Ruling]:
        """What the whole sight of an asset means beside its changed keys: things that should be there and are not."""

    def retired(self, rule: str, asset: Asset, locator: str, policy: Policy) -> list[Ruling]:
        """What becomes of an open finding that is one no more under this policy, whatever the evidence says."""


class PortSweep:
    """Open ports."""

    name = "ports"
    kind = "host"
    aspect = "ports"

    def sights(self, plan: str, documents: Sequence[Document], notes: Notes, hold: Collection[str]) -> Iterator[Sight]:
        """See `estate.ports.shard.sights`."""
        return sights(PortShard.from_json(plan), documents, notes, hold)

    def bindings(self, plan: str) -> Mapping[str, tuple[str, ...]]:
        """As planned."""
        return PortShard.from_json(plan).bindings

    def fold(self, sight: Sight, facts: Mapping[str, Fact]) -> Sight:
        """A tarpit is one anomaly."""
        if len(sight.present) > 100 or rules.TARPIT_KEY in facts:
            return fold_tarpit(sight, frozenset(key for key, fact in facts.items() if fact.present))
        return sight

    def explain(self, change: Change) -> str:
        """The evidence's own reason says it."""
        return change.reason

    def unmoved(self, key: str, facts: Mapping[str, Fact], sight: Sight) -> bool:  # noqa: ARG002  # the protocol's signature
        """A port is a thing itself."""
        return False

    def moved(self, change: Change) -> list[Ruling]:  # noqa: ARG002  # the protocol's signature
        """Nothing."""
        return []

    def rulings(self, asset: Asset, key: str, fact: Fact, policy: Policy, vantage: str) -> list[Ruling]:
        """An open port is unexpected or not; that it should answer is what `owed` is for."""
        detection = detection_of(fact)
        if key == rules.TARPIT_KEY:
            return [rules.tarpit(asset, detection, "nearly every asked port answered")]
        expected = key in policy.expected(asset)
        return [rules.unexpected_port(asset, key, fact.value, detection, expected=expected, vantage=vantage)]

    def owed(self, asset: Asset, sight: Sight, facts: Mapping[str, Fact], policy: Policy) -> list[Ruling]:
        """Expected ports that a reset proves closed: those declared for this asset, and those that did answer once."""
        keys = set(policy.required(asset) & sight.asked)
        expected = policy.expected(asset)
        keys.update(key for key in facts if key in expected and key in sight.asked)
        found = []
        for key in sorted(keys):
            look = None if key in sight.present else sight.verdict(key)
            if look is None:
                found.append(rules.expected_port_closed(asset, key, Detection.ABSENT, "it answers"))
            elif look.verdict is Verdict.NEGATIVE:
                found.append(rules.expected_port_closed(asset, key, Detection.PRESENT, look.reason))
            else:
                found.append(rules.expected_port_closed(asset, key, Detection.UNOBSERVED, look.reason))
        return found

    def retired(self, rule: str, asset: Asset, locator: str, policy: Policy) -> list[Ruling]:
        """Nobody misses a port that is expected no more."""
        if rule != rules.EXPECTED_PORT_CLOSED.name or locator in policy.expected(asset):
            return []
        return [rules.expected_port_closed(asset, locator, Detection.ABSENT, "no longer expected")]


class _Endpoints(QuietScan):
    """What grades and certificates share: endpoints of hosts, of which nothing is expected yet."""

    kind = "host"

    def bindings(self, plan: str) -> Mapping[str, tuple[str, ...]]:
        """The addresses that were asked of every asset with a name."""
        found: dict[str, tuple[str, ...]] = {}
        for one in TlsShard.from_json(plan).endpoints:
            if canonical_address(one.asset) is None and one.address not in found.get(one.asset, ()):
                found[one.asset] = (*found.get(one.asset, ()), one.address)
        return found


class TlsGrade(_Endpoints):
    """TLS endpoints: their grades, and what is wrong with each."""

    name = "tls"
    aspect = "tls"

    def sights(self, plan: str, documents: Sequence[Document], notes: Notes, hold: Collection[str]) -> Iterator[Sight]:  # noqa: ARG002  # nothing is listed twice
        """See `estate.tls.shard.sights`."""
        return tls_sights(TlsShard.from_json(plan), documents, notes)

    def explain(self, change: Change) -> str:
        """A grade says which rules moved it."""
        parts = split_key(change.key)
        if change.kind is Kind.CHANGED and parts and parts[2] == GRADE and change.before and change.after:
            return explain_grade(change.before.value, change.after.value)
        return change.reason

    def rulings(self, asset: Asset, key: str, fact: Fact, policy: Policy, vantage: str) -> list[Ruling]:  # noqa: ARG002  # the protocol's signature
        """A weakness is a finding as long as its key is present."""
        ruling = tls_rules.finding(asset, key, fact.value, detection_of(fact))
        return [ruling] if ruling else []


class CertificateExpiry(_Endpoints):
    """The certificates that endpoints show, and how long each will do."""

    name = "certificates"
    aspect = "certificate"

    def sights(self, plan: str, documents: Sequence[Document], notes: Notes, hold: Collection[str]) -> Iterator[Sight]:  # noqa: ARG002  # nothing is listed twice
        """See `estate.tls.served.certificate_sights`."""
        return certificate_sights(TlsShard.from_json(plan), documents, notes)

    def explain(self, change: Change) -> str:
        """A renewal says what is other than before."""
        if _is_renewal(change) and change.before and change.after:
            return explain_renewal(change.before.value, change.after.value)
        return change.reason

    def moved(self, change: Change) -> list[Ruling]:
        """The same key again, or another issuer."""
        if _is_renewal(change) and change.before and change.after:
            return list(renewal_rulings(change.asset, change.key, change.before.value, change.after.value))
        return []

    def rulings(self, asset: Asset, key: str, fact: Fact, policy: Policy, vantage: str) -> list[Ruling]:  # noqa: ARG002  # the protocol's signature
        """A problem is a finding as long as its key is present."""
        ruling = certificates.finding(asset, key, fact.value, detection_of(fact))
        return [ruling] if ruling else []


def _is_renewal(change: Change) -> bool:
    is_place = change.key.startswith(f"{certificates.FAMILY}/") and "/problem/" not in change.key
    return change.kind is Kind.CHANGED and is_place


SCANS: Mapping[str, Scan] = {
    "ports": PortSweep(),
    "tls": TlsGrade(),
    "certificates": CertificateExpiry(),
    "hosts": HostAudit(),
    "containers": ContainerScan(),
    "images": ImageScan(),
}


def shown_aspect(aspect: str, key: str) -> str:
    """The aspect as people read it: a host audit is kept as one, and shown by what each key is about."""
    return aspect_of(key) if aspect == HostAudit.aspect else aspect


def scan_named(name: str) -> Scan:
    """The scan of that name.

    Raises:
        BadInput: there is none.
    """
    if name not in SCANS:
        raise BadInput(f"there is no scan {name!r}; there are: {', '.join(SCANS)}")
    return SCANS[name]
