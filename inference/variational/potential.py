"""`Potential`: a learnt number, for twists."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from steersman.ppl.batched import Batched
from steersman.ppl.dist.padding import padded_size
from steersman.ppl.effects import Effect, call
from steersman.ppl.protocols import Floats

from .parameters import Parametric, stacked, weighed


class Potential(Parametric):
    """log psi(f; theta): a number (nats) that depends on features f of an execution so far.

        ahead = Potential("ahead", jnp.zeros((STEPS, 2)), lambda theta, t, seen: theta[t, seen])
        await twist(await ahead(t, int("dragon" in text)))

    name, params, apply(theta, *features), features: as in `Family`; apply returns one number. All that particles ask
    for in a round is one compiled call. `fit_twists` learns the parameters.
    """

    def __init__(self, name: str, params: Any, apply: Callable[..., Any]) -> None:
        super().__init__(name, params)
        self.apply = apply
        self.batched = Batched(self._evaluate)

    def __call__(self, *features: Any, name: Hashable | None = None) -> Effect[float]:
        """An effect: ``value = await potential(features)``."""
        return call(self.batched, *features, name=self.name if name is None else name)

    def gradient(self, members: Sequence[Any], values: Sequence[Any], weights: Floats) -> Any:
        """sum_i w_i grad_theta log psi(f_i; theta); members: the features, as tuples. values: unused."""
        size = padded_size(len(members))
        return self._gradient(self._params, weighed(weights, size), *_columns(members, size))

    def _evaluate(self, items: list[tuple[Any, ...]]) -> list[float]:
        size = padded_size(len(items))
        found = np.asarray(self._values(self._params, np.ones(size, np.float32), *_columns(items, size)))[: len(items)]
        values: list[float] = found.astype(np.float64).tolist()
        return values

    @cached_property
    def _values(self) -> Any:
        """(theta, w [n], *features [n, ...]) -> w log psi, [n], compiled."""
        return jax.jit(lambda params, w, *f: jax.vmap(lambda w, *f: w * jnp.reshape(self.apply(params, *f), ()))(w, *f))

    @cached_property
    def _gradient(self) -> Any:
        return jax.jit(jax.grad(lambda params, w, *f: jnp.sum(self._values(params, w, *f))))


def _columns(items: Sequence[tuple[Any, ...]], size: int) -> list[Any]:
    return [stacked(column, size) for column in zip(*items, strict=True)]
