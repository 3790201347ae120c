"""What a step costs: what it draws and scores again; what it recalls is free."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from counting import CountingLM

from steersman.inference import MH, Kernel, Move, Proposal, Run, block, cycle, edit, infer, site, subprogram, suffix
from steersman.inference.chain import Chain
from steersman.inference.kernels.choices import choices_of
from steersman.inference.run.schedule import run_together
from steersman.inference.testing import line_model, poem_model
from steersman.models import TableLM
from steersman.ppl import Trace, advance, call, factor, program, sample
from steersman.ppl.batched import Batched
from steersman.ppl.keys import Key

FIRST, SECOND = 8, 4


@program
async def two(lm: CountingLM) -> tuple[str, str]:
    """Eight tokens, then four, by a model that never ends a text."""
    first = await sample(lm.text("a", max_tokens=FIRST), "first")
    await factor(0.3 * first.count("a"))
    second = await verse(lm, str(first))
    await factor(0.2 * second.count("b"))
    return first, second


@program
async def verse(lm: CountingLM, first: str) -> str:
    return await sample(lm.text(first, max_tokens=SECOND), "second")


def _at(place: int) -> Callable[[Trace], list[float]]:
    """All weight on one token."""
    return lambda trace: [float(i == place) for i in range(_atoms(trace))]


def _in_first(place: int) -> Callable[[Trace], list[float]]:
    return lambda trace: [float(i == place) for i in range(FIRST)]


def _steps(kernel: Kernel, steps: int = 6) -> list[tuple[int, int]]:
    """(tokens, calls) of each step, by the ledger and by what the model was really asked."""
    lm = CountingLM(TableLM.random(3, seed=2, eos=None))
    run = Run(two(lm), 5)
    (particle,) = run.spawn([0])
    advance([particle], Key(1), meter=run.meter)
    chain, out = Chain(run, 0, particle), []
    for t in range(1, steps + 1):
        before = run.meter.tokens, run.meter.calls
        chain.begin_step(t)
        run_together([kernel.step(chain)])
        out.append((run.meter.tokens - before[0], run.meter.calls - before[1]))
    assert (run.meter.tokens, run.meter.calls) == (lm.tokens, lm.calls)
    return out


@pytest.mark.parametrize("k", range(FIRST + SECOND))
def test_a_suffix_costs_its_length(k: int) -> None:
    """Regenerating the last n tokens costs n tokens and n calls; what stands before costs nothing."""
    n = FIRST + SECOND - k
    assert set(_steps(suffix(at=_at(k)))) == {(n, n)}


@pytest.mark.parametrize("s", range(FIRST - 3))
def test_a_block_costs_itself_and_what_follows(s: int) -> None:
    """m' draws, one pass over the rest of the text, one over the text behind it."""
    costs = _steps(block("first", length=3, at=_in_first(s)), steps=12)
    assert {tokens for tokens, _ in costs} == {FIRST - s + SECOND}
    assert {calls for _, calls in costs} == {3, 4, 5}


def test_edits_of_growing_texts() -> None:
    """An insertion costs what it draws and the rest of the text, a deletion the rest that is left."""

    @program
    async def growing(lm: TableLM) -> str:
        return await sample(lm.text("a", max_tokens=9), "text")

    watched = Watched(edit(replace=0, at=_at(0)))
    infer(growing(TableLM.random(3, seed=8, scale=0.5)), MH(1, 200, watched), seed=3)
    finished = [(x, p.particle.partial_trace(), tokens) for x, p, tokens in watched.seen if not p.particle.dead]
    assert all(tokens == _atoms(y) for _, y, tokens in finished)
    assert {_atoms(y) - _atoms(x) for x, y, _ in finished} >= {-1, 1}


def _atoms(trace: Trace) -> int:
    return sum(c.atoms for c in choices_of(trace))


@pytest.mark.parametrize(
    ("move", "tokens", "calls"),
    [
        (site("first"), FIRST + SECOND, FIRST + 1),
        (site("second"), SECOND, SECOND),
        (subprogram("verse"), SECOND, SECOND),
        (site("first", tokens=True, at=_in_first(0)), FIRST + SECOND, 3),
        (site("first", tokens=True, at=_in_first(FIRST - 1)), 1 + SECOND, 2),
        (cycle(site("second"), suffix(at=_at(FIRST))), 2 * SECOND, 2 * SECOND),
    ],
    ids=lambda x: getattr(x, "name", None),
)
def test_other_moves(move: Kernel, tokens: int, calls: int) -> None:
    """A choice drawn anew token by token; kept texts behind it scored in one pass each."""
    assert set(_steps(move)) == {(tokens, calls)}


class Watched(Move):
    """A move that writes down what each proposal cost: (old trace, proposal, tokens)."""

    def __init__(self, move: Move) -> None:
        self.move = move
        self.seen: list[tuple[Trace, Proposal, int]] = []

    @property
    def name(self) -> str:
        return self.move.name

    async def propose(self, chain: Chain) -> Proposal | None:
        before, x = chain.run.meter.tokens, chain.trace
        proposal = await self.move.propose(chain)
        if proposal is not None:
            self.seen.append((x, proposal, chain.run.meter.tokens - before))
        return proposal


@pytest.mark.parametrize(("model", "each"), [(poem_model("sub"), 1), (line_model("proposal"), 2)],
                         ids=["prior", "proposal"])
def test_growing_texts(model: Any, each: int) -> None:
    """Whatever the length of the new suffix: one token for each of its own, two where a proposal reads another prompt.
    """
    watched = Watched(suffix())
    infer(model.program, MH(1, 150, watched), seed=3)
    lengths = set()
    for x, proposal, tokens in watched.seen:
        assert proposal.cut is not None
        drawn = _atoms(proposal.particle.partial_trace()) - round(proposal.cut * _atoms(x))
        lengths.add(drawn)
        assert tokens == each * drawn
    assert len(lengths) >= 3


def test_calls_before_the_cut_are_not_repeated() -> None:
    """Costly functions are recalled like draws; behind the cut they are called once a proposal."""
    asked: list[str] = []

    def judge(items: list[tuple[str, ...]]) -> list[float]:
        asked.extend(text for (text,) in items)
        return [0.1 * len(text) for (text,) in items]

    judged = Batched(judge, reward=True)

    @program
    async def scored(lm: TableLM) -> str:
        first = await sample(lm.text("a", max_tokens=3), "first")
        await factor(await call(judged, f"first: {first}"))
        second = await sample(lm.text("b", max_tokens=3), "second")
        await factor(await call(judged, f"second: {second}"))
        return str(first) + str(second)

    posterior = infer(scored(TableLM.random(3, seed=4)), MH(1, 40, suffix("second"), warmup=0))
    assert len([a for a in asked if a.startswith("first")]) == 1
    assert len([a for a in asked if a.startswith("second")]) == 1 + 40
    assert posterior.cost.rewards == len(asked)


def test_chains_share_calls() -> None:
    """Sixteen chains cost sixteen times the tokens of one, and hardly more calls."""
    model = poem_model().program
    one, many = (infer(model, MH(n, 30, suffix(), warmup=0), seed=2).cost for n in (1, 16))
    assert many.tokens > 10 * one.tokens
    assert many.calls < 3 * one.calls
