"""The adaptation of step sizes and mass matrices, for many chains at once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from .leapfrog import Floats, Outcome, Settings, repeated


class Tuning(NamedTuple):
    """Of one chain. t: steps of adaptation made. state: of NumPyro's adaptation; () when that has ended. step_size,
    inverse_mass [D] or [D, D]: in force."""

    t: int
    state: tuple[Any, ...]
    step_size: float
    inverse_mass: Floats


class Adaptation:
    """Stan's windowed adaptation of step size and mass matrix, by NumPyro's `warmup_adapter`, for many chains at once.

    numbers: D. warmup: steps that it lasts.
    """

    def __init__(self, numbers: int, warmup: int, settings: Settings) -> None:
        import jax
        import jax.numpy as jnp
        from numpyro.infer.hmc_util import IntegratorState, warmup_adapter  # type: ignore[import-untyped]

        self.settings = settings
        first, update = warmup_adapter(
            max(1, warmup), adapt_step_size=settings.adapt_step_size, adapt_mass_matrix=settings.adapt_mass_matrix,
            dense_mass=settings.dense_mass, target_accept_prob=settings.target_accept_prob,
        )
        start = first(IntegratorState(jnp.zeros(numbers)), jax.random.PRNGKey(0), jnp.asarray(settings.step_size))
        start = start._replace(rng_key=None)  # only for a search of the first step size, which is not made
        leaves, self._structure = jax.tree.flatten(start)
        leaves = [np.asarray(leaf) for leaf in leaves]
        self.start = Tuning(0, tuple(leaves), settings.step_size, np.asarray(start.inverse_mass_matrix))

        def one(t: Any, accept_prob: Any, u: Any, state: Any) -> Any:
            return update(t, accept_prob, IntegratorState(u), state)

        self._update = jax.jit(jax.vmap(one))

    def step(self, tunings: Sequence[Tuning], outcome: Outcome, width: int) -> list[Tuning]:
        """After a transition of that width."""
        import jax

        pick = repeated(len(tunings), width)
        stacked = [np.stack(rows)[pick] for rows in zip(*[t.state for t in tunings], strict=True)]
        t = np.array([t.t for t in tunings], np.int32)
        state = jax.tree.unflatten(self._structure, stacked)
        new = self._update(t[pick], outcome.accept_prob[pick], outcome.u[pick], state)
        leaves = [np.asarray(leaf) for leaf in jax.tree.leaves(new)]
        step_sizes, masses = np.asarray(new.step_size), np.asarray(new.inverse_mass_matrix)
        return [
            Tuning(old.t + 1, tuple([leaf[i] for leaf in leaves]), float(step_sizes[i]), masses[i])
            for i, old in enumerate(tunings)
        ]

    def final(self, tuning: Tuning) -> Tuning:
        """When adaptation ends: the average of the step sizes is kept."""
        import jax

        if not self.settings.adapt_step_size or tuning.t == 0:
            return tuning._replace(state=())
        average = jax.tree.unflatten(self._structure, tuning.state).ss_state[1]
        return tuning._replace(state=(), step_size=math.exp(average))


@lru_cache(maxsize=64)
def adaptation(numbers: int, warmup: int, settings: Settings) -> Adaptation:
    """The adaptation of a problem size; the last 64 are kept."""
    return Adaptation(numbers, warmup, settings)
