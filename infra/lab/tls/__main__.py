"""`python -m infra.lab.tls [NAME …]`: run the lab until Ctrl-C, and show how to point Roundsman at it."""

import signal
import sys

from infra.lab.tls.case import Case
from infra.lab.tls.lab import TlsLab, tls_lab


def main() -> None:
    """Show what runs, and wait."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with tls_lab(sys.argv[1:] or None) as lab:
        print(_table(lab))
        print(_estate(lab), flush=True)
        try:
            signal.pause()
        except KeyboardInterrupt:
            print("stopping")


def _table(lab: TlsLab) -> str:
    rows = [("case", "endpoint", "name", "STARTTLS", "grade", "trust aside", "why")]
    rows += [
        (
            case.name, case.endpoint, case.sni or "-", case.starttls or "-", case.expected_grade or "none",
            case.expected_trust_ignored or "none", case.why,
        )
        for case in lab.cases.values()
    ]  # fmt: skip
    widths = [max(len(row[column]) for row in rows) for column in range(6)]
    shown = ["  ".join((*(f"{row[n]:{widths[n]}}" for n in range(6)), row[6])) for row in rows]
    return "\n".join((*shown, "", f"roots: {lab.roots}", f"intermediates: {lab.intermediates}", ""))


def _estate(lab: TlsLab) -> str:
    """What estate.toml needs: a scope that names each loopback address, since none is taken in by a wider network."""
    hosts = [f"{case.address}/{128 if ':' in case.address else 32}" for case in lab.cases.values()]
    networks = "\n".join(f'    "{host}",' for host in dict.fromkeys(hosts))
    endpoints = "\n".join(_endpoint(case) for case in lab.cases.values())
    return f"""\
[estate]
name = "TLS lab"

[[scopes]]
name = "tls-lab"
authorised_by = "whoever started the lab"
networks = [
{networks}
]

[tls]
roots = "{lab.roots}"

{endpoints}"""


def _endpoint(case: Case) -> str:
    lines = ["[[endpoints]]", f'host = "{case.address}"', f"port = {case.port}"]
    if case.sni is not None:
        lines.append(f'name = "{case.sni}"')
    if case.starttls is not None:
        lines.append(f'starttls = "{case.starttls}"')
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
