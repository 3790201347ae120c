"""What all banks of a decoder share: weights, where arrays live, how much fits, what was compiled and counted."""

from __future__ import annotations

import jax

from .config import DecoderConfig
from .memory import Memory
from .params import Params
from .placement import ALONE, Placement
from .shapes import Shapes
from .stats import Stats


class Device:
    """What all banks share; `memory` bounds the bytes on each device of the placement, None for what is free."""

    def __init__(
        self,
        config: DecoderConfig,
        params: Params,
        dtype: str,
        max_rows: int,
        placement: Placement = ALONE,
        memory: int | None = None,
    ) -> None:
        self.config, self.dtype, self.placement = config, dtype, placement
        self.params = placement.params(params, config)
        self.memory = Memory(config, self.params, dtype, max_rows, placement, memory)
        self.max_rows = min(max_rows, self.memory.draws)
        self.stats = Stats()
        self.shapes = Shapes(sum(a.size for a in jax.tree.leaves(params)), self.stats)

    def depth(self, own: int) -> int:
        return self.memory.depth(own)
