"""`Ascent`: parameters moved along their gradients by an optax optimiser."""

from __future__ import annotations

import math
from typing import Any

import jax
import optax  # type: ignore[import-untyped]

from steersman.ppl.trainable import Trainable

from .auto.grow import grown


class Ascent:
    """Gradient ascent. states: of the optimiser, by name of the trainable.

    optimiser: an optax transformation, or a learning rate for Adam. Raises ValueError for a rate that is not positive
    and finite, TypeError for what is neither.
    """

    def __init__(self, optimiser: Any) -> None:
        if isinstance(optimiser, (int, float)):
            if not 0 < optimiser < math.inf:
                raise ValueError(f"the learning rate {optimiser!r} must be positive and finite")
            optimiser = optax.adam(optimiser)
        if not hasattr(optimiser, "update"):
            raise TypeError(f"optimiser={optimiser!r}: expected an optax transformation or a learning rate")
        self.optimiser = optimiser
        self.states: dict[str, Any] = {}

    def move(self, trainable: Trainable, gradient: Any) -> None:
        """One step. The state has a beginning for parameters that were met since the last one."""
        name, params = trainable.name, trainable.params
        state = self.optimiser.init(params)
        if name in self.states:
            state = grown(self.states[name], state)
        updates, self.states[name] = self.optimiser.update(jax.tree.map(lambda g: -g, gradient), state, params)
        trainable.params = optax.apply_updates(params, updates)
