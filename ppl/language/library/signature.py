"""What the built-ins of the language are called with: one table for the interpreter, the checks and the reference."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal[
    "any", "none", "bool", "int", "float", "str", "list", "dict", "model", "context", "token", "text", "distribution",
    "constraint", "mask", "function", "reward",
]
"""The closed set of kinds of values. "token" and "text" are the distributions of a next token and of a text; a drawn
text is a "str". An int is accepted where a float is."""


@dataclass(frozen=True, slots=True)
class Argument:
    """kinds: what it may be. required: it has no default. keyword: it is given by its name only."""

    name: str
    kinds: tuple[Kind, ...] = ("any",)
    required: bool = True
    keyword: bool = False


@dataclass(frozen=True, slots=True)
class Builtin:
    """A function, or a member of a kind of value (whose `arguments` leave the value itself out).

    variadic: further positional arguments of the last one's kinds are taken. effect: the function makes an `Effect`
    that the program awaits (`lm.score`). property: read without a call (`text.finish`). metered: the function is given
    the `Meter` of the run before its arguments, because what it makes can be large. doc: one line.
    example: an expression for the reference, which a test evaluates where it stands alone.
    """

    name: str
    arguments: tuple[Argument, ...]
    returns: Kind
    function: Callable[..., Any]
    doc: str
    example: str | None = None
    variadic: bool = False
    effect: bool = False
    property: bool = False
    metered: bool = False
