"""`Head`: what a classification head says after every token of a text, for many texts in one pass."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from ..decoder import forward
from ..decoder.attention import Trunk
from ..decoder.buckets import bucket
from ..decoder.config import DecoderConfig
from ..decoder.forward import Cache, Feed
from ..decoder.params import Linear, Params
from ..decoder.programs import as_trunk
from ..decoder.stats import Stats
from .errors import TextTooLong
from .head_files import read_head, stored_type
from .padded import Ints, Row, padded

CHUNK = 512  # tokens of each row fed at once, so that scores of attention stay small
LEAST_TOKENS = 16
LEAST_SHARED = 16
MOST_POSITIONS = {"cpu": 512, "accelerator": 8192}
"""Rows times tokens in one pass. Measured with the embedded model on two busy CPU cores: 512 positions ran at 80 to 120
GFLOP/s, 4096 at 60, for its activations leave the caches."""


class Head:
    """labels: the names of the L labels. Texts are fed whole, but what all texts of a batch begin with (the prompt, as
    a rule) once for all. Nothing is kept between calls but compiled programs."""

    def __init__(self, folder: Path, dtype: str, max_rows: int) -> None:
        files = read_head(folder, dtype)
        self.config, self.kind, self.labels, self.pad = files.config, files.kind, files.labels, files.pad
        self.max_length, self.stats = files.config.max_length, Stats()
        self._params, self._head = files.params, files.head
        self._most = max_rows, MOST_POSITIONS["cpu" if jax.default_backend() == "cpu" else "accelerator"]
        self._dtype = stored_type(files.params)
        self._shapes: set[tuple[int, ...]] = set()

    def check(self, tokens: Row) -> None:
        """Raises TextTooLong, with both numbers, and ValueError for an empty text."""
        if len(tokens) > self.max_length:
            raise TextTooLong(len(tokens), self.max_length)
        if not tokens:
            raise ValueError("an empty text has no tokens that a reward model could read")

    def logits(self, rows: Sequence[Row]) -> list[NDArray[np.float32]]:
        """The logits [len(row), L] after every token of each row. Equal rows are read once."""
        distinct = list(dict.fromkeys(rows))
        shared = _shared(distinct)
        trunk, first = Trunk(), np.zeros((0, len(self.labels)), np.float32)
        if shared:
            tokens = np.zeros((1, bucket(shared, LEAST_SHARED)), np.int32)
            tokens[0, :shared] = distinct[0][:shared]
            read, cache = self._read(tokens, np.array([shared], np.int32), trunk, 0)
            trunk, first = as_trunk(cache), read[0, :shared]
        found: dict[Row, NDArray[np.float32]] = {}
        for some, tokens, lengths in padded([row[shared:] for row in distinct], self._shape):
            read, _ = self._read(tokens, lengths, trunk, shared)
            found |= {distinct[i]: np.concatenate([first, read[b, : lengths[b]]]) for b, i in enumerate(some)}
        return [found[row] for row in rows]

    def _shape(self, longest: int) -> tuple[int, tuple[int, ...]]:
        """One row, four, or as many as fill a pass."""
        size = bucket(longest, LEAST_TOKENS)
        rows, positions = self._most
        whole = max(1, min(rows, positions // size))
        return size, tuple(sorted({1, min(4, whole), whole}))

    def _read(self, tokens: Ints, lengths: Ints, trunk: Trunk, base: int) -> tuple[NDArray[np.float32], Cache]:
        """The logits [B, T, L] after tokens [B, T] that follow the first `base` positions of the trunk."""
        B, T = tokens.shape
        chunk = min(T, CHUNK)
        self.stats.forwards += 1
        self.stats.positions += int(lengths.sum())
        self.stats.padded += tokens.size - int(lengths.sum())
        self._shapes.add((B, T, trunk.keys[0].shape[-1] if trunk.keys else 0))
        self.stats.compiles = len(self._shapes)
        cache = _empty(config=self.config, rows=B, depth=T, dtype=self._dtype)
        slots, bases, out = np.arange(B, dtype=np.int32), np.full(B, base, np.int32), []
        for start in range(0, T, chunk):
            counts = np.clip(lengths - start, 0, chunk).astype(np.int32)
            if not counts.any():
                break
            feed = Feed(slots, np.full(B, start, np.int32), counts, bases, tokens[:, start : start + chunk])
            logits, cache = _feed(self._params, self._head, trunk, cache, feed, config=self.config)
            out.append(np.asarray(logits))
        return np.concatenate(out, 1), cache


def _shared(rows: Sequence[Row]) -> int:
    """How many tokens all rows begin with, less than the shortest has; 0 where that is not worth a pass."""
    if len(rows) < 2:
        return 0
    least, most = min(rows), max(rows)  # whatever these two share, those between them do, too
    limit = min(map(len, rows)) - 1
    same = next((i for i, (a, b) in enumerate(zip(least, most, strict=False)) if a != b), limit)
    return found if (found := min(same, limit)) >= LEAST_SHARED else 0


@partial(jax.jit, static_argnames=("config", "rows", "depth", "dtype"))
def _empty(*, config: DecoderConfig, rows: int, depth: int, dtype: str) -> Cache:
    K, D = config.kv_heads, config.head_dim
    keys = tuple(jnp.zeros((rows, K, D, depth), dtype) for _ in range(config.layers))
    return Cache(keys, tuple(jnp.zeros((rows, K, depth, D), dtype) for _ in range(config.layers)))


@partial(jax.jit, static_argnames=("config",), donate_argnames=("cache",))
def _feed(
    params: Params, head: Linear, trunk: Trunk, cache: Cache, feed: Feed[jax.Array], *, config: DecoderConfig
) -> tuple[jax.Array, Cache]:
    """Logits [B, C, L] of the fed tokens, and the cache with them in it."""
    h, cache = forward.hidden(params, config, trunk, cache, feed, True)
    return forward.linear(h, head), cache
