"""Arguments of built-ins whose values are certainly refused."""

from __future__ import annotations

import math

from .. import nodes
from ..library.signature import Builtin
from .read import advice, readable
from .signature import Bound
from .value import Value, named
from .walk import Walk

_Wanted = tuple[str, tuple[str, ...], str]


def check_arguments(walk: Walk, shown: str, of: Builtin, bound: Bound) -> None:
    """max_tokens, temperature and stop, wherever a built-in takes them; items of lists; what is made into a text."""
    for name, given in bound.by.items():
        if (of.name, name) in _ITEMS:
            _items(walk, shown, name, *given, _ITEMS[of.name, name])
        elif (of.name, name) in (("str", "x"), ("to_json", "value")) and not readable(given[1]):
            message = f"no text stands for {named(given[1].kind)}"
            hint = advice(given[1], "give it a string, number, list or dict")
            walk.findings.report("wrong-kind", given[0], message, hint)
        if name == "max_tokens":
            _max_tokens(walk, shown, *given)
        elif name == "temperature":
            _temperature(walk, shown, *given)
        elif name == "stop":
            _stop(walk, shown, *given)


_STRINGS = ("strings", ("any", "str"), "turn them into strings first: [str(x) for x in xs]")
_TOKENS = ("tokens, which are whole numbers", ("any", "int"), "lm.encode(text) gives the tokens of a text")
_ITEMS = {
    **dict.fromkeys([("join", "parts"), ("contains_any", "options"), ("startswith", "start"), ("endswith", "end"),
                     ("choice", "members"), ("words", "words")], _STRINGS),
    **dict.fromkeys([("tokens_in", "tokens"), ("masked", "allowed")], _TOKENS),
    ("sum", "values"): ("numbers", ("any", "bool", "int", "float"), 'to join strings write "".join(xs)'),
}


def _items(walk: Walk, shown: str, name: str, node: nodes.Expression, value: Value, wanted: _Wanted) -> None:
    words, kinds, hint = wanted
    if value.kind == "list" and value.inside not in kinds:
        message = f"the items of {name!r} of {shown} have to be {words}, got {named(value.inside)}"
        walk.findings.report("wrong-kind", node, message, hint)


def _max_tokens(walk: Walk, shown: str, node: nodes.Expression, value: Value) -> None:
    if value.constant and type(value.known) is int and value.known < 1:
        message = f"'max_tokens' of {shown} has to be at least 1, got {value.known}"
        walk.findings.report("bad-parameter", node, message, "it is how long the text may become: max_tokens=20")


def _temperature(walk: Walk, shown: str, node: nodes.Expression, value: Value) -> None:
    if value.constant and isinstance(value.known, (int, float)) and not 0 < value.known < math.inf:
        hint = "a small one, such as 0.1, is nearly greedy" if value.known == 0 else "1.0 leaves the model as it is"
        message = f"'temperature' of {shown} has to be positive, got {value.known}"
        walk.findings.report("bad-parameter", node, message, hint)


def _stop(walk: Walk, shown: str, node: nodes.Expression, value: Value) -> None:
    stops = value.known if value.constant else None
    if stops == "" or (isinstance(stops, list) and "" in stops):
        walk.findings.report(
            "bad-parameter", node, f"a stop string of {shown} is empty", "leave it out to go on up to max_tokens"
        )
    if isinstance(stops, list) and not all(isinstance(s, str) for s in stops):
        message = f"the stop strings of {shown} have to be strings"
        walk.findings.report("wrong-kind", node, message, 'for example stop=[".", "!"]')
