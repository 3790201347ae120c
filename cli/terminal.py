"""Where output goes: results to standard output, everything else to standard error."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn

import typer

from .exits import PROBLEMS

if TYPE_CHECKING:
    from rich.console import Console

PLAIN_WIDTH = 100
"""Columns of tables that go to a file or a pipe."""


def fail(message: str, code: int = PROBLEMS) -> NoReturn:
    """Say what is wrong on standard error and leave with this status."""
    note(f"error: {message}")
    raise typer.Exit(code)


def note(message: str) -> None:
    from steersman.ppl.visible import visible

    typer.echo(visible(message), err=True)


def watched() -> bool:
    """Whether someone is looking: then bars and colours are shown."""
    return sys.stdout.isatty() and sys.stderr.isatty()


def console() -> Console:
    """Standard output, with colours where it is a terminal."""
    from rich.console import Console

    width = None if sys.stdout.isatty() else PLAIN_WIDTH
    return Console(width=width, markup=False, highlight=False, soft_wrap=False)


@contextmanager
def warnings_as_notes(quiet: bool) -> Iterator[None]:
    """Python's warnings as one line each on standard error, or not at all."""

    def show(message: Warning | str, category: type[Warning], *_: Any) -> None:
        if not quiet:
            note(f"warning: {message}")

    with warnings.catch_warnings():
        warnings.simplefilter("always", UserWarning)
        warnings.showwarning = show  # type: ignore[assignment]
        yield
