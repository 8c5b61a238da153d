"""The certificates of an endpoint, as sent, by handshakes that are never completed."""

import ssl
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509 import load_der_x509_certificate

from estate.tls.evidence import Certificates, Deployment
from tasks.tls.client_hello import ECDSA_SIGNATURES, RSA_SIGNATURES, Offer, first_offer, offer_of
from tasks.tls.flight import Flight
from tasks.tls.patience import OutOfTime, Patience
from tasks.tls.suites import by_code

_MOST_LINKS = 32


def deployment_of(flight: Flight, with_sni: bool) -> Deployment | None:
    """The chain of one answer, if all of it was read."""
    if not flight.chain or len(flight.chain) > _MOST_LINKS:
        return None
    pems = tuple(ssl.DER_cert_to_PEM_cert(der) for der in flight.chain)
    return Deployment(with_sni, pems, flight.staple or None)


def certificates_of(flight: Flight | None, name: str | None) -> Certificates:
    """What the first answer shows."""
    deployment = deployment_of(flight, name is not None) if flight is not None else None
    if deployment is None:
        return Certificates("blind", why_no_chain(flight))
    return Certificates("known", deployments=(deployment,))


def why_no_chain(flight: Flight | None) -> str:
    """Why an answer holds no chain that can be used."""
    if flight is None:
        return "no TLS was spoken"
    if flight.declined:
        return f"the server declines: {flight.alert}"
    if len(flight.chain) > _MOST_LINKS:
        return f"a chain of {len(flight.chain)} certificates"
    if flight.ended:
        return flight.ended
    return "the server proved nothing: anonymous key exchange"


def all_chains(patience: Patience, version: str | None, first: Flight | None, pool: ThreadPoolExecutor) -> Certificates:
    """Every chain: by key type, and what is shown to who names nobody.

    Args:
        patience: the server.
        version: the best version that it offers, if known.
        first: the answer to the first hello.
        pool: for asking a few at once.
    """
    known: list[Deployment] = []
    reason = trouble = ""
    question = patience.question
    shown = _kind(first)
    wanted = [(question.name, kind) for kind in ("rsa", "ecdsa") if kind != shown]
    if question.name is not None:
        wanted.append((None, ""))
    if first is not None and (deployment := deployment_of(first, question.name is not None)):
        known.append(deployment)

    def ask(one: tuple[str | None, str]) -> Flight | str:
        try:
            return patience.ask(_offer(version, *one))
        except OutOfTime as end:
            return str(end)

    for (name, _), flight in zip(wanted, pool.map(ask, wanted), strict=True):
        if isinstance(flight, str):
            trouble = trouble or flight
            continue
        deployment = deployment_of(flight, name is not None)
        if deployment is None:
            # That there is no key of this kind, or nothing for strangers, is an answer.
            if flight.answered:
                reason = reason or why_no_chain(flight)
            elif not flight.declined and not flight.consistent:
                trouble = trouble or f"{flight.closed}: {flight.ended}"
        elif not any(_same(deployment, other) for other in known):
            known.append(deployment)
    if any(deployment.with_sni == (question.name is not None) for deployment in known):
        return Certificates("known", trouble, tuple(known))
    if first is not None and first.complete and not first.chain and not trouble and not reason:
        # Whoever asks for proof is declined: nothing is offered but anonymous suites.
        return Certificates("known", why_no_chain(first))
    return Certificates("blind", trouble or reason or why_no_chain(first), tuple(known))


def _kind(first: Flight | None) -> str:
    """The type of the key that was shown already."""
    try:
        key = load_der_x509_certificate(first.chain[0]).public_key() if first is not None and first.chain else None
    except (ValueError, UnsupportedAlgorithm):
        return ""
    if isinstance(key, rsa.RSAPublicKey):
        return "rsa"
    return "ecdsa" if isinstance(key, ec.EllipticCurvePublicKey) else ""


def _same(one: Deployment, other: Deployment) -> bool:
    return (one.with_sni, one.chain) == (other.with_sni, other.chain)


def _offer(version: str | None, name: str | None, kind: str) -> Offer:
    offer = first_offer(name) if version is None else offer_of(version, name)
    named = [(code, by_code()[code].name) for code in offer.suites]
    if kind:
        offer = replace(offer, signatures=RSA_SIGNATURES if kind == "rsa" else ECDSA_SIGNATURES)
        word = "_RSA_" if kind == "rsa" else "_ECDSA_"
        suites = tuple(code for code, suite in named if code >> 8 == 0x13 or (word in suite and "anon" not in suite))
        return replace(offer, suites=suites)
    return replace(offer, suites=tuple(code for code, suite in named if "anon" not in suite))
