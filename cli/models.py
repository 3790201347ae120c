"""`steersman models`: facts about a checkpoint, read without loading its weights."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from .record import print_json
from .terminal import fail


def models(
    path: Annotated[str | None, typer.Argument(
        help="A model folder or org/name; the embedded story model if left out.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Show architecture, parameters, context and tokenizer of a model."""
    from steersman.models import ModelError
    from steersman.models.facts import facts

    try:
        found = facts(path)
    except ModelError as error:
        fail(str(error))
    if as_json:
        print_json(found)
        return
    width = max(map(len, found)) + 2
    for name, value in found.items():
        typer.echo(f"{name.replace('_', ' '):<{width}}{_shown(value)}")


def _shown(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return {None: "-", True: "yes", False: "no"}.get(value, str(value)) if not isinstance(value, str) else value
