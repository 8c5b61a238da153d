"""The cloud's metadata service: whether it gives its answers, and a role's credentials among them, without a token."""

from collections.abc import Iterator

from estate.findings import Severity
from estate.hosts.checks import Check, Problem
from estate.hosts.hardening.told import first, told
from estate.hosts.host import Host

_GIVES_ROLES = ("amazon", "alibaba")
"""Makers whose service hands out an instance's credentials by a plain GET; Azure's and Google's want a header."""


def answers_anybody(host: Host) -> Iterator[Problem]:
    """HOST-HRD-007; asked at the level `cloud` only, since no other part of the collector ever connects anywhere."""
    said = told(host, "metadata")
    if first(said, "status") == "200":
        maker = f"{first(said, 'vendor')} {first(said, 'product')}".lower()
        severity = Severity.HIGH if any(each in maker for each in _GIVES_ROLES) else Severity.MEDIUM
        yield Problem("169.254.169.254", severity, "GET /latest/meta-data/ without a token: 200")


CHECKS = (
    Check(
        id="HOST-HRD-007",
        title="The metadata service answers without a token: one forged request gives away credentials",
        run=answers_anybody,
        remediation=(
            "aws ec2 modify-instance-metadata-options --instance-id INSTANCE --http-tokens required "
            "--http-put-response-hop-limit 1; elsewhere, keep it from every process but root's: "
            "nft add rule inet filter output ip daddr {resource} meta skuid != 0 reject"
        ),
        controls=("4.6",),
        attack=("T1552.005",),
    ),
)
