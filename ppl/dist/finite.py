"""The support of a record, where it is finite."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from .direct import direct_path
from .record import Record
from .structure import Family, build


def finite_support(record: Record[Any]) -> tuple[Any, ...] | None:
    """The values as Python numbers, or None for an infinite support, an array-valued distribution, or a law that
    NumPyro cannot enumerate. Elements of probability 0 may be among them."""
    family, leaves = record.flat()
    path = direct_path(family, [record])
    if path is not None:
        return path.support(record)
    try:
        return _remembered(family, leaves)
    except TypeError:  # arrays among the leaves have no hash
        return _enumerate(family, leaves)


@lru_cache(maxsize=1024)
def _remembered(family: Family, leaves: tuple[Any, ...]) -> tuple[Any, ...] | None:
    return _enumerate(family, leaves)


def _enumerate(family: Family, leaves: tuple[Any, ...]) -> tuple[Any, ...] | None:
    import numpy as np

    d = build(family, iter(leaves))
    if d.batch_shape or d.event_shape or not d.has_enumerate_support:
        return None
    try:
        values = d.enumerate_support(expand=False)
    except NotImplementedError:
        return None
    return tuple(np.asarray(values).tolist())
