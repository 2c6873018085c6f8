"""The program itself: its commands, and how it ends when something is wrong.

Exit status: 0 fine; 1 a check failed; 2 bad input; 130 interrupted; 141 nobody reads any more.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from proxysim.cli import (
    calibrate,
    compare,
    export,
    forward,
    learn,
    live,
    plan,
    play,
    reverse,
    run,
    scenarios,
    schema,
    show,
    sweep,
    validate,
)
from proxysim.errors import ProxysimError

__all__ = ["app", "main"]

INTERRUPTED = 130  # 128 + SIGINT
NOBODY_READS = 141  # 128 + SIGPIPE


class Commands(TyperGroup):
    """The commands; what they raise on purpose becomes one message and an exit status."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that *ctx* names."""
        try:
            try:
                result = super().invoke(ctx)
            finally:
                sys.stdout.flush()  # a reader that has gone is noticed here, not at exit
        except ProxysimError as error:
            typer.echo(f"error: {error}", err=True)
            raise typer.Exit(error.exit_status) from None
        except KeyboardInterrupt:
            typer.echo("interrupted", err=True)
            raise typer.Exit(INTERRUPTED) from None
        except BrokenPipeError:
            _write_no_more()
            raise typer.Exit(NOBODY_READS) from None
        except OSError as error:
            if error.filename is not None:
                raise
            _write_no_more()
            typer.echo(f"error: standard output cannot be written to: {error.strerror}", err=True)
            raise typer.Exit(ProxysimError.exit_status) from None
        return result


def _write_no_more() -> None:
    """Let what is still to be written to standard output go nowhere."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


app = typer.Typer(
    name="proxysim",
    cls=Commands,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Begin with: proxysim run office-forward-proxy --without gateway",
)
app.command("scenarios")(scenarios.scenarios)
app.command("show")(show.show)
app.command("run")(run.run)
app.command("play")(play.play)
app.command("compare")(compare.compare)
app.command("sweep")(sweep.sweep)
app.command("plan")(plan.plan)
app.command("learn")(learn.learn)
app.command("schema")(schema.schema)
app.command("forward")(forward.forward)
app.command("reverse")(reverse.reverse)
app.command("live")(live.live)
app.command("validate")(validate.validate)
app.command("calibrate")(calibrate.calibrate)
app.command("export")(export.export)


def _version(wanted: bool) -> None:
    if wanted:
        import proxysim

        typer.echo(f"proxysim {proxysim.__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Say which, and leave."),
    ] = False,
) -> None:
    """See what forward and reverse proxies do, experiment with them, and check that it is true."""


def main() -> None:
    """Run the program on the process's arguments."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, OSError):
            stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    app()
