"""What became of one of sslyze's scan commands."""

from estate.text import printable
from estate.tls.sslyze.shapes import Attempt, Result

NOT_ASKED = "not asked"


def result_of(attempt: Attempt[Result] | None) -> tuple[Result | None, str]:
    """What a command found, or why there is nothing."""
    if attempt is None or attempt.status == "NOT_SCHEDULED":
        return None, NOT_ASKED
    if attempt.status == "ERROR" or attempt.result is None:
        return None, f"sslyze failed: {printable(attempt.error_reason or 'without a result', 80)}"
    return attempt.result, ""
