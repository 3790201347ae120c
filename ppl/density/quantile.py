"""Draws that move with the parameters of their distribution, at a fixed quantile."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
from jax.lax import stop_gradient
from numpyro.distributions import ExpandedDistribution, Independent  # type: ignore[import-untyped]

from ..dist.compiled import form
from ..dist.structure import Family, build
from .families import Reals, leaf_forms
from .operations import Bijection, Operation


class Quantile(Bijection):
    """x itself, which moves with the leaves such that F(x; leaves) is constant, F the distribution function:

        dx = - (dF / dleaves) / q(x)  dleaves

    for every element on its own. Source: Figurnov, Mohamed & Mnih 2018, "Implicit reparameterization gradients",
    equation 5.
    """

    __slots__ = ()

    def __init__(self, family: Family) -> None:
        shape, forms = form(family).shape, leaf_forms(family)
        self.reals = Reals(shape, shape, tuple(range(len(forms))))
        Operation.__init__(self, family, tuple(forms))
        self.family = family

    def forwards(self, u: Any, operands: Sequence[Any], axes: Sequence[int | None]) -> tuple[Any, Any]:
        """(x, 0) of every row."""
        x = jax.vmap(lambda x, *leaves: moving(self.family, x, *leaves), in_axes=(0, *axes))(u, *operands)
        return x, jnp.zeros(len(u))

    def backwards(self, x: Any, operands: Sequence[Any], axes: Sequence[int | None]) -> Any:
        return x


def moving(family: Family, x: Any, *leaves: Any) -> Any:
    """x as a function of the leaves, at a fixed quantile."""
    d = _elementwise(build(family, iter(leaves)))
    fixed = stop_gradient(x)
    F = d.cdf(fixed)
    return x - (F - stop_gradient(F)) / stop_gradient(jnp.exp(d.log_prob(fixed)))


@lru_cache(maxsize=1024)
def has_quantile(family: Family) -> bool:
    """Whether JAX can differentiate the distribution function by every leaf."""
    templates = [jnp.zeros(shape, dtype) for shape, dtype in leaf_forms(family)]
    floating = [i for i, t in enumerate(templates) if jnp.issubdtype(t.dtype, jnp.floating)]
    if form(family).discrete:
        return False

    def total(*given: Any) -> Any:
        leaves = [*templates]
        for i, leaf in zip(floating, given, strict=True):
            leaves[i] = leaf
        return jnp.sum(moving(family, jnp.zeros(form(family).shape), *leaves))

    try:
        jax.make_jaxpr(jax.grad(total, tuple(range(len(floating)))))(*[templates[i] for i in floating])
    except (NotImplementedError, AttributeError, TypeError, ValueError):  # whatever NumPyro and JAX leave out
        return False
    return True


def _elementwise(d: Any) -> Any:
    """The distribution of every element. Raises NotImplementedError where elements depend on each other."""
    while isinstance(d, (Independent, ExpandedDistribution)):
        d = d.base_dist
    if d.event_shape:
        raise NotImplementedError("its elements depend on each other")
    return d
