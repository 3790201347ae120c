"""`Pairs`: which token may follow which where a tokenizer spells a text itself."""

from __future__ import annotations

from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np

from .masks import Packed, pack, tokens_of
from .merges import Merge, Merges

_KEPT = 2048
"""Masks that are remembered for one vocabulary."""

# A letter, a sign and a digit that are too rare to be merged with anything, in what may decide where a word ends.
_BEFORE = ("", " ", "ꙗ", "⁂")
_BEFORE_CONTRACTION = ("'", "'l", "'r", "'v", "ꙗ'", "ꙗ'l", "ꙗ'r", "ꙗ'v")
_BEFORE_DIGITS = ("᠐", "᠐᠐")
_AFTER = ("", "ꙗ", " ꙗ")


class Pairs:
    """Tokens that can be neighbours in what `encode` gives. Never too few; what else is let through, the test of the
    whole text finds.

    Inside a word (what the tokenizer cuts a text into before it merges) neighbours in the whole are neighbours alone:
    until a merge crosses the outer edges of a pair, and none does, its bytes are merged as if nothing stood around
    them. So a pair that merges across its own middle is never inside a word (`Merges`). It may still straddle the end
    of one: "\\n\\n" is one word at the end of a text and two before a letter. Where a word ends depends on a few
    characters on each side (a contraction, a run of spaces, of digits or of signs), so those pairs are tried in a list
    of contexts, and kept if the first token stands by itself in one. A pair that is cut inside a character is inside a
    word.

    encode: text -> tokens. merges: those of the byte-pair encoding; without them every pair is tried whose middle some
    token of the vocabulary could cross.
    """

    def __init__(
        self, encode: Callable[[str], Sequence[int]], token_bytes: Sequence[bytes], ordinary: Packed,
        merges: Sequence[Merge] | None,
    ) -> None:
        self._encode, self._pieces, self._ordinary = encode, token_bytes, ordinary
        self._merges = None if merges is None else Merges(merges, len(token_bytes))
        self._masks: OrderedDict[int, Packed] = OrderedDict()

    def after(self, token: int) -> Packed:
        """The mask of the tokens that may follow this one, [ceil(V / 32)]."""
        known = self._masks.get(token)
        if known is None:
            known = self._masks[token] = self._ordinary & ~self._never_after(token)
            while len(self._masks) > _KEPT:
                self._masks.popitem(last=False)
        else:
            self._masks.move_to_end(token)
        return known

    def _never_after(self, token: int) -> Packed:
        never = np.zeros(len(self._pieces), np.bool_)
        for head, others in self._suspects(token).items():
            if head is None:
                never[[other for other in others if not self._possible(token, self._pieces[other])]] = True
            elif not self._possible(token, head):
                never[others] = True
        return pack(never)

    def _suspects(self, token: int) -> dict[bytes | None, list[int]]:
        """The tokens that never follow this one inside a word, by how they begin: where no word ends before the
        beginning, none ends before the token. None: without merges nothing is known but that they may not follow."""
        if self._merges is None:
            return {None: self._crossed(token)}
        crossing = self._merges.crossing(token)
        found: dict[bytes | None, list[int]] = {}
        for other in np.flatnonzero(crossing >= 0).tolist():
            length = len(self._pieces[crossing[other]])
            found.setdefault(_head(self._pieces[token], self._pieces[other], length), []).append(other)
        return found

    def _possible(self, token: int, rest: bytes) -> bool:
        """Whether `token` stands before `rest` in some context; True where no context can tell."""
        piece = self._pieces[token]
        if rest[0] & 0xC0 == 0x80:  # in the middle of a character, where no word ends
            return self._merges is None
        try:
            text = (piece + rest).decode()
        except UnicodeDecodeError:
            return True
        for left in self._before(piece):
            at = len(left.encode())
            for right in self._after:
                if self._stands(self._encode(left + text + right), at, token):
                    return True
        return False

    def _stands(self, tokens: Sequence[int], at: int, token: int) -> bool:
        """Whether a token begins at this byte of a text spelt by tokens."""
        begin = 0
        for found in tokens:
            if begin >= at:
                return begin == at and found == token
            begin += len(self._pieces[found])
        return False

    def _before(self, piece: bytes) -> list[str]:
        """What may stand before a piece and decide whether a word ends after it."""
        possible = [*_BEFORE]
        if len(piece) <= 2:
            possible += _BEFORE_CONTRACTION
        if piece.decode(errors="ignore")[-1:].isnumeric():
            possible += _BEFORE_DIGITS
        return [s for s in possible if s in self._spelt]

    @cached_property
    def _spelt(self) -> frozenset[str]:
        """The contexts that this tokenizer can spell."""
        contexts = (*_BEFORE, *_BEFORE_CONTRACTION, *_BEFORE_DIGITS, *_AFTER)
        return frozenset(s for s in contexts if self._spells(s))

    @cached_property
    def _after(self) -> list[str]:
        return [s for s in _AFTER if s in self._spelt]

    def _spells(self, text: str) -> bool:
        try:
            self._encode(text)
        except (ValueError, KeyError):
            return False
        return True

    @cached_property
    def _sorted(self) -> list[tuple[bytes, int]]:
        return sorted((self._pieces[t], t) for t in tokens_of(self._ordinary))

    def _beginning(self, data: bytes) -> list[tuple[bytes, int]]:
        """The tokens that begin with these bytes."""
        first = bisect_left(self._sorted, (data, -1))
        end = first
        while end < len(self._sorted) and self._sorted[end][0].startswith(data):
            end += 1
        return self._sorted[first:end]

    def _crossed(self, token: int) -> list[int]:
        """The tokens before which some token of the vocabulary reaches over the end of this one."""
        piece = self._pieces[token]
        rests = {longer[len(piece) - i :] for i in range(len(piece)) for longer, _ in self._beginning(piece[i:])}
        return sorted({t for rest in rests if rest for _, t in self._beginning(rest)})


def _head(piece: bytes, other: bytes, length: int) -> bytes:
    """The first bytes of `other`, at least so many, that decide whether a word ends between piece and other: whole
    characters, and one more unless letters or digits meet."""
    end = _end_of_character(other, length)
    edges = piece.decode(errors="ignore")[-1:], other[:end].decode(errors="ignore")[:1]
    return other[: end if all(map(str.isalnum, edges)) else _end_of_character(other, end + 1)]


def _end_of_character(data: bytes, at: int) -> int:
    """The first place from `at` on where a character ends."""
    while at < len(data) and data[at] & 0xC0 == 0x80:
        at += 1
    return at
