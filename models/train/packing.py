"""Pack token sequences of documents into rows of equal length for training."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from .corpus import weighted_pass

Tokens = NDArray[np.int32]


def pack(documents: Sequence[Sequence[int]], order: Sequence[int], end: int) -> Tokens:
    """One stream: every document preceded by the end-of-text token, and one more at the very end."""
    stream: list[int] = []
    for index in order:
        stream.append(end)
        stream.extend(documents[index])
    stream.append(end)
    return np.asarray(stream, dtype=np.int32)


def row_start(stream: Tokens, ends: Tokens, position: int, reach: int) -> int:
    """Where a row that should start at ``position`` does start.

    A sampler starts from a bare end-of-text token, which few rows of a packed stream do. So a row
    moves *back* to the start of its document when that is at most ``reach`` tokens away. (Moving
    forward would select rows by what they are about to say, and bias the model against endings.)
    """
    previous = int(ends[np.searchsorted(ends, position, side="right") - 1])
    return previous if position - previous <= reach else position


class Packer:
    """An endless supply of batches, pass after weighted pass."""

    def __init__(
        self,
        documents: Sequence[Sequence[int]],
        weights: Sequence[float],
        end: int,
        rng: random.Random,
    ) -> None:
        self.documents, self.weights, self.end, self.rng = documents, weights, end, rng
        self.passes = 0
        self._new_pass()

    def _new_pass(self) -> None:
        self.stream = pack(self.documents, weighted_pass(self.weights, self.rng), self.end)
        self.ends = np.flatnonzero(self.stream == self.end).astype(np.int32)
        self.position = 0

    def rows(self, length: int) -> Iterator[Tokens]:
        """Rows of ``length`` tokens each; a new pass is drawn when the stream runs out."""
        while True:
            start = row_start(self.stream, self.ends, self.position, length // 4)
            if start + length > len(self.stream):
                self.passes += 1
                self._new_pass()
                if length > len(self.stream):  # a toy corpus: repeat it
                    self.stream = np.tile(self.stream, -(-length // len(self.stream)))
                    self.ends = np.flatnonzero(self.stream == self.end).astype(np.int32)
                continue
            self.position = start + length
            yield self.stream[start : start + length]

    def batch(self, rows: int, length: int) -> Tokens:
        """One batch, shape ``[rows, length]``."""
        supply = self.rows(length)
        return np.stack([next(supply) for _ in range(rows)])
