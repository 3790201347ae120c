"""A bank: the device cache of the contexts that share one prompt, and the host table that manages it.

A prompt shared by a batch becomes the trunk of a new bank, prefilled once. Contexts that continue it live in the bank's
slots. Separate prompts (a proposal with instructions beside a plain target, say) live in separate banks, so that each
keeps its trunk and advancing them in turn evicts nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import jax
import numpy as np
from numpy.typing import NDArray

from . import programs
from .attention import Trunk
from .buckets import bucket
from .device import Device
from .forward import Cache, Feed
from .programs import State
from .shapes import LEAST_CHUNK, MOST_CHUNK
from .slots import Plan, Prefix, SlotTable

Ints = NDArray[np.int32]
Scored = tuple[int, int, NDArray[np.float32], NDArray[np.float32]]


class Bank:
    def __init__(self, device: Device, trunk: Prefix, size: int, most: int, own: int) -> None:
        """`size` slots now, `most` slots ever, `own` positions in each of them."""
        self.device, self.config, self.stats = device, device.config, device.stats
        self.table, self.most = SlotTable(size, trunk), most
        self.depth = device.depth(own)
        self.trunk = Trunk()
        self.state = self._allocate(self.table.size, self.depth)
        self._idle = 0  # row positions computed for nobody since the bank was last busy
        if trunk:
            self._prefill(trunk)

    @property
    def size(self) -> int:
        return self.table.size

    @property
    def bytes(self) -> int:
        """What the plan allows for it on each device."""
        memory = self.device.memory
        return memory.cache(self.size, self.depth) + memory.trunk(self.trunk_size)

    def extend(self, wanted: Sequence[Prefix], found: Sequence[tuple[int, int]], rows: int) -> list[int]:
        """Make the logits of distinct contexts resident; returns the slot of each. `rows` asked for them: equal ones
        are about to part, so there is room for all.
        """
        plan = self._plan(wanted, found, None, rows)
        counts = [len(p) - s for p, s in zip(wanted, plan.start, strict=True)]
        ones = [i for i, c in enumerate(counts) if c == 1]
        if ones:
            self._decode(wanted, plan, ones)
        if more := [i for i, c in enumerate(counts) if c > 1]:
            for _ in self._passes(wanted, plan, more, None):
                pass
        return plan.slot

    def score(
        self, wanted: Sequence[Prefix], found: Sequence[tuple[int, int]], first: Sequence[int]
    ) -> Iterator[Scored]:
        """Teacher-forced passes over `wanted[i]`, whose last token is only a target. Yields (i, at, log_p, log_z): the
        log-probabilities of the tokens after positions `at`, `at + 1`, ..., and the normalisers they were taken from.
        """
        fed = [w[:-1] for w in wanted]
        plan = self._plan(fed, found, first, len(fed))
        yield from self._passes(fed, plan, list(range(len(fed))), wanted)

    def settle(self) -> None:
        """After a batch: compact the cache if it has been mostly idle for long enough to pay for it."""
        live = self.table.live()
        size = bucket(len(live), self.device.memory.least_rows)
        if 4 * size > self.size:
            self._idle = 0
            return
        self._idle += self.size - size
        if self._idle > self.device.shapes.worth:
            self._resize(live, size, self.depth)

    def shrink(self, size: int, depth: int) -> None:
        """Keep the contexts used last, as far as they go into that size and depth."""
        self._resize(self.table.recent(depth)[:size], size, depth)

    def release(self) -> None:
        """Give its memory back at once; the bank is of no use afterwards."""
        for array in jax.tree.leaves((self.state, self.trunk)):
            array.delete()

    # --- planning ---------------------------------------------------------------------------------------------------

    def _plan(
        self, wanted: Sequence[Prefix], found: Sequence[tuple[int, int]], first: Sequence[int] | None, rows: int
    ) -> Plan:
        table = self.table
        size = min(bucket(rows, table.size), self.most)
        if table.thrashing:
            size = max(size, min(2 * table.size, self.most))
            table.thrashing = False
        if size > table.size:
            self._resize(range(table.size), size, self.depth)
        plan = table.plan(wanted, found, first)
        own = max(len(p) - b for p, b in zip(wanted, plan.base, strict=True))
        if own > self.depth:
            self._resize(range(table.size), table.size, self.device.depth(own))
        if plan.sources:
            n = len(plan.sources)
            moves = np.zeros((2, table.size), np.int32)
            moves[:, :n] = plan.sources, plan.targets
            self.device.shapes.note("move", table.size, self.depth)
            self.state = programs.move(self.state, *moves, np.int32(n), placement=self.device.placement)
            self.stats.moves += n
        return plan

    # --- feeding ----------------------------------------------------------------------------------------------------

    def _decode(self, wanted: Sequence[Prefix], plan: Plan, rows: list[int]) -> None:
        """One token each. Over all slots, or over the gathered rows where a quarter (a sixteenth, ...) of the slots is
        enough for long: with sizes that far apart a shrinking population compiles few programs and wastes little, and
        a few equal draws by chance compile none.
        """
        n, size, device, memory = len(rows), self.size, self.device, self.device.memory
        B, most = size, memory.rows(self.depth + self.trunk_size)
        while max(n, memory.least_rows) <= B // 4 and B // 4 % device.placement.rows == 0:
            B //= 4
        B, _ = device.shapes.choose(("decode", *self._place()), (min(B, most), 1), n, 1)
        whole = size == B
        at = np.array([plan.slot[i] for i in rows], np.int32)
        put: Any = at if whole else slice(0, n)
        feed = self._blank(B, 1)
        feed.slots[:] = np.arange(B) if whole else size
        feed.slots[put] = at
        feed.starts[put] = [plan.start[i] - plan.base[i] for i in rows]
        feed.counts[put] = 1
        feed.bases[put] = [plan.base[i] for i in rows]
        feed.tokens[put, 0] = [wanted[i][-1] for i in rows]
        self._feed(feed, n, whole, None)

    def _passes(
        self, fed: Sequence[Prefix], plan: Plan, rows: list[int], full: Sequence[Prefix] | None
    ) -> Iterator[Scored]:
        """Several tokens each, in chunks; rows of similar length go together."""
        at = dict(zip(rows, (plan.start[i] for i in rows), strict=True))
        memory, attended = self.device.memory, self.depth + self.trunk_size
        positions, most = memory.positions(attended), memory.rows(attended)
        while rows:
            rows.sort(key=lambda i: len(fed[i]) - at[i], reverse=True)
            chunk = min(len(fed[rows[0]]) - at[rows[0]], MOST_CHUNK, positions // memory.least_rows)
            some = rows[: positions // (1 if chunk == 1 else bucket(chunk, LEAST_CHUNK))][:most]
            B, C = self.device.shapes.fit(self._place(), len(some), chunk, (memory.least_rows, LEAST_CHUNK))
            feed = self._blank(B, C)
            targets = np.zeros((B, C), np.int32)
            for b, i in enumerate(some):
                tokens = fed[i][at[i] : at[i] + C]
                feed.slots[b], feed.bases[b] = plan.slot[i], plan.base[i]
                feed.starts[b], feed.counts[b] = at[i] - plan.base[i], len(tokens)
                feed.tokens[b, : len(tokens)] = tokens
                if full is not None:
                    targets[b, : len(tokens)] = full[i][at[i] + 1 : at[i] + 1 + len(tokens)]
            out = self._feed(feed, int(feed.counts.sum()), False, None if full is None else targets)
            for b, i in enumerate(some):
                n = int(feed.counts[b])
                if out is not None:
                    yield i, at[i], out[0, b, :n], out[1, b, :n]
                at[i] += n
            rows = [i for i in rows if at[i] < len(fed[i])]

    def _blank(self, B: int, C: int) -> Feed[Ints]:
        """A feed of nothing: B padding rows."""
        starts, counts, bases = np.zeros((3, B), np.int32)
        return Feed(np.full(B, self.size, np.int32), starts, counts, bases, np.zeros((B, C), np.int32))

    def _feed(self, feed: Feed[Ints], asked: int, whole: bool, targets: Ints | None) -> NDArray[np.float32] | None:
        B, C = feed.tokens.shape
        self.stats.forwards += 1
        self.stats.positions += asked
        self.stats.padded += B * C - asked
        device, name = self.device, "feed" if targets is None else "feed_scored"
        device.shapes.note(name, B, self.size, C, self.depth, self.trunk_size)
        how: Any = {"config": self.config, "whole": whole, "placement": device.placement}
        if targets is None:
            self.state = programs.feed(device.params, self.state, self.trunk, feed, **how)
            return None
        self.state, out = programs.feed_scored(device.params, self.state, self.trunk, feed, targets, **how)
        self.stats.readbacks += 1
        return np.asarray(out)

    # --- memory -----------------------------------------------------------------------------------------------------

    def _prefill(self, trunk: Prefix) -> None:
        """Run the trunk through a cache of one slot, keep that slot as the trunk, its logits in slot 0."""
        placement = self.device.placement
        P = self.device.memory.trunk_depth(len(trunk))
        state, C = self._allocate(1, P), min(P, MOST_CHUNK, self.device.memory.positions(P))
        for start in range(0, len(trunk), C):
            piece = trunk[start : start + C]
            tokens = np.zeros((1, C), np.int32)
            tokens[0, : len(piece)] = piece
            zero, at, n = (np.array([x], np.int32) for x in (0, start, len(piece)))
            self.device.shapes.note("feed", 1, 1, C, P, 0)
            feed = Feed(zero, at, n, zero, tokens)
            state = programs.feed(
                self.device.params, state, Trunk(), feed, config=self.config, whole=True, placement=placement
            )
            self.stats.forwards += 1
            self.stats.positions += len(piece)
            self.stats.padded += C - len(piece)
        self.trunk = programs.as_trunk(state.cache, placement=placement)
        self.state = programs.seed(self.state, np.int32(0), state, placement=placement)
        self.table.start(trunk)

    def _allocate(self, slots: int, depth: int) -> State:
        self.device.shapes.note("allocate", slots, depth)
        state: State = programs.allocate(
            config=self.config, slots=slots, depth=depth, dtype=self.device.dtype, placement=self.device.placement
        )
        return state

    def _resize(self, slots: Sequence[int], size: int, depth: int) -> None:
        index = np.full(size, self.size, np.int32)
        index[: len(slots)] = slots
        self.device.shapes.note("resize", self.size, size, self.depth, depth)

        def resized(a: jax.Array, axis: int | None = None) -> jax.Array:
            """One array after the other, so that the old cache and the new one are never both whole."""
            new: jax.Array = programs.resize(
                a, index, axis=axis, depth=depth if axis else 0, placement=self.device.placement
            )
            new.block_until_ready()
            a.delete()
            return new

        cache, logits, log_z = self.state
        keys, values = tuple(resized(k, 3) for k in cache.keys), tuple(resized(v, 2) for v in cache.values)
        self.state = State(Cache(keys, values), resized(logits), resized(log_z))
        self.table.keep(slots, size)
        self.depth, self._idle = depth, 0
        self.stats.resizes += 1

    @property
    def trunk_size(self) -> int:
        return self.trunk.keys[0].shape[-1] if self.trunk.keys else 0

    def _place(self) -> tuple[int, int, int]:
        return self.size, self.depth, self.trunk_size
