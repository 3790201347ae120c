"""`HeadReward`: a sequence-classification head as a reward."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from steersman.ppl.batched import Failure, OnError

from .padded import Row
from .reward import Reward

if TYPE_CHECKING:
    from .head import Head


class HeadReward(Reward):
    """``r = await call(reward, text)``: what the head says after the last token of a text that is no padding token.

    With one label r is its logit, a score in (-inf, inf); with several it is the probability of `label`. A text is
    encoded as `transformers` encodes it, special tokens included; several arguments are one text, joined.
    """

    __slots__ = ("_label", "_tokenizer", "head")

    def __init__(self, head: Head, tokenizer: Any, label: int, on_error: OnError, name: str) -> None:
        super().__init__(self._score, on_error=on_error, name=name)
        self.head, self._tokenizer, self._label = head, tokenizer.backend_tokenizer, label

    def _score(self, items: list[tuple[Any, ...]]) -> Sequence[float | Failure]:
        rows = [self._tokens("".join(texts)) for texts in items]
        at = [_last(row, self.head.pad) for row in rows if not isinstance(row, Failure)]
        logits = self.head.logits([row for row in rows if not isinstance(row, Failure)])
        found = iter([value(l[i], self._label) for l, i in zip(logits, at, strict=True)])
        return [row if isinstance(row, Failure) else next(found) for row in rows]

    def _tokens(self, text: str) -> Row | Failure:
        return checked(tuple(self._tokenizer.encode(text).ids), self.head)


def value(logits: NDArray[np.float32], label: int) -> float:
    """The logit of the only label, or the probability of one of several."""
    x = logits.astype(np.float64)
    if len(x) == 1:
        return float(x[0])
    with np.errstate(invalid="ignore"):  # NaN, which is refused later, where a logit is infinite
        e = np.exp(x - x.max())
        return float(e[label] / e.sum())


def checked(row: Row, head: Head) -> Row | Failure:
    try:
        head.check(row)
    except ValueError as error:
        return Failure(error)
    return row


def _last(row: Row, pad: int | None) -> int:
    """Where `transformers` reads a sequence head: the last token that is not the padding token, else the first."""
    return next((i for i in reversed(range(len(row))) if row[i] != pad), 0) if pad is not None else len(row) - 1
