"""`Family`: distributions that share parameters."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from steersman.ppl.dist.membership import interior, membership
from steersman.ppl.dist.padding import pad, padded_size
from steersman.ppl.dist.record import Record
from steersman.ppl.dist.structure import build
from steersman.ppl.dist.validity import validity
from steersman.ppl.keys import Keys
from steersman.ppl.protocols import Distribution, Floats

from .parameters import Parametric, stacked, weighed

Apply = Callable[..., Any]


class Family(Parametric):
    """q(x; theta, f): one set of parameters for all the sites that use it, told apart by features f.

        token = Family("token", jnp.zeros((8, V, V)), lambda theta, t, last: dist.Categorical(logits=theta[t, last]))
        x = await sample(token(t, last), "x")                          # in a guide
        x = await sample(model, "x", proposal=token(t, last))          # or in the program itself

    name: the key of its parameters where guides are saved. params: theta, a pytree of floating arrays. apply(theta,
    *features): the distribution of one site, of `steersman.ppl.dist` or NumPyro, in code that JAX can trace. Features
    are numbers or arrays, of the same shapes at all sites. All sites that are drawn, scored or differentiated at once
    are one compiled call, padded to a power of two: a program is never traced, however it branches.
    """

    def __init__(self, name: str, params: Any, apply: Apply) -> None:
        super().__init__(name, params)
        self.apply = apply
        self._arguments: dict[str, Any] = {}
        self._discrete: bool | None = None

    def __call__(self, *features: Any) -> Amortised:
        """The distribution of a site with these features."""
        return Amortised(self, tuple([np.asarray(f) for f in features]))

    def gradient(self, members: Sequence[Amortised], values: Sequence[Any], weights: Floats) -> Any:
        """sum_i w_i grad_theta log q(x_i; theta, f_i)."""
        size = padded_size(len(members))
        return self._gradient(self._params, stacked(values, size), weighed(weights, size), *_features(members, size))

    def argument_gradient(self, members: Sequence[Amortised], parameter: str, weights: Floats) -> Any:
        """sum_i w_i grad_theta a_i, a_i the scalar argument of this name (loc, scale, rate) of member i."""
        size = padded_size(len(members))
        return self._argument_gradient(parameter)(self._params, weighed(weights, size), *_features(members, size))

    def discrete(self, features: tuple[Any, ...]) -> bool:
        """Whether its distributions have probabilities, not densities; the same at all sites."""
        if self._discrete is None:
            found = self.distribution(self._params, *features)
            self._discrete = bool(found.is_discrete)
        return self._discrete

    # --- compiled ---------------------------------------------------------------------------------------------------

    def distribution(self, params: Any, *features: Any) -> Any:
        """The NumPyro object of one site."""
        d = self.apply(params, *features)
        if isinstance(d, Record):
            family, leaves = d.flat()
            return build(family, iter(leaves))
        if not hasattr(d, "log_prob"):
            raise TypeError(f"family {self.name!r}: apply(params, *features) must return a distribution of "
                            f"steersman.ppl.dist or NumPyro, got {type(d).__name__}")
        return d

    def _log_prob_one(self, params: Any, value: Any, *features: Any) -> Any:
        d = self.distribution(params, *features)
        log_q = jnp.sum(jnp.where(membership(d, value), d.log_prob(value), -jnp.inf))
        return jnp.where(validity(d), log_q, jnp.nan)

    @cached_property
    def log_probs(self) -> Any:
        """(theta, values [n, ...], *features [n, ...]) -> [n], compiled."""
        return jax.jit(lambda params, x, *f: jax.vmap(lambda x, *f: self._log_prob_one(params, x, *f))(x, *f))

    @cached_property
    def _drawn(self) -> Any:
        def one(params: Any, key: Any, *f: Any) -> Any:
            d = self.distribution(params, *f)
            return interior(d, jnp.asarray(d.sample(key)))

        return jax.jit(lambda params, keys, *f: jax.vmap(lambda k, *f: one(params, k, *f))(keys, *f))

    @cached_property
    def _gradient(self) -> Any:
        def weighted(params: Any, x: Any, w: Any, *f: Any) -> Any:
            log_q = jax.vmap(lambda x, *f: self._log_prob_one(params, x, *f))(x, *f)
            return jnp.sum(jnp.where(w == 0, 0.0, w * log_q))  # padding repeats a row at weight 0

        return jax.jit(jax.grad(weighted))

    def _argument_gradient(self, parameter: str) -> Any:
        def weighted(params: Any, w: Any, *f: Any) -> Any:
            return jnp.sum(jax.vmap(lambda w, *f: w * getattr(self.distribution(params, *f), parameter))(w, *f))

        if parameter not in self._arguments:
            self._arguments[parameter] = jax.jit(jax.grad(weighted))
        return self._arguments[parameter]


class Amortised(Distribution[Any]):
    """One site's distribution of a `Family`."""

    __slots__ = ("features", "trainable")

    def __init__(self, trainable: Family, features: tuple[Any, ...]) -> None:
        self.trainable, self.features = trainable, features

    @property
    def family(self) -> Hashable:
        return id(self.trainable), tuple([(f.shape, f.dtype.kind) for f in self.features])

    @staticmethod
    def draw(members: Sequence[Amortised], keys: Keys) -> tuple[Sequence[Any], Floats]:
        family, n = members[0].trainable, len(members)
        size = padded_size(n)
        features = _features(members, size)
        drawn = family._drawn(family.params, Keys(pad(keys.bits, size)).jax(), *features)
        log_q = np.asarray(family.log_probs(family.params, drawn, *features))[:n].astype(np.float64)
        host = np.asarray(drawn)[:n]
        return host.tolist() if host.ndim == 1 else list(host), log_q

    @staticmethod
    def log_prob(members: Sequence[Amortised], values: Sequence[Any]) -> Floats:
        family, n = members[0].trainable, len(members)
        size = padded_size(n)
        log_q = family.log_probs(family.params, stacked(values, size), *_features(members, size))
        found: Floats = np.asarray(log_q)[:n].astype(np.float64)
        return found

    @property
    def discrete(self) -> bool:
        """Whether log_prob is the log of a probability, not of a density."""
        return self.trainable.discrete(self.features)

    def support(self) -> tuple[Any, ...] | None:
        d = self.trainable.distribution(self.trainable.params, *self.features)
        if not d.has_enumerate_support or d.batch_shape or d.event_shape:
            return None
        return tuple(np.asarray(d.enumerate_support(expand=False)).tolist())

    def __repr__(self) -> str:
        return f"{self.trainable.name}({', '.join(str(f.tolist()) for f in self.features)})"


def _features(members: Sequence[Amortised], size: int) -> list[Any]:
    return [stacked(column, size) for column in zip(*[m.features for m in members], strict=True)]
