"""`TrainableTable`: a table model whose logits are learnt, so that every gradient can be enumerated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from steersman.ppl.parameters import checked
from steersman.ppl.protocols import Floats

from ..table import TableLM
from ..tokenizer import Tokenizer
from .rows import Row, rows_of

if TYPE_CHECKING:
    from steersman.ppl.trainable import Trainable


class TrainableTable(TableLM):
    """A `TableLM` with params {"logits": its logits, float32}, and the gradient of the texts and tokens it makes:

        d log q(x given row) / d logits[row] = ([x] - q(. given row)) / temperature.

    Forbidden tokens (logits of -inf) stay so; their parameters read 0 and do nothing. Gradients are exact, in float64
    until they are returned.
    """

    def __init__(
        self, logits: ArrayLike, *, name: str = "table", eos: int | None = 0,
        vocabulary: Sequence[str] | None = None, tokenizer: Tokenizer | None = None,
    ) -> None:
        super().__init__(logits, eos=eos, vocabulary=vocabulary, tokenizer=tokenizer)
        self.name = name
        table = np.asarray(logits, np.float32)
        self._forbidden = np.isneginf(table)
        self._params: Any = {"logits": np.where(self._forbidden, np.float32(0), table)}
        self.params = self._params

    @classmethod
    def random(
        cls, vocab_size: int = 4, *, order: int = 2, seed: int = 0, scale: float = 1.5, eos: int | None = 0,
        vocabulary: Sequence[str] | None = None, tokenizer: Tokenizer | None = None, name: str = "table",
    ) -> TrainableTable:
        """As `TableLM.random`, rounded to float32."""
        rng = np.random.default_rng(seed)
        logits = scale * rng.normal(size=(vocab_size + 1,) * (order - 1) + (vocab_size,))
        return cls(logits, name=name, eos=eos, vocabulary=vocabulary, tokenizer=tokenizer)

    @property
    def params(self) -> Any:
        """{"logits": [V + 1] * (order - 1) + [V]}; assigning raises ValueError for another shape, or values that are
        not finite."""
        return {"logits": self._params["logits"].copy()}

    @params.setter
    def params(self, new: Any) -> None:
        self._params = checked(self.name, new, self._params, lambda leaf: np.array(leaf, np.float32))
        table = np.where(self._forbidden, -np.inf, self._params["logits"].astype(np.float64))
        self._set(table)

    @property
    def trainable(self) -> Trainable:
        return self

    def gradient(self, members: Sequence[Any], values: Sequence[Any], weights: Floats) -> Any:
        """sum_i w_i grad log q_i(x_i), like `params`; members, values and errors as of `AdaptedLM.gradient`."""
        total = np.zeros_like(self._rows)
        for row in rows_of(self, members, values, weights):
            self._add(row, total)
        return {"logits": total.reshape(self._params["logits"].shape).astype(np.float32)}

    def _add(self, row: Row, total: Floats) -> None:
        for at in np.flatnonzero(row.weights).tolist():
            prefix, w = row.text[:at], row.weights[at] / row.temperature
            mask = row.masks[at][None] if at in row.masks else None
            q = np.exp(self.next_log_probs([prefix], np.array([row.temperature]), mask)[0])
            place = total[self._row_of(prefix)]
            place -= w * q
            place[row.text[at]] += w
