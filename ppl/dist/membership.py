"""Is a value in the support, decided inside the compiled density; NumPyro's own densities extrapolate.

Equality constraints (sums to one, symmetric, unit diagonal) are tested to the rounding of float32, so that a drawn
value always belongs to the support it was drawn from.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpyro.distributions as numpyro_dist  # type: ignore[import-untyped]
from numpyro.distributions import constraints

_ROUNDING = 1e-5
_INDEPENDENT = type(constraints.independent(constraints.real, 1))
_GREATER, _GREATER_EQ = type(constraints.greater_than(0.0)), type(constraints.greater_than_eq(0.0))
_INTERVAL = type(constraints.interval(0.0, 1.0))


def membership(d: Any, value: jax.Array) -> jax.Array:
    """Whether each batch element of `value` is finite and in the support of d; shape d.batch_shape."""
    if isinstance(d, numpyro_dist.MaskedDistribution):
        return membership(d.base_dist, value) | ~jnp.asarray(d._mask)
    if isinstance(d, numpyro_dist.Independent):
        return _all(membership(d.base_dist, value), d.reinterpreted_batch_ndims)
    if isinstance(d, numpyro_dist.ExpandedDistribution):
        return membership(d.base_dist, value)
    if isinstance(d, numpyro_dist.IntervalCensoredDistribution):  # its values are (lower, upper), and may be infinite
        return jnp.asarray(d._validate_sample(value)) & _all(~jnp.isnan(value), 1)
    finite = _all(jnp.isfinite(value), len(d.event_shape))
    support = support_of(d)
    if support is None:
        return finite
    inside = contains(support, value)
    return finite & _all(inside, jnp.ndim(inside) - jnp.ndim(finite))


def support_of(d: Any) -> Any | None:
    """The constraint that d declares on its values, or None where it declares nothing that can be tested."""
    try:
        support = d.support
    except NotImplementedError:
        return None
    return None if support is None or constraints.is_dependent(support) else support


def contains(constraint: Any, x: jax.Array) -> jax.Array:
    """`constraint(x)`, equalities tested to rounding."""
    if isinstance(constraint, _INDEPENDENT):
        return _all(contains(constraint.base_constraint, x), constraint.reinterpreted_batch_ndims)
    if constraint is constraints.simplex:
        slack = _ROUNDING + x.shape[-1] * _limits(x).eps
        return jnp.asarray(jnp.all(x >= 0, -1) & (jnp.abs(jnp.sum(x, -1) - 1) < slack))
    if constraint is constraints.positive_definite or constraint is constraints.corr_matrix:
        scale = jnp.max(jnp.abs(x), (-2, -1))
        asymmetry = jnp.max(jnp.abs(x - jnp.swapaxes(x, -2, -1)), (-2, -1))
        ok: jax.Array = (asymmetry <= _ROUNDING * scale) & (jnp.linalg.eigvalsh(x)[..., 0] > -_ROUNDING * scale)
        if constraint is constraints.corr_matrix:
            ok &= jnp.all(jnp.abs(jnp.diagonal(x, axis1=-2, axis2=-1) - 1) < _ROUNDING, -1)
        return jnp.asarray(ok)
    return jnp.asarray(constraint(x))


def interior(d: Any, value: jax.Array) -> jax.Array:
    """A drawn value moved off the open ends of its support, which float32 reaches by underflow: a Gamma(0.01) draw
    is often below 1e-38, where the density would be infinite."""
    support = support_of(d)
    if support is None or not jnp.issubdtype(value.dtype, jnp.floating):
        return value
    while isinstance(support, _INDEPENDENT):
        support = support.base_constraint
    if support is constraints.simplex:
        return jnp.maximum(value, _limits(value).tiny)
    if isinstance(support, _GREATER) and not isinstance(support, _GREATER_EQ):
        return jnp.maximum(value, support.lower_bound + _gap(support.lower_bound, value))
    if isinstance(support, _INTERVAL):
        low, high = support.lower_bound, support.upper_bound
        return jnp.clip(value, low + _gap(low, value), high - _gap(high, value))
    return value


def _gap(bound: Any, like: jax.Array) -> jax.Array:
    """The distance from a bound to the next number inside it."""
    limits = _limits(like)
    return jnp.maximum(jnp.abs(jnp.asarray(bound, like.dtype)) * limits.eps, limits.tiny)


def _limits(like: jax.Array) -> Any:
    """Precision and range of its floats."""
    return jnp.finfo(like.dtype)  # type: ignore[no-untyped-call]


def _all(ok: jax.Array, dims: int) -> jax.Array:
    """All over the last `dims` dimensions."""
    return jnp.all(ok, tuple(range(-dims, 0))) if dims > 0 else ok
