"""What fits on a device: bytes of weights, of working space and of caches, and how many contexts these hold at once.

    slot(T)  = (L + s) 2 K D T b / W + 4 (V + 1)          keys, values and logits of one context of T own positions
    trunk(P) = 2 L 2 K D P b / W                          twice, because its prefill has a cache of its own
    caches   = limit - weights - working space
    N        = A floor(caches / slot(T))                  contexts at once

L layers, K key heads of size D, b bytes a number, V tokens; A devices share the particles, W the weights. s is 1, on
a mesh 2: a cache that changes its size is copied one array after the other. Whatever does not fit is done in several
rounds, with the same result: see `Banks.serve`.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import jax
import jax.numpy as jnp

from ..errors import OutOfMemory
from .buckets import bucket
from .config import DecoderConfig
from .params import Params
from .placement import Placement
from .shapes import LEAST_CHUNK, LEAST_DEPTH, LEAST_ROWS, LEAST_TRUNK, MOST_POSITIONS

SPARE = 0.1  # of what is free stays so: allocators need some
WORKING = 0.25  # of what the weights leave is working space, at most


class Memory:
    """The plan for one decoder. Sizes are bytes on each device; `limit` None is what the devices have free."""

    def __init__(
        self,
        config: DecoderConfig,
        params: Params,
        dtype: str,
        max_rows: int,
        placement: Placement,
        limit: int | None = None,
    ) -> None:
        self.config, self.placement, self.max_rows = config, placement, max_rows
        self.itemsize = jnp.dtype(dtype).itemsize
        self.least_rows = math.lcm(LEAST_ROWS, placement.rows)
        self.weights: int = sum(
            math.prod(a.sharding.shard_shape(a.shape)) * a.dtype.itemsize for a in jax.tree.leaves(params)
        )
        self.limit = self.weights + available(placement) if limit is None else limit
        deepest = self.depth(config.max_length)
        self.max_slots = 4 * max_rows
        most = max(
            max_rows * self._row(deepest), self.max_slots * self._drawn(), MOST_POSITIONS * self._position(deepest)
        )
        free = self.limit - self.weights
        fitting = [d for d in self._depths() if self._least(d) <= free]
        self.longest = fitting[-1] if fitting else 0  # the longest contexts that can be held and computed
        if not fitting:
            raise self.error(1)
        share = max(int(WORKING * free), self._least_working(self.longest))
        self.working = min(most, share, free - self.cache(self.least_rows, self.longest))
        self.caches = free - self.working
        each = self.least_rows // placement.rows * self._drawn()
        self.draws = self.working // each * self.least_rows  # rows drawn from at once

    def depth(self, own: int) -> int:
        """Positions that a cache has room for where contexts have `own` of their own."""
        return bucket(own, LEAST_DEPTH, max(LEAST_TRUNK, self.config.max_length))

    def trunk_depth(self, tokens: int) -> int:
        """Positions that the trunk of a prompt of so many tokens takes."""
        return bucket(tokens, LEAST_TRUNK, max(LEAST_TRUNK, self.config.max_length)) if tokens else 0

    def cache(self, slots: int, depth: int) -> int:
        """Bytes of a cache, as it is while its size changes."""
        layers = self.config.layers + (1 if self.placement.mesh is None else 2)
        return -(-slots // self.placement.rows) * (layers * self._layer() * depth + 4 * (self.config.vocab_size + 1))

    def trunk(self, tokens: int) -> int:
        return 2 * self.config.layers * self._layer() * tokens

    def slots(self, depth: int, taken: int = 0) -> int:
        """Slots of that depth that fit into what others have not `taken`: a multiple of the least rows, or 0."""
        each = self.cache(self.least_rows, depth)
        return max(0, self.caches - taken) // each * self.least_rows

    def rows(self, attended: int) -> int:
        """Rows of one pass, one token each, where a query sees so many positions."""
        if self.working < self._least_working(attended):
            return 0
        most = min(self.placement.rows * (self.working // self._row(attended)), self.max_rows)
        return self.max_rows if most == self.max_rows else most // self.least_rows * self.least_rows

    def positions(self, attended: int) -> int:
        """Rows times tokens of one pass: a power of two times the least rows."""
        most = min(MOST_POSITIONS, self.placement.rows * (self.working // self._position(attended)))
        size = self.least_rows * LEAST_CHUNK
        while 2 * size <= most:
            size *= 2
        return size

    def capacity(self, tokens: int) -> int:
        """The largest N: contexts of so many tokens, with no prompt in common, that are held at once."""
        depth = self.depth(tokens)
        return min(self.slots(depth), self.max_slots) if self.rows(depth) else 0

    def error(self, tokens: int) -> OutOfMemory:
        """What to raise for contexts that do not fit."""
        need = self.weights + self._least(self.depth(tokens))
        return OutOfMemory(tokens, need, self.limit, self.weights, self.longest)

    def _least(self, depth: int) -> int:
        """What the smallest batch needs beside the weights."""
        return self._least_working(depth) + self.cache(self.least_rows, depth)

    def _depths(self) -> list[int]:
        """All depths that there are, in order."""
        found = [self.depth(1)]
        while found[-1] < self.config.max_length:
            found.append(self.depth(found[-1] + 1))
        return found

    # --- bytes of one row, of one position, of one draw --------------------------------------------------------------

    def _layer(self) -> int:
        """Keys and values of one position in one layer."""
        return 2 * self.config.kv_heads * self.config.head_dim * self.itemsize // self.placement.columns

    def _row(self, attended: int) -> int:
        """One token: its cache gathered for one layer, its activations, and logits three times over."""
        gathered = self._layer() * attended * (1 if self.placement.mesh is None else 2)
        return gathered + self._activations(attended) + 12 * self.config.vocab_size

    def _position(self, attended: int) -> int:
        """One of at least `LEAST_CHUNK` tokens of a row."""
        activations = self._activations(attended)
        return activations + (self._row(attended) - activations) // LEAST_CHUNK

    def _activations(self, attended: int) -> int:
        """The widest of a block at once: residual stream, projections, inner units; scores twice, and their sum."""
        c, W = self.config, self.placement.columns
        inner = 2 * (c.heads + c.kv_heads) * c.head_dim + 4 * c.intermediate + 3 * c.heads * attended
        return 4 * (6 * c.hidden + inner // W)

    def _drawn(self) -> int:
        """Logits, tempered, masked, exponentiated and cut into blocks."""
        return (20 if self.placement.mesh is None else 28) * self.config.vocab_size

    def _least_working(self, depth: int) -> int:
        rows = self.least_rows // self.placement.rows
        return rows * max(LEAST_CHUNK * self._position(depth), self._row(depth), self._drawn())


def available(placement: Placement) -> int:
    """Bytes free on each device: what it reports, else its share of the host's memory."""
    device = jax.devices()[0] if placement.mesh is None else placement.mesh.devices.flat[0]
    told = device.memory_stats()
    if told and "bytes_limit" in told:
        return int((told["bytes_limit"] - told.get("bytes_in_use", 0)) * (1 - SPARE))
    return int(_host() * (1 - SPARE)) // (placement.rows * placement.columns)


def _host() -> int:
    """Free memory of this machine, or of the control group that this process is in, whichever is less."""
    free = [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")]
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        free += [int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")]
    except OSError:
        pass
    try:
        group = Path("/sys/fs/cgroup")
        free.append(int((group / "memory.max").read_text()) - int((group / "memory.current").read_text()))
    except (OSError, ValueError):  # no such file system, or no limit ("max")
        pass
    return max(0, min(free))


@contextmanager
def explained(memory: Memory, clear: Callable[[], None], tokens: int) -> Iterator[None]:
    """Turn the allocator's error into one that says what fits by plan; `clear` drops caches, which may be half gone."""
    try:
        yield
    except jax.errors.JaxRuntimeError as error:
        if "RESOURCE_EXHAUSTED" not in str(error):
            raise
        clear()
        raise memory.error(tokens) from error
