"""`chunked`: pieces of bounded length with a carried state are the flat loop, and fork in O(1)."""

from __future__ import annotations

from typing import Any

import pytest

from steersman.inference import SMC, Enumerate, infer
from steersman.models import TableLM
from steersman.ppl import Effect, Key, Particle, ProgramError, advance, factor, program, sample
from steersman.ppl.chunked import Chunks, chunked

LM = TableLM.random(3, order=3, seed=4)  # <eos>, a, b
contexts: list[int] = []


@program
async def piece(carried: str) -> Any:
    """Up to two tokens after a prompt and the last letter."""
    context = LM.context("a" + carried)
    contexts.append(len(context))  # counts, and changes nothing that the program sees
    text = await sample(LM.text(context, max_tokens=2), "thought")
    await factor(0.5 * text.count("b"), "likes")
    return text


def last(carried: str, text: str) -> str:
    return (carried + text)[-1:]


def ended(chunks: Chunks) -> bool:
    return bool(chunks.pieces[-1].finish == "eos")


@program
async def in_chunks(limit: int = 3) -> str:
    chunks = await chunked(piece, "", carry=last, done=ended, limit=limit)
    return "|".join(chunks.pieces)


@program
async def flat(limit: int = 3) -> str:
    pieces, carried = [], ""
    for _ in range(limit):
        text = await piece(carried)
        pieces.append(text)
        carried = last(carried, text)
        if text.finish == "eos":
            break
    return "|".join(pieces)


def test_chunks_have_the_law_of_the_flat_loop() -> None:
    """The same probabilities and log Z by enumeration; the same particles and weights by SMC, bit for bit."""
    one, other = (infer(p(), Enumerate()) for p in (in_chunks, flat))
    assert one.log_evidence == pytest.approx(other.log_evidence, abs=1e-12)
    assert one.probabilities() == pytest.approx(other.probabilities(), abs=1e-12)
    one, other = (infer(p(), SMC(32, resample_at="factor"), seed=3) for p in (in_chunks, flat))
    assert one.values == other.values
    assert one.log_weights.tolist() == other.log_weights.tolist()


def test_no_context_grows() -> None:
    """However many pieces there are, a step sees the prompt and one letter."""
    contexts.clear()
    infer(in_chunks(40), SMC(8), seed=1)
    assert set(contexts) <= {1, 2}


@pytest.mark.parametrize("pieces", [10, 30])
def test_a_fork_does_not_replay_the_pieces(pieces: int) -> None:
    """However many pieces are finished, a fork runs none of them again, only the one that is under way."""

    @program
    async def endless() -> Chunks:
        return await chunked(piece, "", carry=last, done=lambda chunks: False, limit=99)

    seen = [0]

    def stop(particle: Particle, effect: Effect[Any]) -> bool:
        seen[0] += effect.name == "likes"
        return seen[0] == pieces

    particle = Particle(endless())
    advance([particle], Key(2), stop=stop)
    contexts.clear()
    child = particle.fork()
    assert len(contexts) <= 1
    assert not child.done


def test_a_limit_below_one_is_refused() -> None:
    with pytest.raises(ProgramError, match=r"chunked\('chunks'\): the limit must be at least 1 piece, got 0"):
        infer(in_chunks(0), SMC(2))
