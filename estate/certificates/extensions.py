"""The extensions of a certificate, each read by itself: an odd one costs what it says, and nothing else."""

import ipaddress
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from estate.certificates.der import OCTET_STRING, SEQUENCE, Element, Malformed, boolean, flags, oid, read, small, walk
from estate.certificates.names import Canonical, read_address, read_name, read_network
from estate.text import printable

MOST_NAMES = 100_000
_MOST_URLS = 16
_MOST_EXTENSIONS = 200
_LONGEST_NAME = 300
_LONGEST_URL = 1024

_USAGES = (
    "digital-signature", "content-commitment", "key-encipherment", "data-encipherment", "key-agreement",
    "cert-sign", "crl-sign", "encipher-only", "decipher-only",
)  # fmt: skip
_PURPOSES = {
    "1.3.6.1.5.5.7.3.1": "server-auth", "1.3.6.1.5.5.7.3.2": "client-auth", "1.3.6.1.5.5.7.3.3": "code-signing",
    "1.3.6.1.5.5.7.3.4": "email-protection", "1.3.6.1.5.5.7.3.8": "time-stamping",
    "1.3.6.1.5.5.7.3.9": "ocsp-signing", "2.5.29.37.0": "any",
}  # fmt: skip
_CRITICAL_BUT_HARMLESS = frozenset({"2.5.29.32", "2.5.29.33", "2.5.29.36", "2.5.29.54", "2.5.29.9"})
"""Policies, their mappings and constraints: no client asks for a policy, so they forbid nothing here."""

_NAME_CONSTRAINTS = "2.5.29.30"

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Subtrees:
    """Names that a CA may, or may not, vouch for."""

    dns: tuple[str, ...] = ()
    networks: tuple[Network, ...] = ()
    directories: tuple[Canonical, ...] = ()


@dataclass(slots=True)
class Extensions:
    """What the extensions say; `faults` names the odd ones, `unknown_critical` what must not be ignored and is."""

    dns_names: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    other_names: tuple[str, ...] = ()
    authority: bool = False
    path_length: int | None = None
    key_usages: frozenset[str] | None = None
    purposes: frozenset[str] | None = None
    subject_key_id: bytes | None = None
    authority_key_id: bytes | None = None
    sct_count: int = 0
    precertificate: bool = False
    must_staple: bool = False
    ocsp_urls: tuple[str, ...] = ()
    issuer_urls: tuple[str, ...] = ()
    crl_urls: tuple[str, ...] = ()
    permitted: Subtrees | None = None
    excluded: Subtrees | None = None
    unknown_critical: tuple[str, ...] = ()
    faults: list[str] = field(default_factory=list)


def read_extensions(parts: Iterable[Element]) -> Extensions:
    """Read every extension that matters; the first of a kind counts, and a second one is a fault (RFC 5280 §4.2)."""
    told = Extensions()
    seen: set[str] = set()
    for number, extension in enumerate(parts):
        if number >= _MOST_EXTENSIONS:
            told.faults.append(f"more than {_MOST_EXTENSIONS} extensions")
            break
        kind, critical = f"number {number + 1}", False
        try:
            kind = oid(extension.expect(SEQUENCE).part(0))
            rest = extension.parts()[1:]
            critical = len(rest) == 2 and boolean(rest[0])
            if kind in seen:
                told.faults.append(f"extension {_label(kind)} twice")
                continue
            seen.add(kind)
            reader = _READERS.get(kind)
            if reader is not None and rest:
                reader(told, read(rest[-1].expect(OCTET_STRING).value))
            elif critical and kind not in _CRITICAL_BUT_HARMLESS:
                told.unknown_critical = (*told.unknown_critical, kind)
        except ValueError as error:
            told.faults.append(f"extension {_label(kind)}: {error}")
            if critical or kind == _NAME_CONSTRAINTS:
                told.unknown_critical = (*told.unknown_critical, kind)
    return told


def _label(kind: str) -> str:
    reader = _READERS.get(kind)
    return reader.__name__.removeprefix("_read_").replace("_", " ") if reader else kind


def _read_alternative_names(told: Extensions, value: Element) -> None:
    dns: list[str] = []
    addresses: list[str] = []
    others: list[str] = []
    for number, name in enumerate(walk(value.expect(SEQUENCE).value)):
        if number >= MOST_NAMES:
            told.faults.append(f"more than {MOST_NAMES} names")
            break
        if name.tag == 0x82:
            dns.append(printable(name.value[: _LONGEST_NAME + 1].decode("latin-1"), _LONGEST_NAME).lower())
        elif name.tag == 0x87:
            address = read_address(name.value)
            if address is None:
                told.faults.append(f"an address of {len(name.value)} bytes")
            else:
                addresses.append(address)
        elif name.tag in (0x81, 0x86):
            kind = "email" if name.tag == 0x81 else "uri"
            others.append(f"{kind}:{printable(name.value[:_LONGEST_NAME].decode('latin-1'), _LONGEST_NAME)}")
        elif name.tag == 0xA4:
            others.append(f"directory:{read_name(read(name.value))}")
        else:
            others.append(f"other:{name.tag:#04x}")
    told.dns_names, told.addresses, told.other_names = tuple(dns), tuple(addresses), tuple(others)


def _read_basic_constraints(told: Extensions, value: Element) -> None:
    parts = list(value.expect(SEQUENCE).parts())
    if parts and parts[0].tag == 0x01:
        told.authority = boolean(parts.pop(0))
    if parts:
        told.path_length = small(parts[0])


def _read_key_usage(told: Extensions, value: Element) -> None:
    told.key_usages = frozenset(_USAGES[bit] for bit in flags(value) if bit < len(_USAGES))


def _read_extended_key_usage(told: Extensions, value: Element) -> None:
    names = [oid(part) for part in value.expect(SEQUENCE).parts()[:_MOST_EXTENSIONS]]
    told.purposes = frozenset(_PURPOSES.get(name, name) for name in names)


def _read_subject_key_identifier(told: Extensions, value: Element) -> None:
    told.subject_key_id = value.expect(OCTET_STRING).value


def _read_authority_key_identifier(told: Extensions, value: Element) -> None:
    for part in value.expect(SEQUENCE).parts():
        if part.tag == 0x80:
            told.authority_key_id = part.value


def _read_certificate_timestamps(told: Extensions, value: Element) -> None:
    """RFC 6962 §3.3: a list of lists, each with two bytes of length."""
    data = value.expect(OCTET_STRING).value
    if len(data) < 2 or int.from_bytes(data[:2], "big") != len(data) - 2:
        raise Malformed("a list of timestamps whose length is wrong")
    at = 2
    while at < len(data):
        size = int.from_bytes(data[at : at + 2], "big")
        if size == 0 or at + 2 + size > len(data):
            raise Malformed("a timestamp whose length is wrong")
        told.sct_count += 1
        at += 2 + size


def _read_precertificate_poison(told: Extensions, _: Element) -> None:
    told.precertificate = True


def _read_features(told: Extensions, value: Element) -> None:
    """RFC 7633: a server that promises the answer to status_request (5) must staple."""
    told.must_staple = 5 in {small(part) for part in value.expect(SEQUENCE).parts()[:_MOST_EXTENSIONS]}


def _read_authority_access(told: Extensions, value: Element) -> None:
    by_method: dict[str, list[str]] = {}
    for description in value.expect(SEQUENCE).parts()[:_MOST_EXTENSIONS]:
        method, place = description.part(0), description.part(1)
        if place.tag == 0x86:
            by_method.setdefault(oid(method), []).append(_url(place))
    told.ocsp_urls = tuple(by_method.get("1.3.6.1.5.5.7.48.1", ())[:_MOST_URLS])
    told.issuer_urls = tuple(by_method.get("1.3.6.1.5.5.7.48.2", ())[:_MOST_URLS])


def _read_crl_places(told: Extensions, value: Element) -> None:
    urls: list[str] = []
    for point in value.expect(SEQUENCE).parts()[:_MOST_EXTENSIONS]:
        for place in point.parts():
            if place.tag == 0xA0:
                for names in place.parts():
                    if names.tag == 0xA0:
                        urls.extend(_url(name) for name in names.parts()[:_MOST_URLS] if name.tag == 0x86)
    told.crl_urls = tuple(urls[:_MOST_URLS])


def _read_name_constraints(told: Extensions, value: Element) -> None:
    for part in value.expect(SEQUENCE).parts():
        if part.context == 0:
            told.permitted = _subtrees(part)
        elif part.context == 1:
            told.excluded = _subtrees(part)


def _subtrees(element: Element) -> Subtrees:
    dns: list[str] = []
    networks: list[Network] = []
    directories: list[Canonical] = []
    for subtree in element.parts()[:MOST_NAMES]:
        base = subtree.part(0)
        if base.tag == 0x82:
            dns.append(printable(base.value.decode("latin-1"), _LONGEST_NAME).lower())
        elif base.tag == 0x87:
            network = read_network(base.value)
            if network is None:
                raise Malformed("a network that is none")
            networks.append(network)
        elif base.tag == 0xA4:
            directories.append(read_name(read(base.value)).canonical)
    return Subtrees(tuple(dns), tuple(networks), tuple(directories))


def _url(element: Element) -> str:
    return printable(element.value[: _LONGEST_URL + 1].decode("latin-1"), _LONGEST_URL)


_READERS: dict[str, Callable[[Extensions, Element], None]] = {
    "2.5.29.14": _read_subject_key_identifier,
    "2.5.29.15": _read_key_usage,
    "2.5.29.17": _read_alternative_names,
    "2.5.29.19": _read_basic_constraints,
    _NAME_CONSTRAINTS: _read_name_constraints,
    "2.5.29.31": _read_crl_places,
    "2.5.29.35": _read_authority_key_identifier,
    "2.5.29.37": _read_extended_key_usage,
    "1.3.6.1.5.5.7.1.1": _read_authority_access,
    "1.3.6.1.5.5.7.1.24": _read_features,
    "1.3.6.1.4.1.11129.2.4.2": _read_certificate_timestamps,
    "1.3.6.1.4.1.11129.2.4.3": _read_precertificate_poison,
}
