"""`LoRA`: updates of low rank beside the projections (Hu et al. 2021, "LoRA", section 4.1)."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

if TYPE_CHECKING:
    from ..decoder.params import Params
    from ..neural import NeuralLM

TARGETS = ("qkv", "out", "gate_up", "down")


@dataclass(frozen=True)
class LoRA:
    """y = x W + (alpha / rank) x A B,  A [in, rank], B [rank, out], for the projections W named in `targets`.

    Projections that read one input are one here: "qkv" (queries, keys and values share an A), "out", "gate_up" and
    "down". At first B is 0 and A ~ Normal(0, 1 / in), from `seed`. W stays as it is; A B is never made.
    """

    rank: int = 8
    alpha: float = 8.0
    targets: tuple[str, ...] = TARGETS
    seed: int = field(default=0, compare=False)
    key: ClassVar[str] = "lora"
    deep: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if isinstance(self.targets, str) or not self.targets or not set(self.targets) <= set(TARGETS):
            raise ValueError(f"LoRA(targets={self.targets!r}): give some of {', '.join(TARGETS)}, as a tuple")
        if int(self.rank) != self.rank or self.rank < 1:
            raise ValueError(f"LoRA(rank={self.rank}): a rank is a whole number, at least 1")
        if not 0 < self.alpha < math.inf:
            raise ValueError(f"LoRA(alpha={self.alpha}): it must be positive and finite")
        object.__setattr__(self, "targets", tuple([t for t in TARGETS if t in self.targets]))

    def initial(self, base: NeuralLM) -> Any:
        """{layer number: {target: {"a": A, "b": B}}}."""
        return {
            str(i): {target: self._pair(getattr(layer, target).weight.shape, i, target) for target in self.targets}
            for i, layer in enumerate(base.decoder.params.layers)
        }

    def _pair(self, shape: tuple[int, int], layer: int, target: str) -> dict[str, Any]:
        size, out = shape
        if self.rank > min(shape):
            raise ValueError(f"LoRA(rank={self.rank}): {target!r} of this model is {size} x {out}, of rank "
                             f"{min(shape)} at most")
        rng = np.random.default_rng([self.seed, layer, TARGETS.index(target)])
        a = rng.normal(size=(size, self.rank)) * size**-0.5
        return {"a": a.astype(np.float32), "b": np.zeros((self.rank, out), np.float32)}

    def installed(self, params: Params, own: Any) -> Params:
        from ..decoder.params import LowRank  # it imports JAX

        scale = np.float32(self.alpha / self.rank)
        layers = []
        for i, layer in enumerate(params.layers):
            pairs = {t: LowRank(p["a"], p["b"] * scale) for t, p in own[str(i)].items()}
            layers.append(layer._replace(**{t: getattr(layer, t)._replace(low=low) for t, low in pairs.items()}))
        return params._replace(layers=tuple(layers))
