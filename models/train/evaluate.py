"""Held-out bits per byte of a model folder, overall and by kind of source."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from tokenizers import Tokenizer

from .tokenizer import end_id


@dataclass(frozen=True)
class Score:
    """Summed negative log-likelihood of some text, and its length."""

    nats: float = 0.0
    bytes: int = 0

    def __add__(self, other: Score) -> Score:
        return Score(self.nats + other.nats, self.bytes + other.bytes)

    @property
    def bits_per_byte(self) -> float:
        """Bits a byte (nan for no text)."""
        return self.nats / math.log(2) / self.bytes if self.bytes else math.nan


def byte_count(text: str) -> int:
    """UTF-8 bytes of a document, plus one for its end-of-text token, which is predicted too."""
    return len(text.encode("utf-8")) + 1


def windows(ids: Sequence[int], length: int, context: int) -> Iterator[tuple[Sequence[int], int]]:
    """Overlapping windows that predict every token of ``ids`` but the first exactly once.

    Yields (window of at most ``length`` + 1 tokens, how many of its last tokens to score). Every
    window after the first re-reads ``context`` tokens, so that none is predicted from nothing.
    """
    start, scored = 0, 1
    while scored < len(ids):
        stop = min(start + length + 1, len(ids))
        yield ids[start:stop], stop - scored
        scored = stop
        start = stop - 1 - context


def pad(rows: Sequence[Sequence[int]], width: int, filler: int) -> torch.Tensor:
    """Rows padded on the right; a causal model's predictions before the padding do not see it."""
    return torch.tensor([[*row, *[filler] * (width - len(row))] for row in rows])


@torch.no_grad()
def window_nats(model: Any, cut: Sequence[tuple[Sequence[int], int]], length: int, filler: int) -> list[float]:
    """Negative log-likelihood of the scored tokens of some windows, in one forward pass."""
    tokens = pad([window for window, _ in cut], length + 1, filler).to(next(model.parameters()).device)
    logits = model(input_ids=tokens[:, :-1], use_cache=False).logits.float()
    loss = torch.nn.functional.cross_entropy(logits.transpose(1, 2), tokens[:, 1:], reduction="none")
    return [
        float(loss[row, len(window) - 1 - count : len(window) - 1].sum()) for row, (window, count) in enumerate(cut)
    ]


def score_documents(
    model: Any, tokenizer: Tokenizer, texts: Sequence[str], length: int = 512, rows: int = 8
) -> list[Score]:
    """Scores of documents that start and end with the end-of-text token, in float32.

    Windows of ``length`` tokens overlap by half; ``rows`` of them are scored at a time, sorted by
    size so that little is padded.
    """
    model.eval()
    end = end_id(tokenizer)
    cut = [
        (document, window, count)
        for document, encoding in enumerate(tokenizer.encode_batch(list(texts)))
        for window, count in windows([end, *encoding.ids, end], length, length // 2)
    ]
    cut.sort(key=lambda piece: len(piece[1]))
    nats = [0.0] * len(texts)
    for first in range(0, len(cut), rows):
        some = cut[first : first + rows]
        width = len(some[-1][1]) - 1
        sums = window_nats(model, [(window, count) for _, window, count in some], width, end)
        for (document, _, _), value in zip(some, sums, strict=True):
            nats[document] += value
    return [Score(value, byte_count(text)) for value, text in zip(nats, texts, strict=True)]


def total(scores: Sequence[Score]) -> Score:
    """Sum of scores."""
    return sum(scores, Score())
