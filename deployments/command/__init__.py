"""The command `roundsman`; reading commands start fast because nothing here imports Prefect before a scan needs it."""

import sys


def main() -> None:
    """Run the command line and exit with its code."""
    from deployments.command.app import run  # shell completion and --help need no database

    sys.exit(run(sys.argv[1:]))
