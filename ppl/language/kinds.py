"""The kinds of values, and values as they read in messages."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

import numpy as np

from ..constraints.protocol import Constraint
from ..dist.record import Record
from .containers import Items, Table
from .problems import Problem

if TYPE_CHECKING:
    from .library.masks import Masks
    from .library.signature import Kind
    from .limits import Meter


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


_KINDS: dict[type, Kind] = {
    type(None): "none", bool: "bool", int: "int", float: "float", str: "str", Items: "list", Table: "dict",
}


def kind_of(value: Any) -> Kind:
    """Decided once for each type, for things of other packages by what they can do. Raises Problem for what is no
    value of the language."""
    cls = type(value)
    found = _KINDS.get(cls)
    if found is None:
        found = _kind(value, cls)
        if found is None:
            raise Problem("kind", f"a {type(value).__name__} is no value of the language",
                          "give programs numbers, texts, lists and dicts")
        if len(_KINDS) < 1024 and cls is not np.ndarray:
            _KINDS[cls] = found
    return found


def is_plain(cls: type) -> bool:
    """Whether all values of a type are values of the language as they are."""
    return cls in _KINDS


def _kind(value: Any, cls: type) -> Kind | None:
    if cls is np.ndarray:
        return "mask" if value.dtype == np.bool_ and value.ndim == 1 else None
    if isinstance(value, str):
        return "str"
    if isinstance(value, Constraint):
        return "constraint"
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
