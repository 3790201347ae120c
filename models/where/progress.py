"""`Progress`: how far a text under a constraint has come, its possible ends included."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from steersman.ppl.constraints.masks import Packed, has, pack_tokens
from steersman.ppl.constraints.protocol import Constraint, State
from steersman.ppl.constraints.vocabulary import Vocabulary

from ..text.stops import Stops


@dataclass(eq=False)
class Ends:
    """What a conditioned text may be and how it ends: the same for every draw of it."""

    constraint: Constraint
    vocabulary: Vocabulary
    eos: frozenset[int]
    stops: Stops
    max_tokens: int

    def __post_init__(self) -> None:
        self.eos_mask = pack_tokens(self.eos, self.vocabulary.size)

    def start(self) -> Progress:
        return Progress(self, self.constraint.start(self.vocabulary), b"", self.max_tokens, 0.0)

    def read(self, tokens: Iterable[int]) -> Progress:
        """The progress after these tokens, none of which ends the text."""
        progress = self.start()
        for token in tokens:
            progress = progress.advance(token)
        return progress

    def stop_in(self, data: bytes, piece: bytes) -> int | None:
        """Where data + piece has its first stop, of which data holds none; None without."""
        found = self.stops.first(data + piece, len(data)) if self.stops else None
        return None if found is None else found[0]


class Progress:
    """A constraint state, and what the text's own ends make of it. A value, like the state.

    The text must be in the language however it ends: by an end-of-text token (allowed where the state accepts), by its
    stop (the text before it must be in the language), or by the length limit (the state after the last token
    must accept). data: the bytes so far. left: tokens that may still be drawn, at least 1. paid: the log-weights of the
    tokens so far, which are all 0 unless the constraint is soft.
    """

    __slots__ = ("_mask", "data", "ends", "left", "paid", "state")

    def __init__(self, ends: Ends, state: State, data: bytes, left: int, paid: float) -> None:
        self.ends, self.state, self.data, self.left, self.paid = ends, state, data, left, paid
        self._mask: Packed | None = None

    @property
    def exact(self) -> bool:
        """Whether every token of the mask is allowed, but for those of the last place, which are tried when drawn."""
        return self.state.exact

    @property
    def cap(self) -> int:
        return self.state.cap

    def advance(self, token: int) -> Progress:
        """The progress after a token that does not end the text."""
        paid = self.paid if self.ends.constraint.hard else self.paid + self.log_weight(token)
        data = self.data + self.ends.vocabulary.token_bytes[token]
        return Progress(self.ends, self.state.advance(token), data, self.left - 1, paid)

    def key(self) -> Hashable:
        """Equal keys have equal masks, and allow the same."""
        stops = self.ends.stops
        return self.state.key(), self.ends.eos, stops, self.data if stops else None, self.left > 1

    def mask(self) -> Packed:
        """The tokens that may come next, [ceil(V / 32)]; more than these where not `exact`. All zero where none can.
        """
        if self._mask is None:
            known = self.state.mask()
            mask = self.ends.vocabulary.ordinary if known is None else known
            if self.state.log_end > -math.inf and self.ends.eos:
                mask = mask | self.ends.eos_mask
            self._mask = self._with_stops(mask) if self.ends.stops else mask
        return self._mask

    def _with_stops(self, mask: Packed) -> Packed:
        """What tokens that touch a stop may do, the state does not know: it may end, or go on, before them."""
        mask = mask.copy()
        for token in self.ends.stops.touching(self.ends.vocabulary, self.data):
            bit = np.uint32(1 << (token & 31))
            if self.log_weight(token) > -math.inf:
                mask[token >> 5] |= bit
            else:
                mask[token >> 5] &= ~bit
        return mask

    def allows(self, token: int) -> bool:
        return self.log_weight(token) > -math.inf

    def log_weight(self, token: int) -> float:
        """What the constraint weighs this token by, in nats: 0 or -inf, unless it is soft; if the text ends here, what
        its end is weighed by is in it."""
        ends = self.ends
        if token in ends.eos:
            return self.state.log_end
        piece = ends.vocabulary.token_bytes[token]
        if not piece:
            return -math.inf
        if (cut := ends.stop_in(self.data, piece)) is not None:
            return self._log_end_at(cut, piece) - self.paid
        log_w = self.state.log_weight(token)
        if log_w > -math.inf:
            return log_w if self.left > 1 else log_w + self.state.advance(token).log_end
        return 0.0 if self.left > 1 and ends.stops and self._may_stop(piece) else -math.inf

    def _may_stop(self, piece: bytes) -> bool:
        """Whether the state is dead after this piece only because a stop has begun."""
        return any(self._log_end_at(at, piece) > -math.inf for at in self.ends.stops.open(self.data + piece))

    def _log_end_at(self, cut: int, piece: bytes) -> float:
        """The log-weight of the whole text that is the first `cut` bytes of data + piece."""
        more = piece[: max(0, cut - len(self.data))]
        if cut == len(self.data):
            return self.paid + self.state.log_end
        if more and (token := self.ends.vocabulary.spelled.get(more)) is not None:
            log_w = self.state.log_weight(token)
            return self.paid + log_w + (self.state.advance(token).log_end if log_w > -math.inf else 0.0)
        return self.ends.constraint.log_weight((self.data + piece)[:cut])


def fill(progresses: Sequence[Progress]) -> Packed:
    """Their masks, [n, ceil(V / 32)]; those of one key are made once."""
    rows: dict[Hashable, Packed] = {}
    masks: list[Packed] = []
    for progress in progresses:
        key = progress.key()
        if key not in rows:
            rows[key] = progress.mask()
        masks.append(rows[key])
    return np.stack(masks)


def allowed_tokens(progress: Progress) -> tuple[int, ...]:
    """The tokens of positive weight, in order."""
    mask = progress.mask()
    return tuple([t for t in range(progress.ends.vocabulary.size) if has(mask, t) and progress.allows(t)])
