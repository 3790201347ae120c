"""`chunked`: a long computation in pieces of bounded length, between which only a small state is carried."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, NamedTuple, TypeVar

from .effect import Effect
from .effects import unfold
from .errors import ProgramError

C = TypeVar("C")


class Chunks(NamedTuple):
    """pieces: what the steps returned, in order. carried: what the next step would be given."""

    pieces: tuple[Any, ...]
    carried: Any


def chunked(
    step: Callable[[Any], Any], carried: C, *, carry: Callable[[Any, Any], C], done: Callable[[Chunks], bool],
    limit: int, name: Hashable = "chunks",
) -> Effect[Chunks]:
    """``chunks = await chunked(step, "", carry=..., done=..., limit=8)``: think in pieces, with bounded memory.

    piece_t = await step(c_t), c_{t+1} = carry(c_t, piece_t), until `done(chunks)` or `limit` pieces. A step sees c_t
    only: it builds its context anew from a prompt and c_t, so no context grows with t (Aghajohari et al. 2025, "The
    Markovian Thinker"). Weights and resampling inside a step and between steps are as anywhere: a factor at the end of
    a step compares particles at the same chunk. The past is the state of an `unfold`, so a particle forks in O(1).

    step: a program of one argument. carry, done: pure functions. Each piece is a scope "step" of the scope `name`.
    Raises ProgramError for a limit below 1.
    """
    if limit < 1:
        raise ProgramError(f"chunked({name!r}): the limit must be at least 1 piece, got {limit}")
    run = getattr(step, "fn", step)

    async def longer(chunks: Chunks) -> Chunks:
        piece = await run(chunks.carried)
        return Chunks((*chunks.pieces, piece), carry(chunks.carried, piece))

    def ended(chunks: Chunks) -> bool:
        return len(chunks.pieces) >= limit or (bool(chunks.pieces) and done(chunks))

    return unfold(longer, Chunks((), carried), ended, name)
