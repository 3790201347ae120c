"""`steersman check`: what is wrong with a program, before anything runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from .exits import PROBLEMS
from .record import print_json
from .source import Imports, read_source
from .terminal import note

if TYPE_CHECKING:
    from steersman.ppl.language.diagnostics import Diagnostic


def check(
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help=".steer files; - is standard input.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON list of diagnostics on standard output.")] = False,
) -> None:
    """Find the mistakes of programs without running them: status 1 if there are any."""
    found = [d for file in files for d in diagnostics_of(file)]
    if as_json:
        print_json([d.to_json() for d in found])
    else:
        for diagnostic in found:
            typer.echo(f"{diagnostic}\n")
    errors = sum(d.severity == "error" for d in found)
    if not as_json and found:
        note(f"{_count(errors, 'error')}, {_count(len(found) - errors, 'warning')}")
    if errors:
        raise typer.Exit(PROBLEMS)


def diagnostics_of(file: str) -> list[Diagnostic]:
    """Of one file, `-` for standard input."""
    from steersman.ppl.language import check as found_in

    source, path = read_source(file)
    return found_in(source, path, loader=Imports(file))


def _count(n: int, what: str) -> str:
    return f"{n} {what}{'s' * (n != 1)}"
