"""Draw from, or score under, all the members of a family by one call.

A law that NumPy evaluates exactly goes that way (`direct`); all others through one compiled NumPyro call. Groups are
padded to powers of two (at least 8). Under `jax.jit` or `jax.grad` the parameters or values may be tracers: then the
result is a traced array and nothing is padded.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..keys import Keys
from ..protocols import Floats
from .direct import direct_path, traced
from .padding import pad, padded_size
from .record import Record
from .structure import leaf_tokens
from .values import as_array


def draw(members: Sequence[Record[Any]], keys: Keys) -> tuple[Sequence[Any], Floats]:
    """(values, log q): one value a member, drawn from its own key whatever the rest of the group, and its log
    density in nats, float64 [n]. Scalars come back as Python int or float, other values as read-only arrays.

    Raises ValueError where NumPyro refuses the parameters, NotImplementedError where it cannot sample.
    """
    path = direct_path(members[0].flat()[0], members)
    if path is not None:
        values, log_q = path.draw(members, keys.uniform())
        return values, _checked(members, log_q)
    from .compiled import program

    n, family = len(members), members[0].flat()[0]
    size, is_traced = _size(members)
    columns, axes = _columns(members, size, is_traced)
    discrete = _form(members[0]).discrete
    try:
        drawn = program("sample", family, axes)(Keys(pad(keys.bits, size)).jax(), *columns)
    except NotImplementedError as error:
        why = str(error) or "NumPyro has no sampler for it"
        raise NotImplementedError(f"{members[0]!r} cannot be drawn: {why}") from error
    scored: Any = program("log_prob", family, axes)(drawn, *columns)
    if is_traced:
        return list(drawn), scored
    host = np.asarray(drawn)[:n]
    if discrete and host.dtype.kind == "f":  # NumPyro's geometric draws are floats
        host = host.astype(np.int64)
    return host.tolist() if host.ndim == 1 else list(host), _checked(members, _floats(scored, n))


def log_prob(members: Sequence[Record[Any]], values: Sequence[Any]) -> Floats:
    """log p(value) of each member in nats, float64 [n]; -inf for NaN and for what is outside the support.

    The values of a record with batch dimensions are whole arrays, whose densities are summed. Raises ValueError for
    a value of the wrong shape, and where NumPyro refuses the parameters.
    """
    path = direct_path(members[0].flat()[0], members, values)
    if path is not None:
        return _checked(members, path.log_prob(members, values))
    from .compiled import program

    n, family = len(members), members[0].flat()[0]
    size, is_traced = _size(members, values)
    columns, axes = _columns(members, size, is_traced)
    column = as_array(members, values, _form(members[0]), is_traced)
    log_p = program("log_prob", family, axes)(column if is_traced else pad(column, size), *columns)
    return log_p if is_traced else _checked(members, _floats(log_p, n))  # type: ignore[return-value]


def _size(members: Sequence[Record[Any]], values: Sequence[Any] = ()) -> tuple[int, bool]:
    n = len(members)
    if "jax" in sys.modules and (any(map(traced, values)) or any(traced(x) for m in members for x in m.flat()[1])):
        return n, True
    return padded_size(n), False


def _columns(members: Sequence[Record[Any]], size: int, is_traced: bool) -> tuple[list[Any], tuple[int | None, ...]]:
    """Each leaf of the group as one array with a leading axis [size], or shared (axis None) if it is one object."""
    columns: list[Any] = []
    axes: list[int | None] = []
    tokens = leaf_tokens(members[0].flat()[0])
    for token, leaves in zip(tokens, zip(*[m.flat()[1] for m in members], strict=True), strict=True):
        first = leaves[0]
        if token in ("f", "i"):
            columns.append(pad(np.array(leaves, np.float64 if token == "f" else np.int64), size))
            axes.append(0)
        elif all(leaf is first for leaf in leaves):
            columns.append(first)
            axes.append(None)
        elif is_traced:
            import jax.numpy as jnp

            columns.append(jnp.stack(leaves))
            axes.append(0)
        else:
            columns.append(pad(np.stack([np.asarray(leaf) for leaf in leaves]), size))
            axes.append(0)
    return columns, tuple(axes)


def _form(member: Record[Any]) -> Any:
    from .compiled import form

    try:
        return form(member.flat()[0])
    except (TypeError, ValueError, AssertionError, NotImplementedError) as error:
        raise ValueError(f"{member!r} is not a valid distribution: {error}") from error


def _floats(x: Any, n: int) -> Floats:
    return np.asarray(x)[:n].astype(np.float64)


def _checked(members: Sequence[Record[Any]], log_p: Floats) -> Floats:
    """Densities as they are; a NaN is blamed on the parameters if NumPyro's validation agrees."""
    if np.isnan(log_p).any():
        for i in np.flatnonzero(np.isnan(log_p)).tolist():
            try:
                members[i].numpyro()
            except ValueError as error:
                raise ValueError(f"{members[i]!r}: {error}") from error
    return log_p
