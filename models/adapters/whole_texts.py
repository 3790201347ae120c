"""`WholeTexts`: log-probabilities of texts and their gradient by the parameters of adapters, in chunks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import jax
import numpy as np

from steersman.ppl.constraints.masks import words

from ..decoder import Decoder
from ..decoder.attention import Trunk
from ..decoder.buckets import bucket
from ..decoder.memory import explained
from ..decoder.shapes import Shapes
from ..decoder.slots import common_prefix
from ..decoder.stats import Stats
from ..errors import ContextTooLong, ModelError
from . import passes
from .adapter import Adapter
from .passes import Texts
from .rows import Row

LEAST_ROWS = 4
LEAST_TOKENS = 16
LEAST_SHARED = 8
MOST_POSITIONS = {"cpu": 512, "accelerator": 8192}
"""Rows times tokens in one chunk; fewer where memory has no room for what the backward pass needs of them."""


class WholeTexts:
    """decoder: that of the base, whose weights are read; its caches are not."""

    def __init__(self, decoder: Decoder, adapters: tuple[Adapter, ...]) -> None:
        self.decoder, self.config = decoder, decoder.config
        self.how: Any = {"config": decoder.config, "adapters": adapters}
        self.deep = any(adapter.deep for adapter in adapters)
        self.stats = Stats()
        self.most = MOST_POSITIONS["cpu" if jax.default_backend() == "cpu" else "accelerator"]
        self._shapes = Shapes(sum(a.size for a in jax.tree.leaves(decoder.params)), self.stats)

    def value_and_gradient(self, rows: Sequence[Row], theta: Any) -> tuple[float, Any]:
        """sum over rows of their weighted log-probabilities, in nats, and its gradient by theta."""
        if not rows:
            return 0.0, passes.nothing(theta, Trunk()).gradient
        self._check(rows)
        engine = self.decoder._engine
        with explained(engine.device.memory, engine.clear, max(len(row.text) for row in rows)):
            return self._run(rows, theta)

    def _run(self, rows: Sequence[Row], theta: Any) -> tuple[float, Any]:
        base, shared = self.decoder.params, _shared(rows)
        tokens = np.zeros((1, bucket(shared, LEAST_SHARED)), np.int32)
        tokens[0, :shared] = rows[0].text[:shared]
        prompt = tokens, np.array([shared], np.int32)
        trunk = passes.begin(theta, base, *prompt, **self.how) if shared else Trunk()
        self.stats.positions += shared
        sums = passes.nothing(theta, trunk if self.deep else Trunk())
        for texts in self._chunks(rows, shared, tokens.shape[1] if shared else 0):
            sums = passes.add(sums, theta, base, trunk, texts, **self.how)
        value = float(sums.value)
        if sums.trunk.keys:
            return value, passes.finish(sums, theta, base, *prompt, **self.how)
        return value, sums.gradient

    def _chunks(self, rows: Sequence[Row], shared: int, trunk_size: int) -> Iterator[Texts]:
        """Rows of similar length together."""
        left = sorted(rows, key=lambda row: len(row.text), reverse=True)
        while left:
            longest = len(left[0].text) - 1 - shared
            least = bucket(longest, LEAST_TOKENS)
            some = left[: max(1, self._positions(least + trunk_size) // least)]
            left = left[len(some) :]
            M = bucket(max(len(row.text) - _first(row) for row in some), LEAST_TOKENS)
            masked = any(row.masks for row in some)
            place = trunk_size, M, masked
            B, T = self._shapes.fit(place, len(some), max(longest, LEAST_TOKENS), (LEAST_ROWS, LEAST_TOKENS))
            self._shapes.note(*place, B, T)
            self.stats.forwards += 1
            texts = self._padded(some, shared, (B, T, M), masked)
            asked = int(np.sum(texts.counts))
            self.stats.positions += asked
            self.stats.padded += texts.tokens.size - asked
            yield texts

    def _padded(self, rows: Sequence[Row], shared: int, shape: tuple[int, int, int], masked: bool) -> Texts:
        """The last token of a text is only a target."""
        B, T, M = shape
        tokens, counts, first = np.zeros((B, T), np.int32), *np.zeros((2, B), np.int32)
        targets, weights = np.zeros((B, M), np.int32), np.zeros((B, M), np.float32)
        masks = np.full((B, M, words(self.config.vocab_size)), 0xFFFFFFFF, np.uint32) if masked else None
        temperatures = np.ones(B, np.float32)
        for b, row in enumerate(rows):
            begin, fed = _first(row), row.text[shared:-1]
            n = len(row.text) - begin
            tokens[b, : len(fed)], counts[b], first[b] = fed, len(fed), begin - 1 - shared
            targets[b, :n], weights[b, :n] = row.text[begin:], row.weights[begin:]
            temperatures[b] = row.temperature
            for at, mask in row.masks.items():
                if masks is not None and at >= begin:
                    masks[b, at - begin] = mask
        return Texts(tokens, counts, np.array(shared, np.int32), first, targets, weights, temperatures, masks)

    def _positions(self, attended: int) -> int:
        """How many fit into the working space of the decoder: what the backward pass keeps of each layer, and logits
        three times over."""
        c = self.config
        layer = 8 * c.hidden + 3 * (c.heads + 2 * c.kv_heads) * c.head_dim + 4 * c.intermediate + 3 * c.heads * attended
        fit = self.decoder._engine.device.memory.working // (4 * (c.layers * layer + 3 * c.vocab_size))
        return min(self.most, fit)

    def _check(self, rows: Sequence[Row]) -> None:
        for row in rows:
            if len(row.text) - 1 > self.config.max_length:
                raise ContextTooLong(len(row.text) - 1, self.config.max_length)
            if _first(row) == 0:
                raise ModelError("an empty prefix has no next-token distribution; start the context with the bos token")


def _first(row: Row) -> int:
    """The first position that has a weight."""
    return int(np.flatnonzero(row.weights)[0])


def _shared(rows: Sequence[Row]) -> int:
    """How many tokens all rows begin with, each of them fed more before what is asked; 0 where that is not worth it."""
    if len(rows) < 2:
        return 0
    same = min(len(common_prefix([row.text for row in rows])), min(map(_first, rows)) - 1)
    return same if same >= LEAST_SHARED else 0
