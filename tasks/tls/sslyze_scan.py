"""Run sslyze's scan commands job by job on connections of ours, so that one bad answer costs one job and nothing hangs.

Its own `Scanner` waits for ever when a greeting is not UTF-8, counts on a queue that a deadline cannot leave, and
reports one word for a whole command. The commands themselves are used as they are.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any

import sslyze.server_connectivity as sslyze_seam
from nassl.ssl_client import ClientCertificateRequested
from sslyze.connection_helpers.tls_connection import SslConnection
from sslyze.errors import ConnectionToServerFailed, ServerRejectedOpportunisticTlsNegotiation
from sslyze.plugins.openssl_cipher_suites.cipher_suites import CipherSuitesRepository
from sslyze.plugins.plugin_base import ScanCommandExtraArgument, ScanJob, ScanJobResult
from sslyze.plugins.scan_commands import ScanCommand, ScanCommandsRepository
from sslyze.server_connectivity import (
    ClientAuthRequirementEnum,
    ServerConnectivityInfo,
    ServerTlsProbingResult,
    TlsVersionEnum,
)
from sslyze.server_setting import ClientAuthenticationCredentials, ServerNetworkConfiguration, ServerNetworkLocation

from estate.tls.evidence import Suite, Version
from tasks.tls.connect import connect
from tasks.tls.failures import NoConversation, Refused, Reset, Silent, StarttlsRefused
from tasks.tls.question import TlsQuestion

VERSIONS: Mapping[Version, TlsVersionEnum] = {
    "SSL2": TlsVersionEnum.SSL_2_0,
    "SSL3": TlsVersionEnum.SSL_3_0,
    "TLS1.0": TlsVersionEnum.TLS_1_0,
    "TLS1.1": TlsVersionEnum.TLS_1_1,
    "TLS1.2": TlsVersionEnum.TLS_1_2,
    "TLS1.3": TlsVersionEnum.TLS_1_3,
}

_ENOUGH_TIMEOUTS = 4
_LONGEST_HEAD = 65_536


class NotFinished(Exception):
    """A job that was not run: no time was left, or the server stopped to answer."""


@dataclass(frozen=True, slots=True)
class Job:
    """What became of one job: a value of its plugin, or an exception."""

    value: Any = None
    failure: Exception | None = None


class Scan:
    """sslyze at one server whose versions and suites are known by now."""

    def __init__(
        self, question: TlsQuestion, until: float, client: ClientAuthRequirementEnum, *, always_named: bool = False
    ) -> None:
        """Take the endpoint, when all has to end, whether it insists on a client certificate, and on a name."""
        self._question = question
        self._until = until
        self._client = client
        self._always_named = always_named
        self._location = ServerNetworkLocation(
            hostname=question.name or question.address, port=question.port, ip_address=question.address
        )
        self._network = _network(question)

    def run(
        self,
        command: ScanCommand,
        version: Version,
        suites: Sequence[Suite],
        extra: ScanCommandExtraArgument | None = None,
    ) -> object:
        """The result of one command, as its plugin makes it of its jobs.

        Args:
            command: what is asked.
            version: the version that its handshakes begin with.
            suites: some that the server accepts in it.
            extra: the command's own arguments.

        Raises:
            Exception: whatever ended it; `reason_of` says it in words.
        """
        server = self._server(version, suites)
        plugin = ScanCommandsRepository.get_implementation_cls(command)
        jobs = self._jobs(plugin.scan_jobs_for_scan_command(server, extra))
        results = [ScanJobResult(_return_value=job.value, _exception=job.failure) for job in jobs]
        return plugin.result_for_completed_scan_jobs(server, results)

    def jobs(self, command: ScanCommand, version: Version, suites: Sequence[Suite]) -> list[Job]:
        """The jobs of a command one by one, for who wants to know what became of each."""
        plugin = ScanCommandsRepository.get_implementation_cls(command)
        return self._jobs(plugin.scan_jobs_for_scan_command(self._server(version, suites), None))

    def talk(self, version: Version, request: bytes) -> bytes:
        """What a server answers to a request inside TLS, up to the first blank line, by whichever OpenSSL can.

        Raises:
            Exception: whatever ended it; `reason_of` says it in words.
        """
        failure: Exception = NotFinished("no version of TLS could be used")
        for legacy in {"TLS1.3": (False,), "TLS1.2": (False, True)}.get(version, (True,)):
            connection = self._server(version, ()).get_preconfigured_tls_connection(
                VERSIONS[version], should_use_legacy_openssl=legacy
            )
            if version != "TLS1.3":
                connection.ssl_client.set_cipher_list("ALL:COMPLEMENTOFALL:-PSK:-SRP")
            try:
                connection.connect()
            except Exception as error:  # noqa: BLE001 - the other OpenSSL may do better, whatever this one lacks
                failure = error
                continue
            else:
                return _head(connection, request, self._until)
            finally:
                connection.close()
        raise failure

    def _server(self, version: Version, suites: Sequence[Suite]) -> ServerConnectivityInfo:
        names = _openssl_names(version)
        known = [names[suite.name] for suite in suites if suite.name in names]
        probed = ServerTlsProbingResult(
            highest_tls_version_supported=VERSIONS[version],
            cipher_suite_supported=":".join(known) or "DEFAULT",
            client_auth_requirement=self._client,
            supports_ecdh_key_exchange=any("ECDHE" in suite.name for suite in suites),
        )
        return _Server(self._location, self._network, probed, self._always_named)

    def _jobs(self, jobs: Sequence[ScanJob]) -> list[Job]:
        """Run them, a few at once, as long as there is time and somebody answers."""
        timeouts = 0

        def one(job: ScanJob) -> Job:
            nonlocal timeouts
            if time.monotonic() > self._until:
                return Job(failure=NotFinished("no time was left"))
            if timeouts >= _ENOUGH_TIMEOUTS:
                return Job(failure=NotFinished("the server stopped answering"))
            try:
                value = job.function_to_call(*job.function_arguments)
            except Exception as error:  # noqa: BLE001 - a plugin's accident must not cost the other jobs
                timeouts += "timed out" in reason_of(error).lower()
                return Job(failure=error)
            timeouts += "timed out" in str(getattr(value, "error_message", ""))
            return Job(value)

        with ThreadPoolExecutor(self._question.per_server) as pool:
            return list(pool.map(one, jobs))


@contextmanager
def our_connections(question: TlsQuestion) -> Iterator[None]:
    """Let sslyze connect as we do: through our proxy and preambles, and with a name only if there is one."""

    class Connection(SslConnection):
        def __init__(self, *args: Any, **given: Any) -> None:
            named = given.pop("should_enable_server_name_indication", True) and question.name is not None
            super().__init__(*args, **{**given, "should_enable_server_name_indication": named})

        def _do_pre_handshake(self) -> None:
            try:
                sock = connect(question).detach(question.timeout)
            except Silent as failure:
                raise TimeoutError(str(failure)) from None
            except (Refused, Reset) as failure:
                raise ConnectionResetError(str(failure)) from None
            except StarttlsRefused as failure:
                raise ServerRejectedOpportunisticTlsNegotiation(
                    self._server_location, self._network_configuration, str(failure)
                ) from None
            except NoConversation as failure:
                raise OSError(str(failure)) from None
            self.ssl_client.set_underlying_socket(sock)

        def close(self) -> None:
            super().close()
            sock = self.ssl_client.get_underlying_socket()
            if sock is not None:
                sock.close()

    before = SslConnection
    setattr(sslyze_seam, "SslConnection", Connection)  # noqa: B010 - the one seam that all its plugins share
    try:
        yield
    finally:
        setattr(sslyze_seam, "SslConnection", before)  # noqa: B010 - as it was


def insists(question: TlsQuestion) -> ClientAuthRequirementEnum:
    """Whether a server that asks for a client certificate goes on without one.

    Raises:
        ConnectionToServerFailed: no handshake was possible at all.
    """
    location = ServerNetworkLocation(question.name or question.address, question.port, question.address)
    return sslyze_seam.check_connectivity_to_server(location, _network(question)).client_auth_requirement


def reason_of(error: Exception) -> str:
    """Why a command failed, in words."""
    if isinstance(error, ClientCertificateRequested):
        return "CLIENT_CERTIFICATE_NEEDED: the server insists on a client certificate"
    if isinstance(error, ConnectionToServerFailed):
        return f"CONNECTIVITY_ISSUE: {error.error_message}"
    if isinstance(error, NotFinished):
        return f"NOT_FINISHED: {error}"
    if isinstance(error, OSError):
        return f"CONNECTIVITY_ISSUE: {error}"
    return f"BUG_IN_SSLYZE: {type(error).__name__}: {error}"[:300]


@dataclass(frozen=True)
class _Server(ServerConnectivityInfo):
    """Some checks are sent without a name, which a server that insists on one declines."""

    always_named: bool = False

    def get_preconfigured_tls_connection(
        self,
        override_tls_version: TlsVersionEnum | None = None,
        ca_certificates_path: Path | None = None,
        should_use_legacy_openssl: bool | None = None,
        should_enable_server_name_indication: bool = True,
    ) -> SslConnection:
        """As the parent does it."""
        return super().get_preconfigured_tls_connection(
            override_tls_version,
            ca_certificates_path,
            should_use_legacy_openssl,
            should_enable_server_name_indication or self.always_named,
        )


def _head(connection: SslConnection, request: bytes, until: float) -> bytes:
    connection.ssl_client.write(request)
    head = b""
    while b"\r\n\r\n" not in head and len(head) < _LONGEST_HEAD and time.monotonic() < until:
        try:
            head += connection.ssl_client.read(4_096)
        except OSError:
            break
    return head


def _network(question: TlsQuestion) -> ServerNetworkConfiguration:
    credentials = None
    if question.client_certificate is not None:
        chain, key = question.client_certificate
        credentials = ClientAuthenticationCredentials(Path(chain), Path(key))
    return ServerNetworkConfiguration(
        tls_server_name_indication=question.name or question.address,
        tls_client_auth_credentials=credentials,
        network_timeout=ceil(question.timeout),
        network_max_retries=2,
    )


def _openssl_names(version: Version) -> Mapping[str, str]:
    return {suite.name: suite.openssl_name for suite in CipherSuitesRepository.get_all_cipher_suites(VERSIONS[version])}
