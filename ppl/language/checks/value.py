"""`Value`: what the checks know of a value without running anything."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from ..library.signature import Kind


class Unknown:
    """Of a value that depends on the run."""

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN = Unknown()


@dataclass(frozen=True, slots=True)
class Value:
    """kind: "any" wherever there is doubt. known: the value itself, where it is a constant of plain data. of: what a
    name refers to (a built-in, a definition, a file), or how a distribution was made. inside: the kind of the items
    of a list, or of what is drawn from a distribution; "str" of a string that was certainly not drawn."""

    kind: Kind = "any"
    known: Any = UNKNOWN
    of: Any = None
    inside: Kind = "any"

    @property
    def constant(self) -> bool:
        return self.known is not UNKNOWN


ANY = Value()
PLAIN_STRING = Value("str", inside="str")
NUMBERS = ("bool", "int", "float")
DRAWABLE: tuple[Kind, ...] = ("distribution", "token", "text")
_KINDS: dict[type, Kind] = {
    bool: "bool", int: "int", float: "float", str: "str", list: "list", dict: "dict", type(None): "none",
}


def constant(known: Any) -> Value:
    """The value of plain data."""
    return Value(_KINDS[type(known)], known, inside="str" if type(known) is str else "any")


def kind_of(known: Any) -> Kind:
    return _KINDS.get(type(known), "any")


def join(a: Value, b: Value) -> Value:
    """What is known of a value that is one or the other."""
    if a is b:
        return a
    kind: Kind = a.kind
    if a.kind != b.kind:
        kind = "float" if {a.kind, b.kind} == {"int", "float"} else "any"
    same = a.constant and b.constant and type(a.known) is type(b.known) and a.known == b.known
    return Value(
        kind, a.known if same else UNKNOWN, a.of if a.of is b.of else None, a.inside if a.inside == b.inside else "any"
    )


def varying(value: Value) -> Value:
    """The same without what changes from one turn of a loop to the next."""
    return replace(value, known=UNKNOWN, of=None)


def named(kind: Kind) -> str:
    """A kind in words."""
    return _WORDS[kind]


_WORDS: dict[Kind, str] = {
    "any": "a value", "none": "None", "bool": "a truth value", "int": "a whole number", "float": "a number",
    "str": "a string", "list": "a list", "dict": "a dict", "model": "a model", "context": "a context",
    "token": "the distribution of a token", "text": "the distribution of a text", "distribution": "a distribution",
    "constraint": "a constraint", "mask": "a mask", "function": "a function", "reward": "a reward",
}
