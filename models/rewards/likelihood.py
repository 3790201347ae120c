"""`likelihood`: log p(text | prompt) of another language model, as a reward."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from steersman.ppl.batched import Failure, OnError

from ..errors import ContextTooLong
from ..language_model import LanguageModel, Prefix
from .reward import Reward


def likelihood(lm: LanguageModel, *, on_error: OnError = "raise") -> Reward:
    """``log_p = await call(reward, prompt, text)``: log p(text | prompt) in nats, counted as a reward.

    The sum over the tokens of the text, not its end: an average would be another target. Make it once, outside the
    program, so that all particles share it.
    """

    def parts(prompt: Any, text: str) -> tuple[Prefix, Prefix]:
        prefix, tail = lm.as_context(prompt).tokens, lm.tokens_of(text)
        if lm.max_length is not None and len(prefix) + len(tail) > lm.max_length:
            raise ContextTooLong(len(prefix) + len(tail), lm.max_length)
        return prefix, tail

    def score(items: list[tuple[Any, ...]]) -> Sequence[float | Failure]:
        results: list[float | Failure] = [0.0] * len(items)
        known: dict[int, tuple[Prefix, Prefix]] = {}
        for i, (prompt, text) in enumerate(items):
            try:
                known[i] = parts(prompt, text)
            except (ValueError, TypeError) as error:
                results[i] = Failure(error)
        scores = lm.score_sequences([p for p, _ in known.values()], [t for _, t in known.values()])
        for i, s in zip(known, scores, strict=True):
            results[i] = float(s.sum())
        return results

    return Reward(score, tokens=lambda prompt, text: len(lm.tokens_of(text)), on_error=on_error, name="likelihood")
