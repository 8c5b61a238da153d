"""The commands by name, and one edge at which every error becomes a sentence and an exit code."""

import os
from collections.abc import Sequence

import typer
from typer.exceptions import TyperException

from deployments.command import keeping, reading, reports, scanning, settling
from deployments.command.printing import complain
from estate.errors import RoundsmanError

app = typer.Typer(
    name="roundsman",
    help="Makes the rounds of your own estate and says what changed since last time, and how sure it is.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
for module in (keeping, scanning, reading, settling, reports):
    module.register(app)


def run(arguments: Sequence[str]) -> int:
    """Run one command and give its exit code.

    0 done, 1 above --fail-on, 2 wrong use, 3 could not look, 4 out of scope, 130 interrupted.
    """
    try:
        code = app(args=list(arguments) or ["--help"], prog_name="roundsman", standalone_mode=False)
    except RoundsmanError as error:
        complain(str(error))
        return error.exit_code
    except TyperException as error:
        complain(f"{error.format_message()} (see `roundsman {' '.join(arguments[:1])} --help`)")
        return 2
    except typer.Abort:
        complain("interrupted; what was stored is kept, and nothing half-settled counts")
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 0
    return code if isinstance(code, int) else 0
