"""The one process that a server can hang or crash: `python -m tasks.tls.child HANDOVER.json EVIDENCE.json SECONDS`."""

import os
import sys
import time
from pathlib import Path

from tasks.tls.document import write
from tasks.tls.handover import Handover
from tasks.tls.interview import interview


def main(handover_path: str, evidence_path: str, seconds: float) -> None:
    """Ask, and write each time that something more is known: what is written survives us."""
    handover = Handover.from_json(Path(handover_path).read_text("utf-8"))
    for document in interview(handover, time.monotonic() + seconds):
        write(document, Path(evidence_path))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]))
    # Threads that wait for a server need not be waited for.
    sys.stderr.flush()
    os._exit(0)
