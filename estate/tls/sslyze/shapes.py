"""What a server looks like in the JSON of sslyze's command line (`--json_out`), as far as anything is read from it.

The names are those of sslyze 5 and 6 (`sslyze/json/json_output.py`); what a version adds beside them is passed over.
"""

from collections.abc import Mapping
from typing import Annotated, Generic, Literal, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

_Text = Annotated[str, Field(max_length=100_000)]
_Name = Annotated[str, Field(max_length=200)]
_Bits = Annotated[int, Field(ge=0, le=1_000_000)]


class _Told(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


Result = TypeVar("Result", bound=_Told)


class Attempt(_Told, Generic[Result]):
    """One scan command: its result, or why there is none."""

    status: Literal["COMPLETED", "ERROR", "NOT_SCHEDULED"]
    error_reason: _Name | None = None
    result: Result | None = None


class Suite(_Told):
    """A cipher suite by its IANA name."""

    name: _Name
    openssl_name: _Name
    is_anonymous: bool = False


class EphemeralKey(_Told):
    """What came with it."""

    type_name: _Name
    size: _Bits
    curve_name: _Name | None = None


class Accepted(_Told):
    """A suite that was taken."""

    cipher_suite: Suite
    ephemeral_key: EphemeralKey | None = None


class Rejected(_Told):
    """A suite that was not, in sslyze's words."""

    error_message: _Text


class Suites(_Told):
    """What became of one version of the protocol."""

    is_tls_version_supported: bool
    accepted_cipher_suites: Annotated[tuple[Accepted, ...], Field(max_length=1_000)]
    rejected_cipher_suites: Annotated[tuple[Rejected, ...], Field(max_length=1_000)]


class Pem(_Told):
    """A certificate as it was sent."""

    as_pem: _Text


class Staple(_Told):
    """What sslyze keeps of a stapled answer: not its bytes."""

    response_status: _Name
    certificate_status: _Name | None = None


class Deployment(_Told):
    """A chain, leaf first."""

    received_certificate_chain: Annotated[tuple[Pem, ...], Field(max_length=1_000)]
    ocsp_response: Staple | None = None
    ocsp_response_is_trusted: bool | None = None

    @property
    def revoked(self) -> bool:
        """Whether the staple says so."""
        return self.ocsp_response is not None and self.ocsp_response.certificate_status == "REVOKED"


class Certificates(_Told):
    """Every chain that was shown."""

    certificate_deployments: Annotated[tuple[Deployment, ...], Field(max_length=100)]
    certificate_deployment_with_sni_disabled: Deployment | None = None


class Truth(_Told):
    """A command with one answer: the named thing is there."""

    yes: bool


class Compression(Truth):
    """CRIME."""

    yes: bool = Field(alias="supports_compression")


class EarlyData(Truth):
    """0-RTT."""

    yes: bool = Field(alias="supports_early_data")


class Ccs(Truth):
    """CVE-2014-0224."""

    yes: bool = Field(alias="is_vulnerable_to_ccs_injection")


class Fallback(Truth):
    """RFC 7507."""

    yes: bool = Field(alias="supports_fallback_scsv")


class Heartbleed(Truth):
    """CVE-2014-0160."""

    yes: bool = Field(alias="is_vulnerable_to_heartbleed")


class Robot(_Told):
    """Bleichenbacher's oracle."""

    robot_result: _Name


class Renegotiation(_Told):
    """RFC 5746, and whether a client may renegotiate without end."""

    supports_secure_renegotiation: bool
    is_vulnerable_to_client_renegotiation_dos: bool
    client_renegotiations_success_count: Annotated[int, Field(ge=0)] = 0


class Resumption(_Told):
    """By session id, by ticket."""

    session_id_resumption_result: _Name
    tls_ticket_resumption_result: _Name


class Curve(_Told):
    """A group for the key exchange."""

    name: _Name


class Curves(_Told):
    """Those that were taken."""

    supported_curves: Annotated[tuple[Curve, ...], Field(max_length=200)] | None = None


class Hsts(_Told):
    """As sslyze understood the header."""

    max_age: Annotated[int, Field(ge=0)] | None = None
    preload: bool = False
    include_subdomains: bool = False


class Headers(_Told):
    """The last of up to five responses, of which the others redirected to it."""

    http_error_trace: _Text | None = None
    http_path_redirected_to: _Text | None = None
    strict_transport_security_header: Hsts | None = None


class MasterSecret(Truth):
    """RFC 7627."""

    yes: bool = Field(alias="supports_ems_extension")


class Commands(_Told):
    """What was tried at a server; a command that a version of sslyze does not have was not tried."""

    certificate_info: Attempt[Certificates] | None = None
    ssl_2_0_cipher_suites: Attempt[Suites] | None = None
    ssl_3_0_cipher_suites: Attempt[Suites] | None = None
    tls_1_0_cipher_suites: Attempt[Suites] | None = None
    tls_1_1_cipher_suites: Attempt[Suites] | None = None
    tls_1_2_cipher_suites: Attempt[Suites] | None = None
    tls_1_3_cipher_suites: Attempt[Suites] | None = None
    tls_compression: Attempt[Compression] | None = None
    tls_1_3_early_data: Attempt[EarlyData] | None = None
    openssl_ccs_injection: Attempt[Ccs] | None = None
    tls_fallback_scsv: Attempt[Fallback] | None = None
    heartbleed: Attempt[Heartbleed] | None = None
    robot: Attempt[Robot] | None = None
    session_renegotiation: Attempt[Renegotiation] | None = None
    session_resumption: Attempt[Resumption] | None = None
    elliptic_curves: Attempt[Curves] | None = None
    http_headers: Attempt[Headers] | None = None
    tls_extended_master_secret: Attempt[MasterSecret] | None = None


class Location(_Told):
    """Whom it is about; behind a proxy nobody knows the address."""

    hostname: Annotated[str, Field(min_length=1, max_length=253)]
    port: Annotated[int, Field(ge=1, le=65_535)]
    ip_address: _Name | None = None


class Network(_Told):
    """How it was asked."""

    tls_server_name_indication: _Name
    tls_opportunistic_encryption: _Name | None = None


CLIENTS: Mapping[str, Literal["none", "optional", "required"]] = {
    "DISABLED": "none",
    "OPTIONAL": "optional",
    "REQUIRED": "required",
}
"""Whether client certificates are wanted, in our words."""


class Connectivity(_Told):
    """What sslyze's first handshake came to."""

    highest_tls_version_supported: _Name
    cipher_suite_supported: _Name
    client_auth_requirement: Literal["DISABLED", "OPTIONAL", "REQUIRED"]


class Server(_Told):
    """One server of the report."""

    server_location: Location
    network_configuration: Network
    connectivity_status: Literal["COMPLETED", "ERROR"]
    connectivity_error_trace: _Text | None = None
    connectivity_result: Connectivity | None = None
    scan_result: Commands | None = None


class Head(_Told):
    """What the report says beside its servers."""

    date_scans_started: AwareDatetime
    sslyze_version: _Name
    invalid_server_strings: tuple[dict[str, object], ...] = Field((), max_length=100_000)
