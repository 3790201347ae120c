"""The closed set of values that a program can hold, and their kinds."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..constraints.protocol import Constraint
from ..dist.record import Record
from .problems import OverLimit, Problem

if TYPE_CHECKING:
    from .library.masks import Masks
    from .library.signature import Kind
    from .limits import Limits, Meter

DEPTH = 60
"""How deeply lists and dicts may be nested."""


class Size(NamedTuple):
    """Of a list or dict with all that is in it: entries, characters, levels."""

    items: int
    characters: int
    depth: int


class Items(list[Any]):
    """A list of the language: it is never changed, and knows its size, so that no operation need look inside."""

    __slots__ = ("size",)
    size: Size

    def __reduce__(self) -> Any:
        return list, (list(self),)


class Table(dict[Any, Any]):
    """A dict of the language, never changed."""

    __slots__ = ("size",)
    size: Size

    def __reduce__(self) -> Any:
        return dict, (dict(self),)


class Function(ABC):
    """A `def` of the language as a value. masks: what `tokens_where` has made of it and other defs of its file."""

    name: str
    masks: Masks

    @abstractmethod
    def call(self, meter: Meter, *args: Any) -> Any:
        """Raises SteerError for a mistake inside it, Problem for arguments that do not fit."""

    @abstractmethod
    def accepts(self, arguments: int) -> None:
        """Raises Problem where it cannot be called with so many."""

    @abstractmethod
    def at_fault(self, problem: Problem) -> Exception:
        """The error to raise for what is wrong with its answer, where no call stands in the program."""


def items(values: Iterable[Any], limits: Limits) -> Items:
    """Raises OverLimit."""
    made = Items(values)
    made.size = _checked(_total(made), limits)
    return made


def joined(a: Items, b: Items, limits: Limits) -> Items:
    """a + b, without looking at what is in them."""
    (n, c, d), (m, e, f) = a.size, b.size
    size = _checked(Size(n + m, c + e, max(d, f)), limits)
    made = Items(a)
    made.extend(b)
    made.size = size
    return made


def table(pairs: Iterable[tuple[Any, Any]], limits: Limits) -> Table:
    """Raises OverLimit, Problem for a key that is no text, number, bool or None."""
    made = Table()
    for key, value in pairs:
        made[checked_key(key)] = value
    size = _total((*made, *made.values()))
    made.size = _checked(size, limits)
    return made


def checked_key(key: Any) -> Any:
    if key is None or isinstance(key, (str, int, float)):
        return key
    raise Problem("kind", f"a key of a dict is a text or a number, not {described(key)}")


def _total(values: Iterable[Any]) -> Size:
    n = characters = depth = 0
    for value in values:
        n += 1
        kind = type(value)
        if kind is Items or kind is Table:
            size = value.size
            n, characters = n + size[0], characters + size[1]
            if size[2] > depth:
                depth = size[2]
        elif kind is int:
            characters += value.bit_length() >> 2 if value > 1 << 64 or value < -1 << 64 else 0
        elif isinstance(value, str):
            characters += len(value)
    return Size(n, characters, depth + 1)


def _checked(size: Size, limits: Limits) -> Size:
    if size.items > limits.items:
        raise OverLimit("items", limits.items, f"a list of {size.items:,} items is too long")
    if size.characters > limits.string:
        raise OverLimit("string", limits.string, f"a list of texts with {size.characters:,} characters is too large")
    if size.depth > DEPTH:
        raise OverLimit("nesting", DEPTH, "lists are nested too deeply")
    return size


_KINDS: dict[type, Kind] = {
    type(None): "none", bool: "bool", int: "int", float: "float", str: "str", Items: "list", Table: "dict",
}


def kind_of(value: Any) -> Kind:
    """Decided once for each type, for things of other packages by what they can do. Raises Problem for what is no
    value of the language."""
    found = _KINDS.get(type(value))
    if found is None:
        found = _kind(value)
        if found is None:
            raise Problem("kind", f"a {type(value).__name__} is no value of the language")
        if len(_KINDS) < 1024 and type(value) is not np.ndarray:
            _KINDS[type(value)] = found
    return found


def _kind(value: Any) -> Kind | None:
    cls = type(value)
    if isinstance(value, str):
        return "str"
    if isinstance(value, Constraint):
        return "constraint"
    if cls is np.ndarray:
        return "mask" if value.dtype == np.bool_ and value.ndim == 1 else None
    if isinstance(value, Record):
        return "distribution"
    if hasattr(cls, "next") and hasattr(cls, "text") and hasattr(cls, "context") and hasattr(value, "tokenizer"):
        return "model"
    if hasattr(cls, "each") and hasattr(cls, "__add__"):
        return "context"
    if hasattr(cls, "begin") and hasattr(cls, "retrace"):
        return "text"
    if hasattr(cls, "log_prob") and hasattr(cls, "family"):
        return "token" if hasattr(value, "context") else "distribution"
    if isinstance(value, Function):
        return "function"
    if getattr(cls, "kind", None) == "program":
        return "distribution"
    return "float" if traced(value) else None


def traced(value: Any) -> bool:
    """Whether JAX is tracing it: a number whose value is not known yet."""
    if "jax" not in sys.modules:
        return False
    from jax.core import Tracer

    return isinstance(value, Tracer)


def adopted(value: Any, limits: Limits) -> Any:
    """A value from outside (an argument, a drawn value) as one of the language: arrays as lists, NumPy's and JAX's
    scalars as numbers. Raises Problem for anything that has no counterpart."""
    cls = type(value)
    if cls is float or cls is int or cls in _KINDS:
        return value
    if isinstance(value, str):
        return value
    if isinstance(value, np.generic):
        return adopted(value.item(), limits)
    if isinstance(value, (list, tuple)):
        return items([adopted(v, limits) for v in value], limits)
    if isinstance(value, (set, frozenset)):
        return items(sorted([adopted(v, limits) for v in value], key=repr), limits)
    if isinstance(value, Mapping):
        return table([(adopted(k, limits), adopted(v, limits)) for k, v in value.items()], limits)
    if traced(value):
        return value
    if cls is np.ndarray and value.dtype == np.bool_ and value.ndim == 1:
        return value
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        return adopted(np.asarray(value).tolist(), limits)
    kind_of(value)
    return value


_NAMES = {
    "none": "None", "bool": "a bool", "int": "an int", "float": "a float", "str": "a text (str)", "list": "a list",
    "dict": "a dict", "model": "a model", "context": "a context", "token": "a distribution of a token",
    "text": "a distribution of a text", "distribution": "a distribution", "constraint": "a constraint",
    "mask": "a mask of tokens", "function": "a function", "reward": "a reward", "any": "a value",
}


def named(kind: str) -> str:
    """A kind as it reads in a message: "a text (str)"."""
    return _NAMES[kind]


def described(value: Any) -> str:
    """A value as it reads in a message: "an int, 3"."""
    kind = kind_of(value)
    if kind in ("bool", "int", "float", "str") and not traced(value):
        if kind == "int" and value.bit_length() > 128:
            return "a large int"
        text = repr(value[:40] + "..." if kind == "str" and len(value) > 40 else value)
        return f"{_NAMES[kind]}, {text}"
    return _NAMES[kind]
