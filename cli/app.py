"""The command and its sub-commands."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from .bench import bench
from .check import check
from .exits import EPILOG
from .fmt import fmt
from .methods import methods
from .models import models
from .run import run

app = typer.Typer(
    name="steersman", no_args_is_help=True, pretty_exceptions_enable=False, epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Steer language models by probabilistic programs: one program, any inference method, the right posterior.",
)
for command in (run, check, fmt, methods, models, bench):
    app.command(epilog=EPILOG)(command)


def _show_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import PackageNotFoundError, version

        try:
            typer.echo(f"steersman {version('steersman')}")
        except PackageNotFoundError:  # run from the source tree
            typer.echo("steersman (not installed)")
        raise typer.Exit


@app.callback()
def _every_command(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    for stream in (sys.stdout, sys.stderr):  # a terminal that lacks a character shows its escape instead of an error
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
