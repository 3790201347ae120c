"""The operations of a traced density, each applied to many rows by one call."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn, jaxpr_as_fun

from ..dist.compiled import form, program
from ..dist.structure import Family
from .families import from_reals, leaf_forms, reals, to_reals

Shape = tuple[int, ...]
Form = tuple[Shape, Any]  # shape and dtype


def form_of(aval: Any) -> Form:
    return aval.shape, aval.dtype


class Operation:
    """A function of some arrays. Two of them with equal keys are the same function of the same shapes.

    inputs: the forms of its operands.
    """

    __slots__ = ("inputs", "key")

    def __init__(self, key: Hashable, inputs: tuple[Form, ...]) -> None:
        self.key = type(self).__name__, key, inputs
        self.inputs = inputs

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Operation) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    def rows(self, size: int, operands: Sequence[Any], axes: Sequence[int | None]) -> list[Any]:
        """The results [size, ...], from operands [size, ...] (axis 0) or shared by all rows (axis None)."""
        if all(a is None for a in axes):
            return [jnp.broadcast_to(r, (size, *jnp.shape(r))) for r in self.one(*operands)]
        results: list[Any] = jax.vmap(self.one, in_axes=tuple(axes))(*operands)
        return results

    def one(self, *operands: Any) -> list[Any]:
        raise NotImplementedError


class Primitive(Operation):
    """An operation of JAX that the program called. eqn: the equation of the jaxpr."""

    __slots__ = ("apply",)

    def __init__(self, eqn: JaxprEqn, inputs: tuple[Form, ...], apply: Callable[..., Any], key: Hashable) -> None:
        super().__init__((eqn.primitive.name, key), inputs)
        self.apply = apply

    def one(self, *operands: Any) -> list[Any]:
        out = self.apply(*operands)
        return list(out) if isinstance(out, (list, tuple)) else [out]


def of_equation(eqn: JaxprEqn) -> tuple[Primitive, tuple[np.ndarray[Any, Any], ...]]:
    """The operation of an equation, and operands to append: the beginning of a slice becomes one, so that taking
    another element is the same operation."""
    primitive, params = eqn.primitive, eqn.params
    inputs = tuple([form_of(v.aval) for v in eqn.invars])
    if primitive.name == "slice" and params["strides"] is None:
        starts = tuple(np.asarray(s, np.int32) for s in params["start_indices"])
        sizes = tuple(b - a for a, b in zip(params["start_indices"], params["limit_indices"], strict=True))
        dynamic = inputs + (((), starts[0].dtype),) * len(starts)
        return Primitive(eqn, dynamic, lambda x, *at: jax.lax.dynamic_slice(x, at, sizes), sizes), starts
    inner = params.get("jaxpr")
    if primitive.name in ("jit", "pjit") and isinstance(inner, ClosedJaxpr):
        return Primitive(eqn, inputs, jaxpr_as_fun(inner), _key(inner)), ()

    def bind(*operands: Any) -> Any:
        bound: Any = primitive
        given = bound.get_bind_params(params)
        functions, given = given if isinstance(given, tuple) else ((), given)  # a pair before JAX 0.10
        return bound.bind(*functions, *operands, **given)

    return Primitive(eqn, inputs, bind, tuple([(n, _key(v)) for n, v in sorted(params.items())])), ()


def _key(value: Any) -> Hashable:
    """A parameter of an equation, equal for equal parameters of another trace of the same program."""
    if isinstance(value, ClosedJaxpr):
        return _printed(value.jaxpr), tuple(map(id, value.consts))
    if isinstance(value, Jaxpr):
        return _printed(value)
    if isinstance(value, (list, tuple)):
        return tuple(map(_key, value))
    if callable(value):
        return getattr(value, "__qualname__", type(value).__name__)
    try:
        hash(value)
    except TypeError:
        return repr(value)
    return value  # type: ignore[no-any-return]


@lru_cache(maxsize=1024)
def _printed(jaxpr: Jaxpr) -> str:
    return str(jaxpr)


class Density(Operation):
    """log p(value; leaves) of one family."""

    __slots__ = ("family",)

    def __init__(self, family: Family, value: Form | None) -> None:
        """value: the form of a value that is traced."""
        f = form(family)
        default = f.shape, jnp.result_type(int if f.discrete else float)
        super().__init__(family, (default if value is None else value, *leaf_forms(family)))
        self.family = family

    def rows(self, size: int, operands: Sequence[Any], axes: Sequence[int | None]) -> list[Any]:
        value, *leaves = operands
        if axes[0] is None:
            value = jnp.broadcast_to(value, (size, *jnp.shape(value)))
        return [program("log_prob", self.family, tuple(axes[1:]))(value, *leaves)]


class Amount(Operation):
    """A factor: the log-weight itself."""

    __slots__ = ()

    def __init__(self, amount: Form) -> None:
        super().__init__((), (amount,))

    def one(self, *operands: Any) -> list[Any]:
        return list(operands)


class Bijection(Operation):
    """x = T(u; leaves), from real numbers u to the support of a family; only the leaves that T depends on."""

    __slots__ = ("family", "reals")

    def __init__(self, family: Family) -> None:
        self.reals = reals(family)
        super().__init__(family, tuple([leaf_forms(family)[i] for i in self.reals.leaves]))
        self.family = family

    def forwards(self, u: Any, operands: Sequence[Any], axes: Sequence[int | None]) -> tuple[Any, Any]:
        """(x, log |det dT/du|) of every row."""

        def one(u: Any, *operands: Any) -> tuple[Any, Any]:
            return from_reals(self.family, u, *self._all(operands, u))

        x, log_det = jax.vmap(one, in_axes=(0, *axes))(u, *operands)
        return x, log_det

    def backwards(self, x: Any, operands: Sequence[Any], axes: Sequence[int | None]) -> Any:
        """u of every row."""

        def one(x: Any, *operands: Any) -> Any:
            return to_reals(self.family, x, *self._all(operands, x))

        return jax.vmap(one, in_axes=(0, *axes))(x, *operands)

    def _all(self, operands: Sequence[Any], traced: Any) -> list[Any]:
        """All leaves; those that do not matter are zeros, and traced, so that NumPyro does not validate them."""
        given = dict(zip(self.reals.leaves, operands, strict=True))
        zero = 0.0 * jnp.sum(traced)
        return [
            given[i] if i in given else jnp.full(shape, zero, dtype)
            for i, (shape, dtype) in enumerate(leaf_forms(self.family))
        ]
