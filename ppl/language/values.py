"""Values that enter the language: keys, dicts, and what comes from outside."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from .containers import Table, checked, items, total
from .kinds import described, is_plain, kind_of, traced
from .limits import Limits
from .problems import Problem


def table(pairs: Iterable[tuple[Any, Any]], limits: Limits) -> Table:
    """Raises OverLimit, Problem for a key that is no text, number, bool or None."""
    made = Table()
    for key, value in pairs:
        made[checked_key(key)] = value
    size = total((*made, *made.values()))
    made.size = checked(size, limits)
    return made


def checked_key(key: Any) -> Any:
    if key is None or isinstance(key, (str, int, float)):
        return key
    raise Problem("kind", f"a key of a dict is a text or a number, not {described(key)}", "write str(x) for the key")


def adopted(value: Any, limits: Limits) -> Any:
    """A value from outside (an argument, a drawn value) as one of the language: arrays as lists, NumPy's and JAX's
    scalars as numbers. Raises Problem for anything that has no counterpart."""
    cls = type(value)
    if is_plain(cls):
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
