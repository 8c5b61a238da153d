"""The commands by name, and one edge at which every error becomes a sentence and an exit code."""

import os
import traceback
from collections.abc import Sequence
from typing import Annotated

import typer
from typer.exceptions import TyperException

from deployments.command import auditing, gating, grading, importing, keeping, reading, reports, scanning, settling, up
from deployments.command.leaving import INTERRUPTED, SAID
from deployments.command.printing import complain, prepare_streams, show
from estate.errors import BadInput, CouldNotLook, RoundsmanError

app = typer.Typer(
    name="roundsman",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
)
for module in (keeping, scanning, grading, auditing, gating, reading, settling, reports, importing, up):
    module.register(app)


@app.callback(invoke_without_command=True)
def roundsman(
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    """Makes the rounds of your own estate and says what changed since last time, and how sure it is."""
    if version:
        from importlib.metadata import version as installed

        show(f"roundsman {installed('roundsman')}")
        raise typer.Exit


def run(arguments: Sequence[str]) -> int:
    """Run one command and give its exit code.

    0 done, 1 above --fail-on, 2 wrong use or a bad file, 3 could not look, 4 out of scope, 130 interrupted.
    """
    prepare_streams()
    try:
        code = app(args=list(arguments) or ["--help"], prog_name="roundsman", standalone_mode=False)
    except RoundsmanError as error:
        complain(str(error))
        return error.exit_code
    except TyperException as error:
        known = arguments and not arguments[0].startswith("-") and "No such command" not in error.format_message()
        what = error.format_message().replace("Value error, ", "").rstrip(".")
        complain(f"{what}; see `roundsman {f'{arguments[0]} ' if known else ''}--help`")
        return BadInput.exit_code
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        complain(f"{where}{error.strerror or error}")
        return BadInput.exit_code
    except Exception as error:  # noqa: BLE001  # whatever happens, 1 would say that something was found
        return _fault(error)
    if code == INTERRUPTED:
        complain(SAID)
    return code if isinstance(code, int) else 0


def _fault(error: Exception) -> int:
    """Say that Roundsman itself is at fault: it could not look, and found neither something nor nothing."""
    if os.environ.get("ROUNDSMAN_TRACEBACK"):
        traceback.print_exception(error)
    lines = str(error).splitlines()
    complain(f"a fault of Roundsman itself: {type(error).__name__}: {lines[0] if lines else 'no message'}")
    complain("run it again with ROUNDSMAN_TRACEBACK=1 to see where, and please report it")
    return CouldNotLook.exit_code
