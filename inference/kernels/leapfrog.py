"""The compiled part of NUTS and HMC: one transition of many chains at once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from steersman.ppl.keys import Keys

Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Settings:
    """The parameters of NumPyro's NUTS and HMC, by their names there."""

    algo: Literal["NUTS", "HMC"]
    step_size: float = 1.0
    target_accept_prob: float = 0.8
    dense_mass: bool = False
    adapt_step_size: bool = True
    adapt_mass_matrix: bool = True
    max_tree_depth: int = 10
    trajectory_length: float | None = 2 * math.pi
    num_steps: int | None = None

    @property
    def path(self) -> Settings:
        """What a transition is compiled for: all but the settings of the adaptation."""
        return replace(self, step_size=1.0, target_accept_prob=0.8, adapt_step_size=True, adapt_mass_matrix=True)


class Outcome(NamedTuple):
    """What a transition gives for every chain. x [n, E]: the new values; u [n, D]: as real numbers. gained [n]: the
    change of the log density (nats). accept_prob [n]: mean acceptance along the trajectory. moved, diverging [n]: bool.
    """

    x: Any
    u: Any
    gained: Any
    accept_prob: Any
    moved: Any
    diverging: Any


class Transition:
    """One transition of the chains of one layout.

    traces: how often it was traced and compiled: for each width, and again when an argument that all chains shared
    begins to differ between them. A width is how many chains one call takes; calls for fewer repeat the first.
    """

    def __init__(self, layout: Any, settings: Settings) -> None:
        self.layout, self.settings = layout, settings
        self.traces = 0
        self._widths: set[int] = set()
        self._varying: set[int] = set()
        self._compiled: dict[frozenset[int], Any] = {}

    def __call__(
        self, keys: Keys, x: Floats, step_size: Floats, inverse_mass: Floats, arguments: Sequence[Sequence[Any]]
    ) -> Outcome:
        """keys: one for each of the n chains. x [n, E]. step_size [n]. inverse_mass [n, D] or [n, D, D]. arguments:
        those of each chain, weights of the terms first."""
        import jax

        n = len(x)
        pick = repeated(n, self.width(n))
        columns = list(zip(*arguments, strict=True))
        self._varying |= {j for j, c in enumerate(columns) if any(a is not c[0] for a in c)}
        given = [np.stack([c[i] for i in pick]) if j in self._varying else c[0] for j, c in enumerate(columns)]
        varying = frozenset(self._varying)
        if varying not in self._compiled:
            axes = [0 if j in varying else None for j in range(len(columns))]
            self._compiled = {varying: jax.jit(jax.vmap(self._one, in_axes=(0, 0, 0, 0, axes)))}
        compiled = self._compiled[varying]
        out = compiled(Keys(keys.bits[pick]).jax(), x[pick], step_size[pick], inverse_mass[pick], given)
        return Outcome(*[np.asarray(o)[:n] for o in out])

    def width(self, n: int) -> int:
        """A width for n chains: one that is compiled, unless nearly all of it would be wasted. The first one is almost
        exact; if numbers vary, the next ones are powers of two."""
        fit = [w for w in self._widths if n <= w <= 8 * n]
        step = 1 << max(0, n.bit_length() - 4)
        new = 1 << (n - 1).bit_length() if self._widths else -(-n // step) * step
        width = min(fit, default=new)
        self._widths.add(width)
        return width

    def density(self, u: Any, given: Any, weights: Any) -> tuple[Any, Any, Any]:
        """x, log p and log |det dx/du| (traced)."""
        from steersman.ppl.density.evaluate import log_density

        return log_density(self.layout, u, given, weights)

    def _one(self, key: Any, x: Any, step_size: Any, inverse_mass: Any, arguments: Any) -> Outcome:
        """The transition of one chain (traced)."""
        import jax.numpy as jnp
        from numpyro.infer.hmc import hmc  # type: ignore[import-untyped]

        from steersman.ppl.density.evaluate import to_reals

        self.traces += 1
        terms = sum(g.role == "term" for g in self.layout.groups)
        weights, given = arguments[:terms], arguments[terms:]

        def potential_of(given: Any, weights: Any) -> Any:
            def potential(u: Any) -> Any:
                _, log_p, log_det = self.density(u, given, weights)
                return -(log_p + log_det)

            return potential

        s, model = self.settings, (given, weights)
        length: dict[str, Any] = {"max_tree_depth": s.max_tree_depth}
        if s.algo == "HMC":
            length = {"num_steps": s.num_steps, "trajectory_length": s.trajectory_length}
        first, transit = hmc(potential_fn_gen=potential_of, algo=s.algo)
        u = to_reals(self.layout, x, given)
        before = first(u, 0, step_size, inverse_mass, dense_mass=s.dense_mass, rng_key=key, model_args=model, **length)
        after = transit(before, model_args=model)
        moved = jnp.any(after.z != u)
        _, _, log_det = self.density(u, given, weights)
        new_x, _, new_log_det = self.density(after.z, given, weights)
        gained = before.potential_energy - after.potential_energy + log_det - new_log_det
        return Outcome(jnp.where(moved, new_x, x), after.z, gained, after.accept_prob, moved, after.diverging)


def repeated(n: int, width: int) -> NDArray[np.int64]:
    """0 ... n-1, and 0 again up to the width."""
    return np.concatenate([np.arange(n), np.zeros(width - n, np.int64)])


@lru_cache(maxsize=64)
def transition(layout: Any, settings: Settings) -> Transition:
    """The transition of a layout; the last 64 are kept. What is evicted is compiled again when next needed."""
    return Transition(layout, settings)
