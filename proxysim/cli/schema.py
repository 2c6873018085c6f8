"""``proxysim schema``: the grammar of scenarios, for editors."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from proxysim.errors import ResultError

__all__ = ["schema"]


def schema(
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write it there instead.")
    ] = None,
) -> None:
    """Print the JSON Schema of scenario files."""
    from proxysim.scenario.reference import schema_text

    if out is None:
        typer.echo(schema_text(), nl=False)
        return
    try:
        out.write_text(schema_text(), encoding="utf-8")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ResultError(
            f"cannot be written: {reason}",
            place=str(out),
            mend="Name a file that can be made.",
        ) from None
    typer.echo(f"wrote {out}", err=True)
