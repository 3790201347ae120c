"""Are the parameters in their domains, decided inside the compiled density.

NumPyro validates parameters only outside `jit`, and some densities are finite where their parameters make no sense.
Here such a density is NaN, which the caller explains. Only elementwise domains (positive, in an interval, finite) are
tested: positive definiteness would cost more than the density.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from numpyro.distributions import constraints  # type: ignore[import-untyped]


def validity(d: Any) -> jax.Array:
    """Whether all elementwise constraints on the parameters of d, and of what it wraps, hold; shape ()."""
    ok = jnp.asarray(True)
    for name, value in d.get_args().items():
        constraint = d.arg_constraints[name]
        if value is not None and not constraints.is_dependent(constraint) and _elementwise(constraint):
            ok &= jnp.all(constraint(jnp.asarray(value)))
    base = getattr(d, "base_dist", None)
    return ok if base is None else ok & validity(base)


def _elementwise(constraint: Any) -> bool:
    try:
        return bool(constraint.event_dim == 0)
    except NotImplementedError:
        return False
