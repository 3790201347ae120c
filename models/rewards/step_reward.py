"""`StepReward`: a token-classification head as a process reward."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from steersman.ppl.batched import Batched, Failure, OnError, not_a_number

from .head_reward import checked, value
from .padded import Row

if TYPE_CHECKING:
    from .head import Head


class StepReward(Batched[tuple[float, ...]]):
    """``r = await call(reward, prompt, steps)``: a process reward, one number for each step, from one pass.

    The head is read at the last token of each step, whose end is marked by `step_end`; prompt, steps and marks are
    encoded one by one, after the beginning-of-text token if there is one, as TRL trains such models. Numbers as in
    `HeadReward`.
    """

    __slots__ = ("_bos", "_label", "_step_end", "_tokenizer", "head")

    def __init__(
        self, head: Head, tokenizer: Any, label: int, step_end: str, on_error: OnError, name: str
    ) -> None:
        super().__init__(self._score, reward=True, on_error=on_error, check=_bad_steps)
        self.__name__ = name
        self.head, self._tokenizer, self._label = head, tokenizer.backend_tokenizer, label
        self._bos: Row = () if tokenizer.bos_token_id is None else (tokenizer.bos_token_id,)
        self._step_end = self._encode(step_end)

    def _encode(self, text: str) -> Row:
        return tuple(self._tokenizer.encode(text, add_special_tokens=False).ids)

    def _score(self, items: list[tuple[Any, ...]]) -> Sequence[tuple[float, ...] | Failure]:
        rows: list[Row | Failure] = []
        ends: list[list[int]] = []
        for prompt, steps in items:
            if isinstance(steps, str):
                raise TypeError(f"the steps of a process reward are a list of texts, got one text: {steps!r:.60}")
            tokens, at = self._bos + self._encode(prompt), []
            for step in steps:
                tokens += self._encode(step) + self._step_end
                at.append(len(tokens) - 1)
            rows.append(checked(tokens, self.head))
            ends.append(at)
        logits = iter(self.head.logits([row for row in rows if not isinstance(row, Failure)]))
        return [
            row if isinstance(row, Failure) else _at_ends(next(logits), at, self._label)
            for row, at in zip(rows, ends, strict=True)
        ]


def _at_ends(logits: NDArray[np.float32], ends: list[int], label: int) -> tuple[float, ...]:
    return tuple([value(logits[i], label) for i in ends])


def _bad_steps(result: Any) -> str | None:
    return next((wrong for r in result if (wrong := not_a_number(r)) is not None), None)
