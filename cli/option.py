"""A method from its name and the `--option name=value` of the command line."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from .catalogue import DEFAULTS, Method, Option, all_methods, find
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
    values = {o.name: DEFAULTS[o.name] for o in options.values() if o.name in DEFAULTS and _is_required(method, o)}
    if population is not None:
        if method.population is None:
            fail(f"--particles {population}: {method.name} has no population", USAGE)
        values[method.population] = population
    values |= {name: _read(method, options[name], text) for name, text in given.items()}
    if missing := [o for o in options.values() if o.required and o.name not in values]:
        needs = " ".join(f"--option {o.name}=..." for o in missing)
        fail(f"--method {method.name} needs {needs} ({', '.join(map(str, missing))})", USAGE)
    return values


def _is_required(method: Method, option: Option) -> bool:
    import inspect

    return inspect.signature(method.make).parameters[option.name].default is inspect.Parameter.empty


def _read(method: Method, option: Option, text: str) -> Any:
    try:
        value = evaluate(text)
        if isinstance(value, str) and value in (known := makers()) and any(m in option.type for m in _MAKERS):
            value = known[value]()  # move=suffix is as good as move=suffix()
    except (TypeError, ValueError) as error:
        fail(f"--option {option.name}={text}: {error}", USAGE)
    kinds = option.type.split(" | ")
    if "bool" not in kinds and isinstance(value, bool) and kinds != ["Any"]:
        matches = False
    else:
        matches = any(isinstance(value, _SIMPLE[k]) for k in kinds if k in _SIMPLE)
    if not matches and all(k in _SIMPLE for k in kinds):
        if "str" in kinds:
            return text
        expected = " or ".join(_EXPECTED[k] for k in kinds)
        fail(f"--option {option.name}={text}: {method.name} takes {expected} here", USAGE)
    if not matches and isinstance(value, str) and any(m in option.type for m in _MAKERS):
        fail(f"--option {option.name}={text}: expected a call such as suffix() or mix(suffix(), site())", USAGE)
    return value


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
