"""`python -m infra.lab.tls [NAME …]`: run the lab until Ctrl-C, and show how to point Roundsman at it."""

import signal
import sys

from infra.lab.tls.describing import estate_of
from infra.lab.tls.lab import TlsLab, tls_lab


def main() -> None:
    """Show what runs, and wait."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with tls_lab(sys.argv[1:] or None) as lab:
        print(_table(lab))
        print(estate_of(lab.cases.values(), lab.roots), flush=True)
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


if __name__ == "__main__":
    main()
