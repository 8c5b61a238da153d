"""The command `roundsman`; reading commands start fast because nothing here imports Prefect before a scan needs it."""

import gc
import sys


def main() -> None:
    """Run the command line and exit with its code."""
    # A command lives for seconds and makes few cycles: looking for them is a third of what a large settlement costs,
    # and looking once more at everything that was imported is a third of what a short reading costs.
    gc.set_threshold(1_000_000, 50, 100)
    from deployments.command.app import run  # shell completion and --help need no database

    code = run(sys.argv[1:])
    gc.freeze()
    sys.exit(code)
