"""`steersman methods`: what there is to infer with."""

from __future__ import annotations

from typing import Annotated

import typer

from .catalogue import Method, all_methods, beginning
from .option import find_method
from .record import print_json
from .terminal import console


def methods(
    name: Annotated[str | None, typer.Argument(
        help="One method: its documentation and options.", autocompletion=beginning)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON list on standard output.")] = False,
) -> None:
    """List the methods of inference and their options, for `run --method NAME --option KEY=VALUE`."""
    listed = all_methods() if name is None else [find_method(name)]
    if as_json:
        print_json([_record(m) for m in listed])
    elif name is not None:
        typer.echo(f"{listed[0].name}  ({listed[0].python})\n\n{listed[0].doc}\n\nOptions:")
        for option in listed[0].options.values():
            typer.echo(f"  {option}")
    else:
        _table(listed)


def _table(listed: list[Method]) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("method", no_wrap=True)
    table.add_column("what it does, and its options", overflow="fold")
    for m in listed:
        table.add_row(m.name, f"{m.line}\n[{', '.join(m.options)}]")
    console().print(table)


def _record(method: Method) -> dict[str, object]:
    return {
        "name": method.name, "class": method.python, "summary": method.line, "population": method.population,
        "options": [
            {"name": o.name, "type": o.type, "required": o.required,
             "default": o.default if isinstance(o.default, (int, float, str, type(None))) else str(o)}
            for o in method.options.values()
        ],
    }
