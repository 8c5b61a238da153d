"""The command `roundsman`; reading commands start fast because nothing here imports Prefect before a scan needs it."""

import gc
import sys


def main() -> None:
    """Run the command line and exit with its code."""
    from estate.store.cycles import rarely_searched

    # A command lives for seconds: searching for garbage, and once more at its end, is a third of what a reading costs.
    with rarely_searched():
        from deployments.command.app import run  # shell completion and --help need no database

        code = run(sys.argv[1:])
        gc.freeze()
    sys.exit(code)
