"""Arguments of built-ins whose values are certainly refused."""

from __future__ import annotations

import math

from .. import nodes
from .signature import Bound
from .value import Value
from .walk import Walk


def check_arguments(walk: Walk, shown: str, bound: Bound) -> None:
    """max_tokens, temperature and stop, wherever a built-in takes them."""
    for name, given in bound.by.items():
        if name == "max_tokens":
            _max_tokens(walk, shown, *given)
        elif name == "temperature":
            _temperature(walk, shown, *given)
        elif name == "stop":
            _stop(walk, shown, *given)


def _max_tokens(walk: Walk, shown: str, node: nodes.Expression, value: Value) -> None:
    if value.constant and type(value.known) is int and value.known < 1:
        message = f"'max_tokens' of {shown} has to be at least 1, got {value.known}"
        walk.findings.report("bad-parameter", node, message)


def _temperature(walk: Walk, shown: str, node: nodes.Expression, value: Value) -> None:
    if value.constant and isinstance(value.known, (int, float)) and not 0 < value.known < math.inf:
        hint = "a small one, such as 0.1, is nearly greedy" if value.known == 0 else None
        message = f"'temperature' of {shown} has to be positive, got {value.known}"
        walk.findings.report("bad-parameter", node, message, hint)


def _stop(walk: Walk, shown: str, node: nodes.Expression, value: Value) -> None:
    stops = value.known if value.constant else None
    if stops == "" or (isinstance(stops, list) and "" in stops):
        walk.findings.report(
            "bad-parameter", node, f"a stop string of {shown} is empty", "leave it out to go on up to max_tokens"
        )
    if isinstance(stops, list) and not all(isinstance(s, str) for s in stops):
        walk.findings.report("wrong-kind", node, f"the stop strings of {shown} have to be strings")
