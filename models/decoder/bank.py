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
from .config import DecoderConfig
from .forward import Feed
from .params import Params
from .programs import State
from .shapes import LEAST_ROWS, MOST_CHUNK, MOST_POSITIONS, Shapes
from .slots import Plan, Prefix, SlotTable
from .stats import Stats

Ints = NDArray[np.int32]
LEAST_DEPTH = 64
LEAST_TRUNK = 16
Scored = tuple[int, int, NDArray[np.float32], NDArray[np.float32]]


class Device:
    """What all banks of a decoder share."""

    def __init__(self, config: DecoderConfig, params: Params, dtype: str, max_rows: int) -> None:
        self.config, self.params, self.dtype, self.max_rows = config, params, dtype, max_rows
        self.max_slots = 4 * max_rows
        self.stats = Stats()
        self.shapes = Shapes(sum(a.size for a in jax.tree.leaves(params)), self.stats)

    def depth(self, own: int) -> int:
        return bucket(own, LEAST_DEPTH, max(LEAST_TRUNK, self.config.max_length))


class Bank:
    def __init__(self, device: Device, trunk: Prefix, rows: int, own: int) -> None:
        self.device, self.config, self.stats = device, device.config, device.stats
        self.table = SlotTable(bucket(rows, LEAST_ROWS, device.max_slots), trunk)
        self.depth = device.depth(own)
        self.trunk = Trunk()
        self.state = self._allocate(self.table.size, self.depth)
        self._idle = 0  # row positions computed for nobody since the bank was last busy
        if trunk:
            self._prefill(trunk)

    @property
    def size(self) -> int:
        return self.table.size

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
        size = bucket(len(live), LEAST_ROWS)
        if 4 * size > self.size:
            self._idle = 0
            return
        self._idle += self.size - size
        if self._idle > self.device.shapes.worth:
            self._resize(live, size, self.depth)

    # --- planning ---------------------------------------------------------------------------------------------------

    def _plan(
        self, wanted: Sequence[Prefix], found: Sequence[tuple[int, int]], first: Sequence[int] | None, rows: int
    ) -> Plan:
        table = self.table
        size = bucket(rows, table.size)
        if table.thrashing:
            size = max(size, min(2 * table.size, self.device.max_slots))
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
            self.state = programs.move(self.state, *moves, np.int32(n))
            self.stats.moves += n
        return plan

    # --- feeding ----------------------------------------------------------------------------------------------------

    def _decode(self, wanted: Sequence[Prefix], plan: Plan, rows: list[int]) -> None:
        """One token each. Over all slots, or over the gathered rows where a quarter (a sixteenth, ...) of the slots is
        enough: with sizes that far apart a shrinking population compiles few programs and wastes little.
        """
        n, size = len(rows), self.size
        B = size
        while max(n, LEAST_ROWS) <= B // 4:
            B //= 4
        whole, B = self.device.max_rows >= B and size == B, min(B, self.device.max_rows)
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
        while rows:
            rows.sort(key=lambda i: len(fed[i]) - at[i], reverse=True)
            chunk = min(len(fed[rows[0]]) - at[rows[0]], MOST_CHUNK)
            some = rows[: max(1, MOST_POSITIONS // bucket(chunk))][: self.device.max_rows]
            B, C = self.device.shapes.fit(self._place(), len(some), chunk)
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
        device.shapes.note(name, B, self.size, C, self.depth, self._trunk_size())
        if targets is None:
            self.state = programs.feed(device.params, self.state, self.trunk, feed, config=self.config, whole=whole)
            return None
        self.state, out = programs.feed_scored(
            device.params, self.state, self.trunk, feed, targets, config=self.config, whole=whole
        )
        self.stats.readbacks += 1
        return np.asarray(out)

    # --- memory -----------------------------------------------------------------------------------------------------

    def _prefill(self, trunk: Prefix) -> None:
        """Run the trunk through a cache of one slot, keep that slot as the trunk, its logits in slot 0."""
        P = bucket(len(trunk), LEAST_TRUNK, max(LEAST_TRUNK, self.config.max_length))
        state, C = self._allocate(1, P), min(P, MOST_CHUNK)
        for start in range(0, len(trunk), C):
            piece = trunk[start : start + C]
            tokens = np.zeros((1, C), np.int32)
            tokens[0, : len(piece)] = piece
            zero, at, n = (np.array([x], np.int32) for x in (0, start, len(piece)))
            self.device.shapes.note("feed", 1, 1, C, P, 0)
            state = programs.feed(
                self.device.params, state, Trunk(), Feed(zero, at, n, zero, tokens), config=self.config, whole=True
            )
            self.stats.forwards += 1
            self.stats.positions += len(piece)
            self.stats.padded += C - len(piece)
        self.trunk = programs.as_trunk(state.cache)
        self.state = programs.seed(self.state, np.int32(0), state)
        self.table.start(trunk)

    def _allocate(self, slots: int, depth: int) -> State:
        self.device.shapes.note("allocate", slots, depth)
        state: State = programs.allocate(config=self.config, slots=slots, depth=depth, dtype=self.device.dtype)
        return state

    def _resize(self, slots: Sequence[int], size: int, depth: int) -> None:
        index = np.full(size, self.size, np.int32)
        index[: len(slots)] = slots
        self.device.shapes.note("resize", self.size, size, self.depth, depth)
        self.state = programs.resize(self.state, index, depth=depth)
        if size != self.size:
            self.table.keep(slots, size)
        self.depth, self._idle = depth, 0
        self.stats.resizes += 1

    def _trunk_size(self) -> int:
        return self.trunk.keys[0].shape[-1] if self.trunk.keys else 0

    def _place(self) -> tuple[int, int, int]:
        return self.size, self.depth, self._trunk_size()
