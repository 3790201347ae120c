"""A planner of the protocol of language models that says what a script tells it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from steersman.models import TableLM
from steersman.models.language_model import Prefix
from steersman.ppl.constraints.masks import Packed
from steersman.ppl.protocols import Floats


class WholeReplies:
    """Token 0 ends a text, 1 to 256 are the bytes, and every reply is a token."""

    def __init__(self, replies: Sequence[str]) -> None:
        self.token_bytes = (b"", *(bytes([i]) for i in range(256)), *(r.encode() for r in replies))

    def encode(self, text: str) -> tuple[int, ...]:
        return tuple(b + 1 for b in text.encode())

    def decode(self, tokens: Iterable[int]) -> str:
        return b"".join(self.token_bytes[t] for t in tokens).decode(errors="replace")


class ScriptedLM(TableLM):
    """After a prompt that tells of k attempts, reply k with probability one, and then the end."""

    def __init__(self, replies: Sequence[str]) -> None:
        size = 257 + len(replies)
        super().__init__(np.zeros(size), tokenizer=WholeReplies(replies))

    def next_log_probs(self, prefixes: Sequence[Prefix], temperatures: Floats | None, masks: Packed | None) -> Floats:
        out = np.full((len(prefixes), self.vocab_size), -np.inf)
        for row, prefix in zip(out, prefixes, strict=True):
            told = self.tokenizer.decode(t for t in prefix if t < 257).count("# What came of it")
            row[0 if prefix[-1] > 256 else 257 + told] = 0.0
        return out
