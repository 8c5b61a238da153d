"""Which of sslyze's commands are run at a server, given what our own hellos told already."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from nassl.ssl_client import ClientCertificateRequested
from sslyze.errors import ConnectionToServerFailed
from sslyze.plugins.plugin_base import ScanCommandExtraArgument
from sslyze.plugins.scan_commands import ScanCommand
from sslyze.plugins.session_renegotiation_plugin import SessionRenegotiationExtraArgument
from sslyze.plugins.session_resumption.implementation import SessionResumptionSupportExtraArgument
from sslyze.server_connectivity import ClientAuthRequirementEnum

from estate.tls.evidence import Check, CheckName, ClientCertificate, Failure, Protocol, Suite, Version
from tasks.tls import normalise
from tasks.tls.flight import Flight
from tasks.tls.question import TlsQuestion
from tasks.tls.sslyze_scan import Scan, insists, our_connections, reason_of

_NOT_WATCHED = Check("blind", "the watch profile does not ask this")
_RENEGOTIATIONS = 4
"""In a row, until a server counts as one that never says no."""
_RESUMPTIONS = 2
_ROBOT_TRIES = 3
_CLIENTS = {"required": ClientAuthRequirementEnum.REQUIRED, "optional": ClientAuthRequirementEnum.OPTIONAL}
_BEFORE_TLS13: tuple[Version, ...] = ("TLS1.2", "TLS1.1", "TLS1.0", "SSL3")
_SUITE_COMMANDS: Mapping[Version, ScanCommand] = {
    "SSL2": ScanCommand.SSL_2_0_CIPHER_SUITES,
    "SSL3": ScanCommand.SSL_3_0_CIPHER_SUITES,
    "TLS1.0": ScanCommand.TLS_1_0_CIPHER_SUITES,
    "TLS1.1": ScanCommand.TLS_1_1_CIPHER_SUITES,
    "TLS1.2": ScanCommand.TLS_1_2_CIPHER_SUITES,
    "TLS1.3": ScanCommand.TLS_1_3_CIPHER_SUITES,
}


@dataclass(slots=True)
class Checked:
    """What became of the commands; the checks in `by_silence` say no because something did not happen."""

    checks: dict[CheckName, Check] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    by_silence: set[CheckName] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Known:
    """What our own hellos told of a server.

    Attributes:
        heartbeats: whether it accepts them.
        legacy_renegotiation: whether it renegotiates for clients without RFC 5746.
        always_named: whether it declines who names nobody.
    """

    heartbeats: Check
    secure_renegotiation: Check
    legacy_renegotiation: Check
    client: ClientCertificate
    always_named: bool


def client_certificate(question: TlsQuestion, flight: Flight | None) -> ClientCertificate:
    """Whether the server wants a client certificate, and goes on without one."""
    if flight is not None and flight.complete and not flight.certificate_requested:
        return ClientCertificate("none")
    bare = replace(question, client_certificate=None)
    with our_connections(bare):
        # Caught inside, since sslyze's exceptions are frozen, and no generator can pass such a one on.
        try:
            found = insists(bare)
        except (ConnectionToServerFailed, ClientCertificateRequested, OSError, ValueError, UnicodeError) as error:
            return ClientCertificate("blind", reason_of(error))
    if found is ClientAuthRequirementEnum.REQUIRED:
        return ClientCertificate("required")
    return ClientCertificate("optional" if found is ClientAuthRequirementEnum.OPTIONAL else "none")


def talk(question: TlsQuestion, until: float, version: Version, request: bytes) -> tuple[bytes, str]:
    """What a server answers inside TLS, by an OpenSSL that is as old as it; or why it does not."""
    with our_connections(question):
        try:
            return Scan(question, until, ClientAuthRequirementEnum.DISABLED).talk(version, request), ""
        except Exception as error:  # noqa: BLE001 - nassl raises whatever OpenSSL does
            return b"", reason_of(error)


def ask_checks(question: TlsQuestion, until: float, protocols: Mapping[Version, Protocol], known: Known) -> Checked:
    """What a grade needs beyond hellos.

    Args:
        question: the endpoint.
        until: when to stop.
        protocols: what is offered.
        known: what our own hellos told.
    """
    with our_connections(question):
        return _Asker(question, until, protocols, known).needed()


def ask_more(question: TlsQuestion, until: float, protocols: Mapping[Version, Protocol], known: Known) -> Checked:
    """What no grade needs: endless renegotiation, and for the profile `full` resumption and early data."""
    with our_connections(question):
        return _Asker(question, until, protocols, known).more()


def ask_suites(
    question: TlsQuestion, until: float, protocols: Mapping[Version, Protocol]
) -> tuple[dict[Version, tuple[Suite, ...]], list[Failure]]:
    """A second opinion on the suites of each version that was not declined in so many words."""
    found: dict[Version, tuple[Suite, ...]] = {}
    failures: list[Failure] = []
    with our_connections(question):
        scan = Scan(question, until, ClientAuthRequirementEnum.DISABLED)
        for version, protocol in protocols.items():
            if protocol.state == "not-offered" and not protocol.reason.startswith("each time"):
                continue
            jobs = scan.jobs(_SUITE_COMMANDS[version], version, protocol.suites)
            accepted, doubtful, why = normalise.accepted_suites(jobs)
            found[version] = accepted
            if doubtful:
                failures.append(Failure(str(_SUITE_COMMANDS[version].value), f"{len(doubtful)} without answer: {why}"))
    return found, failures


class _Asker:
    """One server's checks."""

    def __init__(
        self, question: TlsQuestion, until: float, protocols: Mapping[Version, Protocol], known: Known
    ) -> None:
        client = ClientAuthRequirementEnum.DISABLED
        if question.client_certificate is None:
            client = _CLIENTS.get(known.client.state, client)
        self._scan = Scan(question, until, client, always_named=known.always_named)
        self._full = question.profile == "full"
        self._protocols = protocols
        self._known = known
        self._done = Checked()
        offered = (version for version in _BEFORE_TLS13 if protocols[version].state == "offered")
        self._old: Version | None = next(offered, None)

    def needed(self) -> Checked:
        if self._old is None:
            names: tuple[CheckName, ...] = ("heartbleed", "robot", "client_renegotiation")
            self._done.checks |= dict.fromkeys(names, self._no_old())
        else:
            self._heartbleed(self._old)
            self._robot()
            self._renegotiation(self._old)
        return self._done

    def more(self) -> Checked:
        if self._old is None:
            names: tuple[CheckName, ...] = ("renegotiation_dos", "session_ids", "session_tickets")
            self._done.checks |= dict.fromkeys(names, self._no_old())
        else:
            self._endless_renegotiation(self._old)
            self._resumption(self._old)
        self._early_data()
        return self._done

    def _no_old(self) -> Check:
        unknown = any(self._protocols[version].state == "blind" for version in _BEFORE_TLS13)
        if unknown or self._protocols["TLS1.3"].state != "offered":
            return Check("blind", "no version before TLS 1.3 is known")
        return Check("not-applicable", "TLS 1.3 only")

    def _heartbleed(self, old: Version) -> None:
        """Who does not accept heartbeats cannot bleed; who does is asked for blood."""
        offered = self._known.heartbeats
        if offered.state == "yes":
            self._plain("heartbleed", ScanCommand.HEARTBLEED, old, normalise.heartbleed_check)
        else:
            no = Check("no", "heartbeats are not accepted")
            self._done.checks["heartbleed"] = no if offered.state == "no" else offered

    def _robot(self) -> None:
        """Needs an RSA key exchange; a server whose answers differ by accident gets a second and third try."""
        unlisted = ""
        for version in _BEFORE_TLS13:
            protocol = self._protocols[version]
            if protocol.state == "blind" or (protocol.state == "offered" and not protocol.suites):
                unlisted = unlisted or f"the suites of {version} are not known"
            if any(suite.name.startswith("TLS_RSA_") for suite in protocol.suites):
                for _ in range(_ROBOT_TRIES):
                    self._plain("robot", ScanCommand.ROBOT, version, normalise.robot_check)
                    if self._done.checks["robot"].state != "blind":
                        break
                return
        self._done.checks["robot"] = (
            Check("blind", unlisted) if unlisted else Check("no", "no key exchange by RSA is offered")
        )

    def _renegotiation(self, old: Version) -> None:
        """Insecure if a client without RFC 5746 may do it; sslyze helps where we came to no session of our own."""
        legacy, secure = self._known.legacy_renegotiation, self._known.secure_renegotiation
        if legacy.state == "blind" and secure.state == "yes":
            legacy = Check("no", f"renegotiation is secure; without RFC 5746: {legacy.detail}")
        elif legacy.state == "blind" and secure.state == "no":
            result = self._result(ScanCommand.SESSION_RENEGOTIATION, old, SessionRenegotiationExtraArgument(1))
            legacy = result if isinstance(result, Check) else normalise.renegotiation_checks(result, secure)[0]
            self._done.by_silence.add("client_renegotiation")
        self._done.checks["client_renegotiation"] = legacy

    def _endless_renegotiation(self, old: Version) -> None:
        extra = SessionRenegotiationExtraArgument(_RENEGOTIATIONS)
        result = self._result(ScanCommand.SESSION_RENEGOTIATION, old, extra)
        secure = self._known.secure_renegotiation
        found = result if isinstance(result, Check) else normalise.renegotiation_checks(result, secure)[1]
        self._done.checks["renegotiation_dos"] = found
        self._done.by_silence.add("renegotiation_dos")

    def _resumption(self, old: Version) -> None:
        if not self._full:
            self._done.checks |= {"session_ids": _NOT_WATCHED, "session_tickets": _NOT_WATCHED}
            return
        extra = SessionResumptionSupportExtraArgument(_RESUMPTIONS)
        result = self._result(ScanCommand.SESSION_RESUMPTION, old, extra)
        if isinstance(result, Check):
            self._done.checks |= {"session_ids": result, "session_tickets": result}
            return
        by_id, by_ticket = normalise.resumption_checks(result)
        self._done.checks |= {"session_ids": by_id, "session_tickets": by_ticket}
        self._done.by_silence |= {"session_ids", "session_tickets"}

    def _early_data(self) -> None:
        newest = self._protocols["TLS1.3"]
        if not self._full:
            self._done.checks["early_data"] = _NOT_WATCHED
        elif newest.state != "offered":
            unknown = newest.state == "blind"
            self._done.checks["early_data"] = Check("blind" if unknown else "not-applicable", newest.reason)
        else:
            self._plain("early_data", ScanCommand.TLS_1_3_EARLY_DATA, "TLS1.3", normalise.early_data_check)

    def _plain(self, name: CheckName, command: ScanCommand, version: Version, judge: Callable[[object], Check]) -> None:
        result = self._result(command, version, None)
        self._done.checks[name] = result if isinstance(result, Check) else judge(result)
        self._done.by_silence.add(name)

    def _result(self, command: ScanCommand, version: Version, extra: ScanCommandExtraArgument | None) -> object:
        """What sslyze says, or a blind check and a failure on record."""
        try:
            return self._scan.run(command, version, self._protocols[version].suites, extra)
        except Exception as error:  # noqa: BLE001 - plugins raise whatever their parsers do
            reason = reason_of(error)
            self._done.failures.append(Failure(command.value, reason))
            return Check("blind", reason)
