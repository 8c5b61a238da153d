"""One server of sslyze's report as our own evidence, and what that proves of its keys."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from estate.assets import canonical_address, canonical_name
from estate.certificates.facts import all_keys, key_of, problem_key
from estate.certificates.trust import TrustStore
from estate.coverage import Keys, Look, Verdict
from estate.errors import BadReport, BadTarget
from estate.observations import Reading
from estate.text import printable
from estate.tls.evidence import (
    Asked,
    Certificates,
    ClientCertificate,
    Deployment,
    Failure,
    Hello,
    Revocation,
    StartTls,
    TlsEvidence,
)
from estate.tls.facts import endpoint_reading
from estate.tls.judging import Judged, judge_endpoint
from estate.tls.keys import asked_keys
from estate.tls.served import served_reading
from estate.tls.shard import Endpoint
from estate.tls.sslyze import shapes
from estate.tls.sslyze.attempts import result_of
from estate.tls.sslyze.checks import checks_of, curves_of, hsts_of, modern_of
from estate.tls.sslyze.protocols import protocols_of, version_of

_STARTTLS: dict[str, StartTls] = {
    "SMTP": "smtp",
    "IMAP": "imap",
    "POP3": "pop3",
    "FTP": "ftp",
    "LDAP": "ldap",
    "XMPP": "xmpp",
    "XMPP_SERVER": "xmpp-server",
    "RDP": "rdp",
    "POSTGRES": "postgres",
}
_ABOUT_STAPLES = "must-staple-without-staple"


@dataclass(frozen=True, slots=True)
class ServerRead:
    """A server as our own evidence, with its grade and what was proved of its keys."""

    evidence: TlsEvidence
    judged: Judged
    tls: Reading
    certificates: Reading

    @property
    def seen(self) -> bool:
        """Whether sslyze came to a handshake with it."""
        return self.evidence.hello.outcome == "tls"


def read_server(server: shapes.Server, started: datetime, roots: TrustStore) -> ServerRead:
    """Judge one server at the moment of its scan.

    Raises:
        BadReport: a name, an address or a protocol that is none.
    """
    asked = _asked(server)
    subject, port, name = asked.address, asked.port, asked.name
    evidence = _evidence(server, asked, started)
    judged = judge_endpoint(evidence, roots, started)
    if evidence.hello.outcome != "tls":
        why = evidence.hello.detail
        tls = Look(Verdict.BLIND, why, asked_keys(port, name, "full"))
        certificates = Look(Verdict.BLIND, why, Keys.of(all_keys(key_of(str(port), name))))
        return ServerRead(evidence, judged, Reading(subject, {}, (tls,)), Reading(subject, {}, (certificates,)))
    shown, _ = served_reading(Endpoint(subject, subject, port, name, asked.starttls), evidence, roots, 0)
    if _staple(server) is not None:
        shown = _without_staples(shown, asked, evidence.revocation)
    return ServerRead(evidence, judged, endpoint_reading(subject, evidence, judged.rating), shown)


def _asked(server: shapes.Server) -> Asked:
    location, network = server.server_location, server.network_configuration
    if location.ip_address is None:
        subject = canonical_address(location.hostname) or _name(location.hostname, "server_location.hostname")
    else:
        subject = canonical_address(location.ip_address) or ""
        if not subject:
            raise BadReport(f"server_location.ip_address: {printable(location.ip_address, 60)!r} is no address")
    # Where sslyze has no name it sends the address as one, which no server takes for a name.
    indicated = network.tls_server_name_indication
    name = None
    if canonical_address(indicated) is None:
        name = _name(indicated, "network_configuration.tls_server_name_indication")
    word = network.tls_opportunistic_encryption
    if word is not None and word not in _STARTTLS:
        field = "network_configuration.tls_opportunistic_encryption"
        raise BadReport(f"{field}: {printable(word, 40)!r} is none of {', '.join(_STARTTLS)}")
    return Asked(subject, location.port, "full", name, None if word is None else _STARTTLS[word])


def _name(text: str, field: str) -> str:
    try:
        return canonical_name(text)
    except BadTarget as error:
        raise BadReport(f"{field}: {error}") from None


def _evidence(server: shapes.Server, asked: Asked, started: datetime) -> TlsEvidence:
    """The document that we would have written."""
    commands, connectivity = server.scan_result, server.connectivity_result
    if server.connectivity_status != "COMPLETED" or commands is None or connectivity is None:
        return TlsEvidence(schema=1, asked=asked, started=started, hello=Hello("unreachable", _why_unseen(server)))
    protocols, disturbed = protocols_of(commands)
    certificates, revocation = _certificates(server, asked)
    return TlsEvidence(
        schema=1,
        asked=asked,
        started=started,
        hello=Hello("tls", version=version_of(connectivity.highest_tls_version_supported)),
        protocols=protocols,
        modern=modern_of(commands, connectivity),
        checks=checks_of(commands, connectivity, protocols, disturbed),
        curves=curves_of(commands),
        client_certificate=ClientCertificate(shapes.CLIENTS[connectivity.client_auth_requirement]),
        certificates=certificates,
        hsts=hsts_of(commands, asked.starttls),
        revocation=revocation,
        errors=tuple(_failures(commands)),
    )


def _certificates(server: shapes.Server, asked: Asked) -> tuple[Certificates, Revocation]:
    commands = server.scan_result or shapes.Commands()
    result, why = result_of(commands.certificate_info)
    if result is None:
        return Certificates("blind", why), Revocation("blind", reason=why)
    named = asked.name is not None
    found = [_deployment(each, with_sni=named) for each in result.certificate_deployments]
    if named and result.certificate_deployment_with_sni_disabled is not None:
        found.append(_deployment(result.certificate_deployment_with_sni_disabled, with_sni=False))
    return Certificates("known", deployments=tuple(found)), _revocation(_staple(server))


def _deployment(told: shapes.Deployment, *, with_sni: bool) -> Deployment:
    return Deployment(with_sni, tuple(each.as_pem for each in told.received_certificate_chain))


def _staple(server: shapes.Server) -> shapes.Deployment | None:
    """The chain with which a staple came, of which the report has no bytes; one that says revoked before others."""
    result, _ = result_of(server.scan_result.certificate_info if server.scan_result else None)
    stapled = [each for each in result.certificate_deployments if each.ocsp_response is not None] if result else []
    return min(stapled, key=lambda each: not each.revoked, default=None)


def _revocation(stapled: shapes.Deployment | None) -> Revocation:
    if stapled is None or stapled.ocsp_response is None:
        return Revocation("not-asked", reason="no staple came with the chain")
    word = stapled.ocsp_response.certificate_status
    if word not in {"GOOD", "REVOKED"}:
        return Revocation("unknown", "staple", "the staple says neither good nor revoked")
    if stapled.ocsp_response_is_trusted is not True:
        # Who cannot be trusted to say so may still be right.
        state: Literal["blind", "unknown"] = "blind" if word == "REVOKED" else "unknown"
        return Revocation(state, "staple", f"the staple says {word.lower()}, and sslyze does not vouch for it")
    return Revocation("revoked" if word == "REVOKED" else "good", "staple")


def _failures(commands: shapes.Commands) -> Iterator[Failure]:
    for name in shapes.Commands.model_fields:
        attempt = getattr(commands, name)
        if attempt is not None and attempt.status == "ERROR":
            yield Failure(name, printable(attempt.error_reason or "", 80))


def _without_staples(reading: Reading, asked: Asked, revocation: Revocation) -> Reading:
    """A staple came and nobody kept it: whether it does is not known."""
    rules = (_ABOUT_STAPLES, "revoked") if revocation.state == "blind" else (_ABOUT_STAPLES,)
    places = (key_of(str(asked.port), asked.name, other=other) for other in (False, True))
    unknown = Keys.of(problem_key(place, rule) for place in places if place in reading.present for rule in rules)
    present = {each: value for each, value in reading.present.items() if each not in unknown}
    looks = [replace(look, keys=look.keys - unknown) for look in reading.looks]
    looks.append(Look(Verdict.BLIND, "staple-not-kept", unknown))
    return replace(reading, present=present, looks=tuple(look for look in looks if look.keys))


def _why_unseen(server: shapes.Server) -> str:
    """Why there was no handshake, by the last line of the trace: sslyze has few words, and one of them for most."""
    last = ((server.connectivity_error_trace or "").strip().splitlines() or [""])[-1].lower()
    if "timed out" in last or "timedout" in last:
        return "timed-out"
    if "opportunistictls" in last:
        return "starttls-refused"
    return "connection-rejected" if "serverrejectedconnection" in last else "no-handshake"
