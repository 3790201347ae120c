"""A table model that counts what it is really asked, as an independent ledger."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steersman.models import TableLM
from steersman.models.language_model import Prefix
from steersman.ppl.constraints.masks import Packed
from steersman.ppl.protocols import Floats


class CountingLM(TableLM):
    """tokens: drawn or scored; calls: batched evaluations."""

    def __init__(self, lm: TableLM) -> None:
        self.__dict__.update(lm.__dict__)
        self.tokens = self.calls = 0

    def draw_next(
        self, prefixes: Sequence[Prefix], uniforms: Floats, temperatures: Floats | None, masks: Packed | None
    ) -> tuple[NDArray[np.integer[Any]], Floats]:
        self.tokens += len(prefixes)
        self.calls += 1
        return super().draw_next(prefixes, uniforms, temperatures, masks)

    def score_next(
        self, prefixes: Sequence[Prefix], tokens: NDArray[np.int64], temperatures: Floats | None, masks: Packed | None
    ) -> Floats:
        self.tokens += len(prefixes)
        self.calls += 1
        return super().score_next(prefixes, tokens, temperatures, masks)

    def score_sequences(self, prefixes: Sequence[Prefix], continuations: Sequence[Prefix]) -> list[Floats]:
        self.tokens += sum(map(len, continuations))
        self.calls += 1
        return super().score_sequences(prefixes, continuations)
