"""`TableLM`: an n-gram table as a language model, small enough that every posterior can be summed exactly."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from steersman.ppl.constraints.masks import Packed, unpack
from steersman.ppl.protocols import Floats

from .language_model import LanguageModel, Prefix
from .tokenizer import SymbolTokenizer, Tokenizer


class TableLM(LanguageModel):
    """log p(next token given the last n - 1 tokens) from a table of logits.

    logits: shape [V + 1] * (n - 1) + [V]; row index V stands for "before the beginning". eos: the token that ends a
    text, None for a model that never ends. vocabulary: the V symbols (letters by default). tokenizer: instead of a
    vocabulary, any tokenizer of V tokens, of which eos has no bytes. Logits of -inf forbid a token; every row needs a
    possible one. Everything is float64 NumPy: results do not depend on the batch.
    """

    def __init__(
        self, logits: ArrayLike, *, eos: int | None = 0, vocabulary: Sequence[str] | None = None,
        tokenizer: Tokenizer | None = None,
    ) -> None:
        super().__init__()
        table = np.asarray(logits, np.float64)
        v = table.shape[-1] if table.ndim else 0
        if v < 1 or table.shape[:-1] != (v + 1,) * (table.ndim - 1):
            raise ValueError(f"logits must have shape [V+1]*(n-1) + [V], got {table.shape}")
        if np.isnan(table).any() or (table == np.inf).any() or (table.max(-1) == -np.inf).any():
            raise ValueError("logits must be finite or -inf, with at least one possible token in every row")
        if eos is not None and not 0 <= eos < v:
            raise ValueError(f"eos={eos} is not a token of a vocabulary of {v}")
        self.vocab_size, self.order = v, table.ndim
        self.eos = frozenset() if eos is None else frozenset({eos})
        self.tokenizer = _symbols(v, eos, vocabulary) if tokenizer is None else tokenizer
        if tokenizer is not None:
            _check_tokenizer(tokenizer, v, eos, vocabulary)
        self._set(table)

    @classmethod
    def random(
        cls, vocab_size: int = 4, *, order: int = 2, seed: int = 0, scale: float = 1.5, eos: int | None = 0,
        vocabulary: Sequence[str] | None = None, tokenizer: Tokenizer | None = None,
    ) -> TableLM:
        """Logits drawn from Normal(0, scale): a random model for tests and experiments."""
        rng = np.random.default_rng(seed)
        return cls(scale * rng.normal(size=(vocab_size + 1,) * (order - 1) + (vocab_size,)), eos=eos,
                   vocabulary=vocabulary, tokenizer=tokenizer)

    def _set(self, logits: Floats) -> None:
        """Log-probabilities, [rows, V]."""
        self._rows = (logits - _log_sum_exp(logits)).reshape(-1, self.vocab_size)

    def _row_of(self, prefix: Prefix) -> int:
        row, v = 0, self.vocab_size
        for back in range(self.order - 1, 0, -1):
            row = row * (v + 1) + (prefix[-back] if back <= len(prefix) else v)
        return row

    def next_log_probs(
        self, prefixes: Sequence[Prefix], temperatures: Floats | None, masks: Packed | None
    ) -> Floats:
        rows = self._rows[[self._row_of(p) for p in prefixes]]
        changed = np.zeros(len(rows), np.bool_)
        if temperatures is not None:
            rows = rows / temperatures[:, None]
            changed |= temperatures != 1.0
        if masks is not None:
            allowed = unpack(masks, self.vocab_size)
            rows = np.where(allowed, rows, -np.inf)
            changed |= ~allowed.all(-1)
        if not changed.any():
            return rows
        total = _log_sum_exp(rows)
        total[total == -np.inf] = 0.0  # a row of -inf stays one
        # rows as they are in the table keep every bit, so that no result depends on who else is in the batch
        return np.where(changed[:, None], rows - total, rows)

    def draw_next(
        self, prefixes: Sequence[Prefix], uniforms: Floats, temperatures: Floats | None, masks: Packed | None
    ) -> tuple[NDArray[np.integer[Any]], Floats]:
        log_q = self.next_log_probs(prefixes, temperatures, masks)
        sums = np.cumsum(np.exp(log_q), axis=-1)
        # u < 1, so u * total falls inside the table; a step of zero height is never chosen
        tokens = (sums <= (uniforms * sums[:, -1])[:, None]).sum(-1)
        tokens[sums[:, -1] == 0.0] = 0
        return tokens, log_q[np.arange(len(tokens)), tokens]

    def score_next(
        self, prefixes: Sequence[Prefix], tokens: NDArray[np.int64], temperatures: Floats | None, masks: Packed | None
    ) -> Floats:
        return self.next_log_probs(prefixes, temperatures, masks)[np.arange(len(tokens)), tokens]

    def score_sequences(self, prefixes: Sequence[Prefix], continuations: Sequence[Prefix]) -> list[Floats]:
        out = []
        for prefix, continuation in zip(prefixes, continuations, strict=True):
            whole = prefix + tuple(continuation)
            rows = [self._row_of(whole[:t]) for t in range(len(prefix), len(whole))]
            out.append(self._rows[rows, list(continuation)] if rows else np.zeros(0))
        return out

    def __repr__(self) -> str:
        if self.vocab_size > 32:
            return f"<TableLM: {self.vocab_size} tokens, order={self.order}>"
        symbols = [b.decode(errors="backslashreplace") or "<eos>" for b in self.tokenizer.token_bytes]
        return f"TableLM(vocabulary={symbols}, order={self.order})"


def _symbols(size: int, eos: int | None, vocabulary: Sequence[str] | None) -> SymbolTokenizer:
    """One token for each symbol; letters, or numbers where these do not suffice, by default."""
    if vocabulary is None:
        letters = "abcdefghijklmnopqrstuvwxyz"
        names = iter(letters if size <= len(letters) + 1 else [f"<{i}>" for i in range(size)])
        vocabulary = ["<eos>" if i == eos else next(names) for i in range(size)]
    if len(vocabulary) != size:
        raise ValueError(f"{len(vocabulary)} symbols for a table of {size} tokens")
    return SymbolTokenizer(vocabulary, () if eos is None else (eos,))


def _check_tokenizer(tokenizer: Tokenizer, size: int, eos: int | None, vocabulary: Sequence[str] | None) -> None:
    if vocabulary is not None:
        raise ValueError("a table has a vocabulary or a tokenizer, not both")
    pieces = tokenizer.token_bytes
    if len(pieces) != size:
        raise ValueError(f"a tokenizer of {len(pieces)} tokens for a table of {size}")
    if eos is not None and pieces[eos]:
        raise ValueError(f"eos={eos} stands for {pieces[eos]!r} in this tokenizer: name its end-of-text token, or None")


def _log_sum_exp(x: Floats) -> Floats:
    """log sum exp over the last axis, kept; -inf for a row of -inf."""
    top = x.max(-1, keepdims=True)
    finite = np.where(top == -math.inf, 0.0, top)
    with np.errstate(divide="ignore"):
        return np.asarray(finite + np.log(np.exp(x - finite).sum(-1, keepdims=True)), np.float64)
