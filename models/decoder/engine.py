"""The engine room of a decoder: brings contexts into a bank, asks the device about them, remembers the answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steersman.ppl.constraints.masks import Packed

from ..errors import BadToken, ContextTooLong, ModelError, NonFiniteLogits
from .bank import Bank, Ints
from .banks import Banks
from .buckets import bucket
from .device import Device
from .memo import TokenMemo, VectorMemo
from .memory import explained
from .slots import Prefix

Rows = list[int]
Ask = Callable[[Bank, Ints, Rows], Any]  # (bank, slot of each row, rows asked) -> results, rows on the last axis


class Engine:
    def __init__(self, device: Device, cache_size: int, max_banks: int) -> None:
        self.config, self.device = device.config, device
        self.banks = Banks(self.device, max_banks)
        self.tokens = TokenMemo(cache_size // 2)
        self.vectors = VectorMemo(cache_size // 2)
        self.stats = self.device.stats

    def ask(self, kind: str, prefixes: Sequence[Prefix], call: Ask) -> Iterator[tuple[Rows, NDArray[Any]]]:
        """Bring the contexts of all rows in, in batches of at most `max_rows`; yield each group of rows with its
        answer.

        Equal prefixes are fed once. Rows are padded to a bucket, never smaller than the bank, so that a population that
        shrinks does not compile a program for each of its sizes.
        """
        with explained(self.device.memory, self.clear, max(map(len, prefixes), default=0)):
            yield from self._ask(kind, prefixes, call)

    def _ask(self, kind: str, prefixes: Sequence[Prefix], call: Ask) -> Iterator[tuple[Rows, NDArray[Any]]]:
        """`ask`, with errors of the device as they come."""
        size, memory = self.device.params.embed.size, self.device.memory
        for prefix in prefixes:
            self.check_length(len(prefix))
            if not 0 <= prefix[-1] < size:  # the others were checked when they were last, or when they came in cold
                raise BadToken(prefix[-1], size)
        for begin in range(0, len(prefixes), self.device.max_rows):
            batch = prefixes[begin : begin + self.device.max_rows]
            index: dict[Prefix, int] = {}
            which = [index.setdefault(p, len(index)) for p in batch]
            wanted = list(index)
            for bank, members, found in self.banks.serve(wanted, wanted, len(batch)):
                mine = set(members)
                rows = [r for r, w in enumerate(which) if w in mine]
                slot_of = dict(zip(members, bank.extend([wanted[i] for i in members], found, len(rows)), strict=True))
                slots = np.zeros(max(min(bank.size, memory.draws), bucket(len(rows), memory.least_rows)), np.int32)
                slots[: len(rows)] = [slot_of[which[r]] for r in rows]
                asked = [begin + r for r in rows]
                self.device.shapes.note(kind, bank.size, len(slots))
                answer = np.asarray(call(bank, slots, asked))
                self.stats.readbacks += 1
                yield asked, answer[: len(rows)] if kind.startswith("vectors") else answer[..., : len(rows)]
                bank.settle()

    def check_length(self, tokens: int) -> None:
        if tokens > self.config.max_length:
            raise ContextTooLong(tokens, self.config.max_length)
        if tokens == 0:
            raise ModelError("an empty prefix has no next-token distribution; start the context with the bos token")

    def check_finite(self, prefixes: Sequence[Prefix], values: NDArray[np.float32]) -> None:
        """Refuse the rows whose normaliser is NaN or infinite; their keys and values must not survive, either."""
        if not np.isfinite(values).all():
            self.clear()
            raise NonFiniteLogits([len(prefixes[i]) for i in np.flatnonzero(~np.isfinite(values)).tolist()])

    def recall(self, prefix: Prefix, token: int) -> float | None:
        """log p(token | prefix) if it was computed before."""
        known = self.tokens.get(prefix, token)
        if known is None and self.vectors:
            vector = self.vectors.get(prefix)
            known = None if vector is None else float(vector[token])
        if known is not None:
            self.stats.hits += 1
        return known

    def remember(self, prefixes: Sequence[Prefix], tokens: Ints, log_p: NDArray[Any]) -> None:
        put = self.tokens.put
        for prefix, token, value in zip(prefixes, tokens.tolist(), log_p.tolist(), strict=True):
            put(prefix, token, value)

    def clear(self) -> None:
        self.banks.clear()
        self.tokens.clear()
        self.vectors.clear()
        self.device.shapes.forget()


def pad(array: NDArray[Any], rows: Rows, size: int, fill: Any) -> NDArray[Any]:
    """The rows of an argument, padded to `size` rows."""
    out = np.full((size, *array.shape[1:]), fill, array.dtype)
    out[: len(rows)] = array[rows]
    return out


ALL = np.uint32(0xFFFFFFFF)


@dataclass(frozen=True, slots=True)
class Steer:
    """Temperatures [n] and packed masks [n, ceil(V / 32)] of the rows of a question; None where the plain model is
    meant."""

    temperatures: NDArray[np.float32] | None = None
    masks: Packed | None = None

    @property
    def plain(self) -> bool:
        return self.temperatures is None and self.masks is None

    def some(self, rows: Rows) -> Steer:
        t, m = self.temperatures, self.masks
        return Steer(None if t is None else t[rows], None if m is None else m[rows])

    def padded(self, rows: Rows, size: int) -> tuple[NDArray[Any] | None, NDArray[Any] | None]:
        t, m = self.temperatures, self.masks
        return None if t is None else pad(t, rows, size, 1.0), None if m is None else pad(m, rows, size, ALL)

    def kind(self, name: str) -> str:
        """The name under which a program is counted: each combination is one compilation."""
        return name + ("" if self.temperatures is None else " tempered") + ("" if self.masks is None else " masked")
