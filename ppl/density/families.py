"""Families with traced leaves, and how their values become real numbers."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from numpyro.distributions import biject_to  # type: ignore[import-untyped]

from ..dist.compiled import form
from ..dist.membership import interior, support_of
from ..dist.structure import Family, build, leaf_tokens
from ..errors import SteersmanError

Shape = tuple[int, ...]


class NotContinuous(SteersmanError, TypeError):
    """A choice whose distribution has no density on the real numbers, so no gradient moves it."""


@lru_cache(maxsize=1024)
def canonical(family: Family) -> Family:
    """The family of which a record is with its numbers traced or not, so that both are evaluated together: a floating
    scalar is a number, whatever holds it, and arrays have the precision that JAX gives them."""
    maker, names, tokens = family
    return maker, names, tuple([_canonical(t) for t in tokens])


def _canonical(token: Any) -> Any:
    match token:
        case ("array", shape, dtype):
            dtype = jax.dtypes.canonicalize_dtype(dtype)
            return "f" if shape == () and jnp.issubdtype(dtype, jnp.floating) else ("array", shape, dtype)
        case ("record", family):
            return "record", canonical(family)
        case ("list", tokens):
            return "list", tuple([_canonical(t) for t in tokens])
        case ("tree", structure, tokens):
            return "tree", structure, tuple([_canonical(t) for t in tokens])
    return token


@lru_cache(maxsize=1024)
def leaf_forms(family: Family) -> tuple[tuple[Shape, Any], ...]:
    """(shape, dtype) of every leaf."""
    return tuple(
        ((), jnp.result_type(float if t == "f" else int)) if t in ("f", "i") else (t[1], t[2])
        for t in leaf_tokens(family)
    )


class Reals(NamedTuple):
    """How a value x of a family is written as real numbers u:  x = T(u),  T a bijection that may depend on parameters.

    shape, real_shape: of x and of u. leaves: the parameters that T depends on, by number.
    """

    shape: Shape
    real_shape: Shape
    leaves: tuple[int, ...]


@lru_cache(maxsize=1024)
def reals(family: Family) -> Reals:
    """Raises NotContinuous with the reason."""
    f = form(family)
    if f.discrete:
        raise NotContinuous("its values are discrete")
    if family[0].name == "Delta":
        raise NotContinuous("a point mass has no density")
    templates = [jax.ShapeDtypeStruct(s, d) for s, d in leaf_forms(family)]  # type: ignore[no-untyped-call]
    x = jax.ShapeDtypeStruct(f.shape, jnp.result_type(float))  # type: ignore[no-untyped-call]
    try:
        traced = jax.make_jaxpr(lambda x, *leaves: to_reals(family, x, *leaves))(x, *templates).jaxpr
        u = traced.outvars[0].aval
        back = jax.make_jaxpr(lambda u, *leaves: from_reals(family, u, *leaves))(u, *templates).jaxpr
    except NotImplementedError as error:
        raise NotContinuous(f"NumPyro has no bijection between the real numbers and its support ({error})") from error
    used = {i - 1 for jaxpr in (traced, back) for i in _inputs_used(jaxpr) if i > 0}
    return Reals(f.shape, u.shape, tuple(sorted(used)))


def _inputs_used(jaxpr: Any) -> list[int]:
    """The inputs, by number, that an output depends on."""
    live = set(map(id, jaxpr.outvars))
    for eqn in reversed(jaxpr.eqns):
        if any(id(v) in live for v in eqn.outvars):
            live.update(map(id, eqn.invars))
    return [i for i, v in enumerate(jaxpr.invars) if id(v) in live]


def to_reals(family: Family, x: Any, *leaves: Any) -> Any:
    """u = T^-1(x). Leaves that `reals` does not name may have any value."""
    d = build(family, iter(leaves))
    return _bijection(d).inv(interior(d, x))  # the ends of the support are not at finite numbers


def from_reals(family: Family, u: Any, *leaves: Any) -> tuple[Any, Any]:
    """x = T(u) and log |det dT/du|."""
    transform = _bijection(build(family, iter(leaves)))
    x = transform(u)
    return x, jnp.sum(transform.log_abs_det_jacobian(u, x))


def _bijection(d: Any) -> Any:
    support = support_of(d)
    if support is None:
        raise NotImplementedError("it declares none")
    return biject_to(support)
