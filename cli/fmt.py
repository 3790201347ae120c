"""`steersman fmt`: programs in the one standard layout."""

from __future__ import annotations

import difflib
import os
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from .exits import PROBLEMS, USAGE
from .source import STDIN, read_source
from .terminal import fail, note


def fmt(
    files: Annotated[list[str], typer.Argument(
        metavar="FILE...", help=".steer files, rewritten in place; - formats standard input to standard output.")],
    check: Annotated[bool, typer.Option("--check", help="Write nothing: status 1 if a file would change.")] = False,
    diff: Annotated[bool, typer.Option("--diff", help="Write nothing: show what would change.")] = False,
) -> None:
    """Format programs. A file that does not parse is reported, not written; status 1 then."""
    from steersman.ppl.language import SteerError, format_source

    failed = changed = False
    for file in files:
        source, path = read_source(file)
        try:
            formatted = format_source(source, path)
        except SteerError as error:
            note(f"{error}\n")
            failed = True
            continue
        changes = formatted != source
        changed |= changes
        if diff:
            typer.echo(_difference(source, formatted, path), nl=False)
        if check:
            if changes:
                note(f"would reformat {path}")
        elif file == STDIN and not diff:
            typer.echo(formatted, nl=False)
        elif changes and not diff:
            _replace(Path(file), formatted)
            note(f"reformatted {file}")
    if failed or (changed and check):
        raise typer.Exit(PROBLEMS)


def _difference(before: str, after: str, path: str) -> str:
    lines = difflib.unified_diff(
        before.splitlines(keepends=True), after.splitlines(keepends=True), f"{path} (as it is)", f"{path} (formatted)"
    )
    return "".join(line if line.endswith("\n") else line + "\n\\ No newline at end of file\n" for line in lines)


def _replace(path: Path, text: str) -> None:
    """Write a file all at once, with the mode it had; a link keeps pointing to it."""
    target = path.resolve()
    try:
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as out:
            out.write(text)
        os.chmod(name, target.stat().st_mode)
        os.replace(name, target)
    except OSError as error:
        fail(f"{path}: {error.strerror or error}", USAGE)
