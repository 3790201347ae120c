"""Log-probabilities already computed, keyed by prefix, in two caches bounded in bytes.

Both evict the least recently used prefix. Sizes are estimates of what CPython needs: a tuple of n tokens takes 8 n
bytes beside its overhead, a remembered token one dictionary entry.
"""

from __future__ import annotations

from collections import OrderedDict

import numpy as np
from numpy.typing import NDArray

from .slots import Prefix

ENTRY = 400  # bytes: tuple and dictionary headers, the entry in the outer dictionary
TOKEN = 100  # bytes: a dictionary entry and a float


class TokenMemo:
    """(prefix, token) -> log p(token | prefix) at temperature 1, for tokens that were drawn or scored."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.bytes = 0
        self._known: OrderedDict[Prefix, dict[int, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    def get(self, prefix: Prefix, token: int) -> float | None:
        known = self._known.get(prefix)
        if known is None:
            return None
        self._known.move_to_end(prefix)
        return known.get(token)

    def put(self, prefix: Prefix, token: int, log_p: float) -> None:
        known = self._known.setdefault(prefix, {})  # one look-up: hashing a long prefix is what costs
        if not known:
            self.bytes += ENTRY + 8 * len(prefix)
        if token not in known:
            known[token] = log_p
            self.bytes += TOKEN
        while self.bytes > self.max_bytes and self._known:
            old, tokens = self._known.popitem(last=False)
            self.bytes -= ENTRY + TOKEN * len(tokens) + 8 * len(old)

    def clear(self) -> None:
        self._known.clear()
        self.bytes = 0


class VectorMemo:
    """prefix -> log-probabilities of the whole vocabulary, float32 [V], read-only."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.bytes = 0
        self._known: OrderedDict[Prefix, NDArray[np.float32]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    def get(self, prefix: Prefix) -> NDArray[np.float32] | None:
        known = self._known.get(prefix)
        if known is not None:
            self._known.move_to_end(prefix)
        return known

    def put(self, prefix: Prefix, vector: NDArray[np.float32]) -> None:
        if prefix not in self._known:
            self._known[prefix] = vector
            self.bytes += ENTRY + 8 * len(prefix) + vector.nbytes
        while self.bytes > self.max_bytes and self._known:
            old, gone = self._known.popitem(last=False)
            self.bytes -= ENTRY + 8 * len(old) + gone.nbytes

    def clear(self) -> None:
        self._known.clear()
        self.bytes = 0
