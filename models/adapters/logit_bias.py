"""`LogitBias`: the cheapest thing to learn about a model, how often it says each token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

if TYPE_CHECKING:
    from ..decoder.params import Params
    from ..neural import NeuralLM


@dataclass(frozen=True, slots=True)
class LogitBias:
    """q(x) proportional to p(x) exp(b_x): one number for each token of the vocabulary, in nats; 0 at first.

    b is added after a cap of the logits, where the model has one.
    """

    key: ClassVar[str] = "bias"
    deep: ClassVar[bool] = False

    def initial(self, base: NeuralLM) -> Any:
        """b, [V]."""
        return np.zeros(base.vocab_size, np.float32)

    def installed(self, params: Params, own: Any) -> Params:
        return params._replace(logit_bias=own)
