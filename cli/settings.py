"""The parameters of a program from `--set name=value`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NoReturn

from .exits import USAGE
from .terminal import fail

if TYPE_CHECKING:
    from steersman.ppl.language.nodes import Definition, Parameter

_EXPECTED = {
    "int": "a whole number", "float": "a number", "bool": "true or false", "list": 'a JSON list, such as ["a", "b"]',
    "dict": 'a JSON object, such as {"a": 1}',
}
_KINDS: dict[str, tuple[type, ...]] = {"int": (int,), "float": (int, float), "list": (list,), "dict": (dict,)}
_BOOLS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def read_settings(program: Definition, given: Mapping[str, str]) -> dict[str, Any]:
    """Parameter -> value, read by its declared type; without one as JSON where it is JSON, else as text.

    Leaves with status 2, naming all of them, for unknown, missing or ill-typed parameters.
    """
    parameters = {p.name: p for p in program.parameters}
    wrong = [f"it has no parameter {name!r}" for name in given if name not in parameters]
    needed = [p for p in program.parameters if p.default is None and p.name not in given]
    wrong += [f"it needs {p.name!r}: --set {p.name}=..." for p in needed]
    values = {}
    for name, text in given.items():
        if name in parameters:
            try:
                values[name] = read_value(parameters[name].type, text)
            except ValueError as error:
                wrong.append(f"--set {name}={text}: {error}")
    if wrong:
        signature = ", ".join(map(_shown, program.parameters))
        fail(f"program {program.name}({signature}): " + "; ".join(wrong), USAGE)
    return values


def read_value(declared: str | None, text: str) -> Any:
    """A text as a value of the declared type. Raises ValueError saying what was expected."""
    if declared == "str":
        return text
    if declared == "bool":
        if text.lower() not in _BOOLS:
            raise ValueError("expected true or false")
        return _BOOLS[text.lower()]
    try:
        value = json.loads(text, parse_constant=_no_constant)
    except (json.JSONDecodeError, _NoConstant, RecursionError):
        value = text
    if declared is None:
        return value
    if isinstance(value, bool) or not isinstance(value, _KINDS[declared]):
        raise ValueError(f"expected {_EXPECTED[declared]}")
    return float(value) if declared == "float" and isinstance(value, int) else value


class _NoConstant(ValueError):
    """NaN or Infinity, which JSON does not have."""


def _no_constant(name: str) -> NoReturn:
    raise _NoConstant(name)


def _shown(parameter: Parameter) -> str:
    kind = f": {parameter.type}" if parameter.type else ""
    return f"{parameter.name}{kind}{' = ...' if parameter.default is not None else ''}"
