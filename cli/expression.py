"""The values of method options: numbers, words, lists, and calls that make kernels, schedules and starts.

    factor    0.5    ["token", every(8)]    mix(suffix(), site("x"), weights=[3, 1])    SMC(16)
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import Any

MAKERS = (
    "site", "suffix", "block", "edit", "subprogram", "conditional", "random_walk", "hmc", "nuts", "particle_gibbs",
    "mix", "cycle", "every", "anneal", "ladder", "SMC", "Importance", "Rejection",
)
"""What may be called, of `steersman.inference`."""
_CONSTANTS = {"true": True, "false": False, "none": None, "null": None}


def makers() -> dict[str, Callable[..., Any]]:
    import steersman.inference

    return {name: getattr(steersman.inference, name) for name in MAKERS}


def evaluate(text: str) -> Any:
    """The value of a text; one that is no expression is a plain string.

    Nothing but literals and calls of MAKERS is evaluated. Raises ValueError, saying why, for anything else, and what
    the makers raise.
    """
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return text
    if isinstance(tree, (ast.BinOp, ast.Attribute)):  # a site such as a-b
        return text
    return _value(tree, makers())


def _value(node: ast.expr, known: Mapping[str, Callable[..., Any]]) -> Any:
    match node:
        case ast.Constant(value=bool() | int() | float() | str() | None):
            return node.value
        case ast.Name(id=name):
            return _CONSTANTS.get(name.lower(), name)
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as number)):
            return -number
        case ast.List(elts=items) | ast.Set(elts=items):
            return [_value(i, known) for i in items]
        case ast.Tuple(elts=items):
            return tuple(_value(i, known) for i in items)
        case ast.Dict(keys=keys, values=values) if None not in keys:
            return {_value(k, known): _value(v, known) for k, v in zip(keys, values, strict=True) if k is not None}
        case ast.Call(func=ast.Name(id=name), args=args, keywords=keywords):
            if name not in known:
                raise ValueError(f"{name!r} cannot be called here; known are {', '.join(sorted(known))}")
            given = {k.arg: _value(k.value, known) for k in keywords if k.arg is not None}
            return known[name](*[_value(a, known) for a in args], **given)
    raise ValueError(f"{ast.unparse(node)!r} is no number, word, list or call")
