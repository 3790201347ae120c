"""Programs that run without having been checked, so that the interpreter has to stand alone."""

from __future__ import annotations

from typing import Any

from steersman.models import TableLM
from steersman.ppl.language import Diagnostic, Limits, Module, SteerError, parse
from steersman.ppl.language.compile import compile_file
from steersman.ppl.language.loader import no_imports

LM = TableLM.random(4, seed=1)


def unchecked(source: str, limits: Limits | None = None) -> Module:
    return compile_file(parse(source, "t.steer"), {"lm": LM}, {}, limits or Limits(), no_imports)


def evaluate(expression: str, limits: Limits | None = None, before: str = "") -> Any:
    """The value of an expression in a pure function; f is a `def`."""
    source = f"{before}\ndef f(x):\n    return True\n\ndef value():\n    return {expression}\n"
    return unchecked(source, limits).functions["value"]()


def failure(expression: str, limits: Limits | None = None, before: str = "") -> Diagnostic:
    """The one diagnostic of an expression that fails."""
    try:
        value = evaluate(expression, limits, before)
    except SteerError as error:
        (diagnostic,) = error.diagnostics
        return diagnostic
    raise AssertionError(f"{expression} gave {value!r:.100}")
