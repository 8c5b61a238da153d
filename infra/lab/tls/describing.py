"""The estate.toml that points Roundsman at servers of the lab."""

from collections.abc import Collection
from pathlib import Path

from infra.lab.tls.case import Case


def estate_of(cases: Collection[Case], roots: Path) -> str:
    """One scope that names each loopback address, since none is taken in by a wider network, and every endpoint."""
    hosts = [f"{case.address}/{128 if ':' in case.address else 32}" for case in cases]
    networks = "\n".join(f'    "{host}",' for host in dict.fromkeys(hosts))
    endpoints = "\n".join(_endpoint(case) for case in cases)
    return f"""\
[estate]
name = "TLS lab"

[[scopes]]
name = "tls-lab"
authorised_by = "whoever started the lab"
pace = 20000
networks = [
{networks}
]

[tls]
roots = "{roots}"

{endpoints}"""


def _endpoint(case: Case) -> str:
    lines = ["[[endpoints]]", f'host = "{case.address}"', f"port = {case.port}"]
    if case.sni is not None:
        lines.append(f'name = "{case.sni}"')
    if case.starttls is not None:
        lines.append(f'starttls = "{case.starttls}"')
    return "\n".join(lines) + "\n"
