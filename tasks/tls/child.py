"""The one process that a server can hang or crash: `python -m tasks.tls.child QUESTION.json EVIDENCE.json`."""

import json
import os
import sys
import time
from pathlib import Path

from estate.tls.evidence import Hello
from tasks.tls.document import write
from tasks.tls.interview import interview
from tasks.tls.question import TlsQuestion


def main(question_path: str, evidence_path: str, seconds: float) -> None:
    """Ask, and write each time that something more is known: what is written survives us."""
    given = json.loads(Path(question_path).read_text("utf-8"))
    question = TlsQuestion.from_json(json.dumps(given["question"]))
    for document in interview(question, Hello(**given["hello"]), time.monotonic() + seconds):
        write(document, Path(evidence_path))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]))
    # Threads that wait for a server need not be waited for.
    sys.stderr.flush()
    os._exit(0)
