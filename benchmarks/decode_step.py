"""One decode step on the shapes of the decoder, whole and in parts, each ready to be timed; for `roofline`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from steersman.models.decoder import Decoder, programs
from steersman.models.decoder.attention import HIGHEST, Trunk, attend, sight, write
from steersman.models.decoder.draw import split_uniforms
from steersman.models.decoder.forward import Cache, Feed, logits

PROMPT = 20  # tokens
Run = Callable[[], object]  # does its work once and waits for it


class Cost(NamedTuple):
    flops: float
    bytes: float


class Step:
    """One decode step of N rows, and its parts, on the shapes that the decoder gives them."""

    def __init__(self, decoder: Decoder, rows: int, own: int) -> None:
        self.decoder, self.rows, self.own = decoder, rows, own
        self.device, self.config = decoder._engine.device, decoder.config
        self.depth, self.trunk_size = self.device.depth(own + 1), 1 << (PROMPT - 1).bit_length()
        one = programs.allocate(config=self.config, slots=1, depth=self.trunk_size, dtype=self.device.dtype)
        self.trunk = Trunk(*programs.as_trunk(one.cache))
        self.state, self.cache = self._allocate(), self._allocate().cache
        ones = np.ones(rows, np.int32)
        self.slots = np.arange(rows, dtype=np.int32)
        self.feed_rows = Feed(self.slots, ones * own, ones, ones * PROMPT, ones[:, None])
        self.uniforms = split_uniforms(np.random.default_rng(0).uniform(size=rows))

    def costs(self) -> dict[str, Cost]:
        c, params, N = self.config, self.device.params, self.rows
        weights = [w for l in params.layers for w in (l.qkv.weight, l.out.weight, l.gate_up.weight, l.down.weight)]
        entry = np.dtype(self.device.dtype).itemsize
        positions = N * self.depth + self.trunk_size + N  # read of all rows, of the trunk, and written
        head, V = c.hidden * c.vocab_size, c.vocab_size
        table = (params.embed if params.head is None else params.head).weight
        return {
            "products": Cost(2 * N * sum(w.size for w in weights), sum(w.nbytes for w in weights)),
            "attention": Cost(
                4 * N * c.layers * c.heads * c.head_dim * (self.depth + self.trunk_size),
                2 * c.layers * c.kv_heads * c.head_dim * positions * entry,
            ),
            "head": Cost(2 * N * head, table.nbytes + 4 * N * V),
            "draw": Cost(0, 4 * N * V),
        }

    def runs(self) -> dict[str, Run]:
        return {
            "products": self._products(), "attention": self._attention(), "head": self._head(), "feed": self._feed,
            "draw": self._draw, "whole": self._whole(),
        }  # fmt: skip

    # --- parts ------------------------------------------------------------------------------------------------------

    def _products(self) -> Run:
        """Random weights of the shapes of the model, scaled so that the values neither grow nor fade."""
        keys = iter(jax.random.split(jax.random.key(0), 4 * self.config.layers))

        def like(w: jax.Array) -> jax.Array:
            weight: jax.Array = jax.random.normal(next(keys), w.shape) * w.shape[0] ** -0.5
            return weight.astype(self.device.dtype)

        layers = [[like(b.weight) for b in (l.qkv, l.out, l.gate_up, l.down)] for l in self.device.params.layers]

        @jax.jit
        def products(x: jax.Array, layers: Any) -> jax.Array:
            for quadruple in layers:
                for w in quadruple:
                    x = x[:, : w.shape[0]].astype(w.dtype)
                    x = jnp.dot(x, w, precision=HIGHEST, preferred_element_type=jnp.float32)
            return x

        x = jax.random.normal(jax.random.key(1), (self.rows, self.config.hidden))
        return lambda: jax.block_until_ready(products(x, layers))

    def _attention(self) -> Run:
        c, rows = self.config, self.rows
        K, G, D = c.kv_heads, c.group, c.head_dim
        q = jax.random.normal(jax.random.key(2), (rows, 1, K, G, D))
        at = jnp.full((rows, 1), self.own)

        def attention(cache: Cache, trunk: Trunk, q: jax.Array, slots: jax.Array) -> tuple[Cache, jax.Array]:
            keys, values = list(cache.keys), list(cache.values)
            for i, window in enumerate(c.windows):
                seen = sight(at, jnp.full(rows, PROMPT), self.depth, self.trunk_size, window)
                keys[i], values[i] = write(keys[i], values[i], q[:, :, :, 0], q[:, :, :, 0], slots, at)
                shared = trunk.keys[i], trunk.values[i]
                q = attend(q, keys[i], values[i], shared, seen, c.score_scale, c.score_cap)
            return Cache(tuple(keys), tuple(values)), q

        compiled = jax.jit(attention, donate_argnums=0)

        def run() -> None:
            self.cache, out = compiled(self.cache, self.trunk, q, self.slots)
            jax.block_until_ready(out)

        return run

    def _head(self) -> Run:
        @jax.jit
        def head(params: Any, h: jax.Array) -> tuple[jax.Array, jax.Array]:
            l = logits(params, self.config, h)
            return l, jax.nn.logsumexp(l, axis=-1)

        h = jax.random.normal(jax.random.key(3), (self.rows, self.config.hidden))
        return lambda: jax.block_until_ready(head(self.device.params, h))

    def _feed(self) -> None:
        self.state = programs.feed(
            self.device.params, self.state, self.trunk, self.feed_rows, config=self.config, whole=True
        )
        jax.block_until_ready(self.state)

    def _draw(self) -> None:
        np.asarray(programs.draw_rows(self.state.logits, self.state.log_z, self.slots, self.uniforms, None, None))

    def _whole(self) -> Run:
        """`Decoder.draw` for rows that go on by one token each time, and back to `own` tokens before they deepen."""
        rng, prompt = np.random.default_rng(0), tuple(range(2, 2 + PROMPT))
        tails = rng.integers(2, self.config.vocab_size, (self.rows, self.own))
        start = [(*prompt, *tail) for tail in tails.tolist()]
        self.decoder.clear()
        self.decoder.draw([prompt] * self.rows, rng.uniform(size=self.rows))
        self.decoder.draw(start, rng.uniform(size=self.rows))
        now = list(start)

        def run() -> None:
            nonlocal now
            tokens, _, _ = self.decoder.draw(now, rng.uniform(size=self.rows))
            now = [(*row, t) for row, t in zip(now, tokens.tolist(), strict=True)]

        return run

    def _allocate(self) -> programs.State:
        state: programs.State = programs.allocate(
            config=self.config, slots=self.rows, depth=self.depth, dtype=self.device.dtype
        )
        return state
