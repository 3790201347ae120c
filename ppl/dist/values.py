"""Values of a group as one array of the dtype that the density wants."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .record import Record

_OUTSIDE = np.iinfo(np.int32).min  # in the support of no discrete distribution


def as_array(members: Sequence[Record[Any]], values: Sequence[Any], form: Any, is_traced: bool) -> Any:
    """Shape [n, *form.shape]; float64, or int64 for a discrete distribution.

    What is no int32 (2.5, NaN, 1e12) becomes a number outside every discrete support. Raises ValueError for a value
    of another shape and TypeError for one that is not numeric, naming the distribution.
    """
    if is_traced:
        return _traced(members, values, form)
    if form.shape == () and all(type(v) in (int, float, bool) for v in values):
        column: NDArray[Any] = np.asarray(values)
    else:
        column = np.stack([_row(m, v, form.shape) for m, v in zip(members, values, strict=True)])
    if not form.discrete:
        return column.astype(np.float64)
    if column.dtype.kind == "f":
        whole = (column == np.floor(column)) & (np.abs(column) <= -float(_OUTSIDE + 1))
        return np.where(whole, column, _OUTSIDE).astype(np.int64)
    inside = (column > _OUTSIDE) & (column <= np.iinfo(np.int32).max)
    return np.where(inside, column, _OUTSIDE).astype(np.int64)


def _row(member: Record[Any], value: Any, shape: tuple[int, ...]) -> NDArray[Any]:
    try:
        row = np.asarray(value)
    except ValueError:
        raise TypeError(f"{member!r} cannot score {value!r:.60}: its rows differ in length") from None
    if row.dtype.kind not in "biuf":
        raise TypeError(f"{member!r} scores numbers, not {type(value).__name__}: {value!r:.60}")
    if row.shape != shape:
        raise wrong_shape(member, shape, row.shape)
    return row


def _traced(members: Sequence[Record[Any]], values: Sequence[Any], form: Any) -> Any:
    import jax.numpy as jnp

    rows = [jnp.asarray(v) for v in values]
    for member, row in zip(members, rows, strict=True):
        if row.shape != form.shape:
            raise wrong_shape(member, form.shape, row.shape)
    column = jnp.stack(rows)
    if form.discrete and jnp.issubdtype(column.dtype, jnp.floating):
        return jnp.where(column == jnp.floor(column), column, _OUTSIDE).astype(jnp.result_type(int))
    return column if form.discrete else column.astype(jnp.result_type(float))


def wrong_shape(member: Record[Any], expected: tuple[int, ...], given: tuple[int, ...]) -> ValueError:
    """The error for a value that cannot be one value of this distribution."""
    fix = f"; for independent copies write .expand({given})" if expected == () else ""
    return ValueError(f"{member!r} has values of shape {expected}, got a value of shape {given}{fix}")
