"""Distributions: parameters outside their domains, and what is drawn."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from .. import nodes
from ..library.signature import Kind
from .domains import BOUNDED, CONTINUOUS, PARAMETERS, SIMPLEX, SUPPORTS, Domain, support
from .read import advice
from .signature import Bound
from .value import NUMBERS, Value, named
from .walk import Walk

_DEFAULTS: dict[str, dict[str, float]] = {
    "Uniform": {"low": 0.0, "high": 1.0}, "DiscreteUniform": {"low": 0, "high": 1},
}


@dataclass(frozen=True)
class Made:
    """Of a distribution: its name, and what its values are certainly among."""

    name: str
    support: Domain | None


def distribution(walk: Walk, name: str, bound: Bound) -> Value:
    """The value of a call of a distribution whose arguments have been bound."""
    wrong = [_check(walk, name, parameter, *given) for parameter, given in bound.by.items()]
    parameters = {p: d for p, d in _DEFAULTS.get(name, {}).items() if p not in bound.by}
    parameters |= {p: value.known for p, (_, value) in bound.by.items() if value.constant}
    wrong.append(_check_order(walk, name, bound, parameters))
    scalar = all(value.kind in NUMBERS for _, value in bound.by.values())
    made = Made(name, None if any(wrong) else support(name, parameters))
    return Value("distribution", of=made, inside="float" if name in CONTINUOUS and scalar else "any")


def _check(walk: Walk, name: str, parameter: str, node: nodes.Expression, value: Value) -> bool:
    """Whether a parameter has been reported."""
    domain = PARAMETERS.get(name, {}).get(parameter)
    if domain is None or not value.constant or domain.contains(value.known):
        return False
    number = isinstance(value.known, (int, float))
    shown = f", got {value.known}" if number else ""
    hint = f"for example {parameter}={domain.example}"
    if parameter == "probs" and number:
        hint = "give log-odds by their name: logits=..."
    elif domain is SIMPLEX and all(isinstance(x, (int, float)) and x >= 0 for x in value.known):
        hint = f"their sum is {math.fsum(value.known):g}: divide by it, or give logits=..."
    message = f"{parameter!r} of {name} has to be {domain.words}{shown}"
    walk.findings.report("bad-parameter", node, message, hint)
    return True


def _check_order(walk: Walk, name: str, bound: Bound, parameters: dict[str, Any]) -> bool:
    low, high = parameters.get("low"), parameters.get("high")
    if name not in BOUNDED or not (isinstance(low, (int, float)) and isinstance(high, (int, float))):
        return False
    if low < high or (name == "DiscreteUniform" and low == high):
        return False
    node = (bound.by.get("high") or bound.by["low"])[0]
    message = f"'high' of {name} has to be above 'low', got low={low} and high={high}"
    walk.findings.report("bad-parameter", node, message, "the smaller bound comes first")
    return True


def check_observed(walk: Walk, node: nodes.Expression, value: Value, dist: Value) -> None:
    """Reports an observation that the distribution certainly never gives."""
    made = dist.of if isinstance(dist.of, Made) else None
    wanted = ("a number", _NUMERIC, "len(text)") if made and made.name in SUPPORTS else _OBSERVED.get(dist.kind)
    if wanted is not None and value.kind not in ("any", *wanted[1]):
        message = f"what is observed has to be {wanted[0]}, got {named(value.kind)}"
        walk.findings.report("wrong-kind", node, message, advice(value, f"for example {wanted[2]}"))
    elif made and made.support and value.constant and not made.support.contains(value.known):
        message = f"{made.name} never gives {value.known}: its values are {made.support.words}"
        hint = f"observe one of them, such as {made.support.example}, or choose another distribution"
        walk.findings.report("outside-support", node, message, hint)


_NUMERIC: tuple[Kind, ...] = ("bool", "int", "float", "list")
_OBSERVED: dict[Kind, tuple[str, tuple[Kind, ...], str]] = {
    "text": ("a string", ("str",), 'observe "yes" ~ ...'),
    "token": ("a token, which is a whole number", ("int",), "observe lm.encode(text)[0] ~ ..."),
}
