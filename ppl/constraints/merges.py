"""Byte-pair merges: which tokens can never stand next to one another inside a word."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

_NEVER = np.iinfo(np.int32).max
Merge = tuple[int, int, int]
"""(left, right, joined): two tokens, and the one that they become."""


class Merges:
    """The merges of a byte-pair encoding, the first to be applied first.

    The encoder always applies the merge of the lowest rank, the leftmost of equals. Inside token a everything happens
    as if it were alone, so its right edge is in turn each token of its right spine: a itself at last, before that the
    right part of its own last merge, and so on; in the same way the left edge of b. If x on the right spine of a and y
    on the left spine of b can be merged with rank r, they are, before either is used up, if

        r < rank of the merge that uses x up    and    r <= rank of the merge that uses y up

    (equal ranks: the leftmost goes first), given that both are made of merges of lower ranks than r. Then a and b are
    not neighbours in any word. Source of the idea: Vieira et al. 2025, "Language models over canonical byte-pair
    encodings". Cost: O(V depth) array operations for all b after one a.
    """

    def __init__(self, merges: Sequence[Merge], size: int) -> None:
        self.size = size
        made: dict[int, list[tuple[int, int, int]]] = {}
        for rank, (left, right, joined) in enumerate(merges):
            made.setdefault(joined, []).append((rank, left, right))
        ranks = {(left, right): (rank, joined) for rank, (left, right, joined) in reversed(list(enumerate(merges)))}
        self._made: dict[int, tuple[int, int, int]] = {}
        for token, ways in made.items():
            way = ways[0] if len(ways) == 1 else _last_merge(token, made, ranks)
            if way is not None:
                self._made[token] = way
        peaks: dict[int, int] = {}
        self._right_of: dict[int, tuple[list[int], list[int]]] = {}
        for (left, right), (rank, _) in ranks.items():
            if rank > self._peak(left, peaks) and rank > self._peak(right, peaks):
                tokens, found = self._right_of.setdefault(left, ([], []))
                tokens.append(right)
                found.append(rank)
        self._nodes, self._limits = self._left_spines()

    def crossing(self, token: int) -> NDArray[np.int32]:
        """For each token b the y with which it would be merged over its edge after this one, [V]; -1 if there is none:
        the others can never follow this token inside a word."""
        out = np.full(self.size, -1, np.int32)
        limit = _NEVER
        while True:
            if token in self._right_of:
                rank = np.full(self.size + 1, _NEVER, np.int32)
                after, ranks = self._right_of[token]
                rank[after] = ranks
                met = rank[self._nodes]
                hit = (met < limit) & (met <= self._limits)
                some = np.flatnonzero(hit.any(1))
                out[some] = self._nodes[some, hit[some].argmax(1)]
            if token not in self._made:
                return out
            limit, _, token = self._made[token]

    def _peak(self, token: int, known: dict[int, int]) -> int:
        """The highest rank among the merges that a token is made of, -1 for a single byte."""
        if token not in known:
            way = self._made.get(token)
            known[token] = -1 if way is None else max(way[0], *(self._peak(part, known) for part in way[1:]))
        return known[token]

    def _left_spines(self) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """[V, depth]: the tokens that are the left edge of each in turn, and the ranks by which they are used up."""
        spines = []
        for token in range(self.size):
            spine = [(token, _NEVER)]
            while spine[-1][0] in self._made:
                rank, left, _ = self._made[spine[-1][0]]
                spine.append((left, rank))
            spines.append(spine)
        depth = max(map(len, spines), default=1)
        nodes = np.full((self.size, depth), self.size, np.int32)
        limits = np.full((self.size, depth), -1, np.int32)
        for token, spine in enumerate(spines):
            nodes[token, : len(spine)], limits[token, : len(spine)] = zip(*spine, strict=True)
        return nodes, limits


def _last_merge(
    token: int, made: dict[int, list[tuple[int, int, int]]], ranks: dict[tuple[int, int], tuple[int, int]]
) -> tuple[int, int, int] | None:
    """(rank, left, right) of the merge by which a token that several merges make comes about; None if none does."""
    pieces = [token]
    while any(p in made for p in pieces):
        pieces = [part for p in pieces for part in (made[p][0][1:] if p in made else (p,))]
    last = None
    while found := [(ranks[pair], i) for i, pair in enumerate(pairwise(pieces)) if pair in ranks]:
        (rank, joined), i = min(found)
        last = rank, pieces[i], pieces[i + 1]
        pieces[i : i + 2] = [joined]
    return last if pieces == [token] else None
