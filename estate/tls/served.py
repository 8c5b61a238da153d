"""A shard of a certificate round: the same endpoints and evidence as for grades, read for what they show."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from estate.certificates.facts import (
    CERTIFICATES,
    FOUND,
    all_keys,
    elsewhere_reading,
    key_of,
    place_reading,
    problem_key,
    unseen_reading,
)
from estate.certificates.files import MEDIA, CertificateFiles, read_files
from estate.certificates.reading import read_certificates
from estate.certificates.relations import ADDRESSES_DIFFER
from estate.certificates.shown import Shown, show
from estate.certificates.sources import source_sights
from estate.certificates.trust import TrustStore
from estate.coverage import Keys, Look, Verdict
from estate.errors import BadReport
from estate.evidence import Document, Notes
from estate.observations import Attributes, Reading, Sight, join_addresses, merge
from estate.text import printable
from estate.tls.evidence import TlsEvidence, read_tls
from estate.tls.shard import Endpoint, TlsShard, by_address, trust_store

_AWAY = {
    "refused": Verdict.NEGATIVE,
    "plaintext": Verdict.NEGATIVE,
    "garbage": Verdict.NEGATIVE,
    "starttls-refused": Verdict.NEGATIVE,
    "silent": Verdict.SILENT,
}
"""As for grades: another protocol is an answer; a reset after our hello is none."""


def certificate_sights(shard: TlsShard, documents: Sequence[Document], notes: Notes) -> Iterator[Sight]:
    """Yield each asset once, with the certificates that its endpoints show, or that its files hold.

    Raises:
        BadReport: a document that cannot be read.
    """
    roots = trust_store(shard.roots)
    readings: dict[tuple[str, str], list[Reading]] = {}
    unseen: dict[Endpoint, str] = dict.fromkeys(shard.endpoints, "no-evidence")
    read: dict[tuple[str, ...], list[CertificateFiles]] = {}
    for document in documents:
        if document.media == MEDIA:
            files = read_files(document.stream)
            read.setdefault(files.asked, []).append(files)
            continue
        evidence = read_tls(document.stream)
        endpoint = shard.at(evidence)
        if endpoint is None:
            notes.outside += 1
            continue
        reading, why = served_reading(endpoint, evidence, roots, document.look)
        readings.setdefault((endpoint.asset, endpoint.address), []).append(reading)
        # One look that saw it is enough.
        unseen[endpoint] = why if unseen[endpoint] else ""
    for asset in sorted({one.asset for one in shard.endpoints}):
        mine = [one for one in shard.endpoints if one.asset == asset]
        parts: dict[str, Sight] = {}
        for address, found in by_address(mine):
            why = next((unseen[one] for one in found if unseen[one]), "")
            told = (*readings.get((asset, address), ()), elsewhere_reading(asset, why))
            parts[address] = merge(asset, _asked(found), told, "no-evidence")
        yield _joined(asset, mine, parts)
    yield from source_sights(shard.sources, read, roots)


def _joined(asset: str, endpoints: Sequence[Endpoint], parts: Mapping[str, Sight]) -> Sight:
    """One asset behind several addresses: of each place the newest certificate, and whether they all show the same."""
    joined = join_addresses(asset, _asked(endpoints), parts.values())
    present = dict(joined.present)
    alike: list[str] = []
    unknown: list[str] = []
    places = sorted({key_of(str(one.port), one.name) for one in endpoints})
    for place in places:
        differ = problem_key(place, ADDRESSES_DIFFER.name)
        shown = {address: sight.present[place] for address, sight in parts.items() if place in sight.present}
        if shown:
            present[place] = max(shown.values(), key=_issued)
        looks = [sight.verdict(place) for sight in parts.values() if place not in sight.present]
        if len({dict(value)["sha256"] for value in shown.values()}) > 1:
            told = "; ".join(f"{address} shows {_spell(value)}" for address, value in sorted(shown.items()))
            present[differ] = ((FOUND, printable(told, 500)),)
        elif any(look is not None and look.verdict is not Verdict.NEGATIVE for look in looks):
            unknown.append(differ)
        else:
            alike.append(differ)
    return replace(
        joined,
        asked=joined.asked | Keys.of(problem_key(place, ADDRESSES_DIFFER.name) for place in places),
        present=present,
        negative=_with(joined.negative, Look(Verdict.NEGATIVE, "alike", Keys.of(alike))),
        blind=_with(joined.blind, Look(Verdict.BLIND, "an-address-is-unseen", Keys.of(unknown))),
        whole=None,
    )


def _with(looks: tuple[Look, ...], more: Look) -> tuple[Look, ...]:
    return (*looks, more) if more.keys else looks


def _issued(value: Attributes) -> tuple[str, str]:
    """ISO times sort by themselves."""
    told = dict(value)
    return told["not_before"], told["sha256"]


def _spell(value: Attributes) -> str:
    told = dict(value)
    return f"that of {told['not_before'][:10]} until {told['not_after'][:10]} (serial {told['serial'][:16]})"


def _asked(endpoints: Iterable[Endpoint]) -> Keys:
    """One handshake shows one certificate, so that nobody asks for the one that other clients would get."""
    keys = Keys.of(key for one in endpoints for key in all_keys(key_of(str(one.port), one.name)))
    return keys | Keys({CERTIFICATES: None})


def served_reading(endpoint: Endpoint, evidence: TlsEvidence, roots: TrustStore, look: int) -> tuple[Reading, str]:
    """What an endpoint shows, and why it could not be looked at, if so."""
    place, asset = str(endpoint.port), endpoint.asset
    outcome = evidence.hello.outcome
    if evidence.certificates.state == "known" and evidence.served:
        try:
            shown = [_shown(endpoint, pems, staple, evidence, roots) for pems, staple in _chains(evidence)]
        except BadReport as error:
            return unseen_reading(asset, place, endpoint.name, Verdict.BLIND, "unreadable", look), str(error)
        return place_reading(asset, place, endpoint.name, shown, look=look), ""
    verdict = _AWAY.get(outcome, Verdict.BLIND)
    reason = outcome if outcome != "tls" else (evidence.certificates.reason.partition(":")[0] or "no-certificate")
    return (
        unseen_reading(asset, place, endpoint.name, verdict, reason, look),
        "" if verdict is Verdict.NEGATIVE else reason,
    )


def _chains(evidence: TlsEvidence) -> Iterator[tuple[tuple[str, ...], bytes | None]]:
    for deployment in evidence.served:
        if deployment.chain:
            yield deployment.chain, deployment.staple


def _shown(
    endpoint: Endpoint, pems: Sequence[str], staple: bytes | None, evidence: TlsEvidence, roots: TrustStore
) -> Shown:
    chain = [certificate for pem in pems for certificate in read_certificates(pem.encode())]
    if not chain:
        raise BadReport("a chain without certificates")
    return show(
        str(endpoint.port),
        endpoint.name,
        chain,
        evidence.started,
        roots,
        host=endpoint.name,
        staple=staple,
        revoked=[chain[0].sha256] if evidence.revocation.state == "revoked" else (),
    )
