"""A method from its name and the `--option name=value` of the command line."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from .catalogue import Method, Option, all_methods, find
from .exits import USAGE
from .expression import evaluate, makers
from .terminal import fail

_SIMPLE: dict[str, tuple[type, ...]] = {
    "int": (int,), "float": (int, float), "bool": (bool,), "str": (str,), "None": (type(None),),
}
_EXPECTED = {"int": "a whole number", "float": "a number", "bool": "true or false", "str": "a word", "None": "none"}
_MAKERS = ("Kernel", "Move", "Anneal")


def find_method(name: str) -> Method:
    """Leaves with status 2 for an unknown name."""
    method = find(name)
    if method is None:
        names = [m.name for m in all_methods()]
        close = difflib.get_close_matches(name.lower(), names, 1)
        meant = f" (did you mean {close[0]!r}?)" if close else ""
        fail(f"--method {name}: there is no such method{meant}; known are {', '.join(names)}", USAGE)
    return method


def build(method: Method, given: Mapping[str, str], population: int | None, programs: Mapping[str, Any],
          model: Any) -> Any:
    """The method with its options. programs: those of the file, which `proposal` and `guide` may name; model: what
    `guide=auto` is a guide of. Leaves with status 2 for unknown, missing or ill-typed options."""
    values = read(method, given, population)
    for name in values.keys() & {"proposal", "guide"}:
        values[name] = _program(name, values[name], programs, model)
    try:
        return method.make(**values)
    except (TypeError, ValueError, KeyError) as error:
        fail(f"--method {method.name}: {error}", USAGE)


def read(method: Method, given: Mapping[str, str], population: int | None) -> dict[str, Any]:
    """Argument -> value. Leaves with status 2 as `build` does."""
    options = method.options
    if unknown := [name for name in given if name not in options]:
        listed = "\n  ".join(str(o) for o in options.values())
        fail(f"--option {unknown[0]}: {method.name} has no such option; it has\n  {listed}", USAGE)
    values = {o.name: o.default for o in options.values() if o.needed and not o.required}
    if population is not None:
        if method.population is None:
            fail(f"--particles {population}: {method.name} has no population", USAGE)
        values[method.population] = population
    values |= {name: _read(method, options[name], text) for name, text in given.items()}
    if missing := [o for o in options.values() if o.required and o.name not in values]:
        needs = " ".join(f"--option {o.name}=..." for o in missing)
        fail(f"--method {method.name} needs {needs} ({', '.join(map(str, missing))})", USAGE)
    return values


def _read(method: Method, option: Option, text: str) -> Any:
    """The value of an option, of a type that its annotation names; what only the class can judge is left to it."""
    moves = any(maker in option.type for maker in _MAKERS)
    try:
        value = evaluate(text)
        if moves and isinstance(value, str) and value in (known := makers()):
            value = known[value]()  # move=suffix is as good as move=suffix()
    except (TypeError, ValueError) as error:
        fail(f"--option {option.name}={text}: {error}", USAGE)
    kinds = option.type.split(" | ")
    if any(_is(value, kind) for kind in kinds):
        return value
    if moves and isinstance(value, str):
        fail(f"--option {option.name}={text}: expected a call such as suffix() or mix(suffix(), site())", USAGE)
    if set(kinds) <= _SIMPLE.keys():
        if "str" in kinds:
            return text
        expected = " or ".join(_EXPECTED[kind] for kind in kinds)
        fail(f"--option {option.name}={text}: {method.name} takes {expected} here", USAGE)
    return value


def _is(value: Any, kind: str) -> bool:
    """Whether a value is of a simple type; True and False are no numbers."""
    return isinstance(value, _SIMPLE.get(kind, ())) and isinstance(value, bool) <= (kind == "bool")


def _program(option: str, value: Any, programs: Mapping[str, Any], model: Any) -> Any:
    if option == "guide" and value == "auto":
        from steersman.inference.variational import AutoGuide

        return AutoGuide(model)
    if not isinstance(value, str):
        return value
    if value not in programs:
        known = ", ".join(programs) or "none"
        fail(f"--option {option}={value}: the file has no program of this name (it has {known})", USAGE)
    return programs[value]
