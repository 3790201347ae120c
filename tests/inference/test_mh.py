"""Metropolis-Hastings as a method: against the exact posterior, bit for bit, and asked for the impossible."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from steersman.inference import (
    MH,
    SMC,
    AllParticlesDead,
    Budget,
    BudgetTooSmall,
    Enumerate,
    Importance,
    ImpossibleStart,
    Kernel,
    NothingToChange,
    Posterior,
    Run,
    block,
    cycle,
    edit,
    infer,
    mix,
    site,
    subprogram,
    suffix,
)
from steersman.inference.mcmc import MCMCState
from steersman.inference.testing import (
    OracleModel,
    check_chain,
    crossroads_model,
    differences,
    letters_model,
    line_model,
    poem_model,
    replays,
    same_particles,
    sentence_model,
    stanza_model,
    together,
)
from steersman.models import TableLM
from steersman.ppl import call, condition, factor, program, sample

POEM, LETTERS = poem_model("sub"), letters_model()
MOVES: list[Kernel] = [
    site(), site(tokens=True), suffix(), cycle(suffix(), edit("line", insert=2)),
    mix(suffix(), block("line", length=2), subprogram(), weights=[2, 1, 1]),
]


@pytest.mark.slow
@pytest.mark.parametrize("move", [suffix(), mix(site(), edit("line"))], ids=lambda k: k.name)
def test_many_chains(move: Kernel) -> None:
    """From the prior, after a warm-up: the law of the last states, and z of every statistic."""
    report = check_chain(MH(250, 1, move, warmup=45), POEM)
    assert report.passed, report
    assert {c.oracle for c in report.checks} == {"mean", "last state"}


def test_one_long_chain() -> None:
    """Batch means of a single chain."""
    report = check_chain(MH(1, 5000, suffix()), POEM)
    assert report.passed, report


SLOW_MODELS = [sentence_model("twist"), sentence_model("proposal"), line_model("favoured"), crossroads_model(),
               stanza_model("flat"), LETTERS, stanza_model("unfold"), poem_model("unfold")]


@pytest.mark.slow
@pytest.mark.parametrize("model", SLOW_MODELS[1::2], ids=lambda m: m.name)
def test_two_thousand_chains(model: OracleModel) -> None:
    """Chi-square over 2000 parallel chains from the prior, and z of at least 7 statistics."""
    report = check_chain(MH(2000, 1, suffix(), warmup=90), model)
    assert report.passed, report


@pytest.mark.slow
@pytest.mark.parametrize("model", SLOW_MODELS, ids=lambda m: m.name)
def test_long_chains(model: OracleModel) -> None:
    """Batch means of one long chain of a mixture of moves."""
    report = check_chain(MH(1, 40_000, mix(suffix(), site(tokens=True)), warmup=200), model)
    assert report.passed, report


def test_start_elsewhere() -> None:
    """Chains that start from the draws of another method, or of an exact posterior of another call, need no luck."""
    for init, warmup in ((SMC(400), 20), (POEM.exact, 2)):
        report = check_chain(MH(250, 1, suffix(), warmup=warmup, init=init), POEM)
        assert report.passed, report


# --- bit for bit -----------------------------------------------------------------------------------------------------


def _same(a: Posterior, b: Posterior) -> bool:
    joint = [t.log_joint for t in a.traces if t is not None] == [t.log_joint for t in b.traces if t is not None]
    return joint and not differences(a, b)


@pytest.mark.parametrize("move", MOVES, ids=lambda k: k.name)
def test_same_seed_same_chains(move: Kernel) -> None:
    """A run is a function of its seed, alone or beside others, and its traces are what their choices say."""
    method = MH(4, 12, move, warmup=3)
    posterior = infer(POEM.program, method, seed=7)
    assert _same(posterior, infer(POEM.program, method, seed=7))
    assert differences(posterior, infer(POEM.program, method, seed=8))
    programs = [POEM.program, poem_model("unfold").program, POEM.program]
    checks = [*together(programs, method, seed=7), *replays(posterior, POEM.program)]
    assert [c.observed for c in checks] == [0, 0, 0, 0]


class OneSlot(MH):
    """Only the chain in one of the slots."""

    slot = 0

    async def _start(self, run: Run, state: MCMCState) -> None:
        await super()._start(run, state)
        state.chains, state.kept = [state.chains[self.slot]], [[]]


@pytest.mark.parametrize("move", MOVES, ids=lambda k: k.name)
@pytest.mark.parametrize("slot", [0, 3])
def test_a_chain_does_not_depend_on_the_others(move: Kernel, slot: int) -> None:
    """Batched = one by one: the chain in a slot is the same with and without company."""
    whole = infer(POEM.program, MH(5, 10, move), seed=2)
    alone = OneSlot(5, 10, move)
    alone.slot = slot
    posterior = infer(POEM.program, alone, seed=2)
    assert posterior.values == whole.values[slot * 10 : (slot + 1) * 10]
    assert [t.log_joint for t in posterior.traces if t] == [
        t.log_joint for t in whole.traces[slot * 10 : (slot + 1) * 10] if t
    ]


@pytest.mark.parametrize("make", [poem_model, stanza_model])
@pytest.mark.parametrize("seed", range(3))
def test_flat_sub_unfold(make: Callable[[str], OracleModel], seed: int) -> None:
    """Three ways of writing one loop: the same chains, where the move does not ask which scope a choice is in."""
    programs = [make(form).program for form in ("flat", "sub", "unfold")]
    moves = [suffix()] if make is stanza_model else [suffix(), site(), site(tokens=True), block(length=2)]
    for move in moves:  # in one scope the tokens of a second stanza line are numbered on from the first
        checks = same_particles(programs, MH(5, 25, move), seed=seed)
        assert [c.observed for c in checks] == [0, 0]


def test_longer_runs_begin_like_shorter_ones() -> None:
    """A step depends on its number; thinning keeps every n-th state; the warm-up is left out."""
    long = infer(POEM.program, MH(2, 12, suffix(), warmup=4)).values
    short = infer(POEM.program, MH(2, 6, suffix(), warmup=4)).values
    assert short == long[:6] + long[12:18]
    thinned = infer(POEM.program, MH(2, 12, suffix(), warmup=4, thin=3)).values
    assert thinned == [long[c * 12 + i] for c in range(2) for i in (2, 5, 8, 11)]
    unwarmed = infer(POEM.program, MH(2, 16, suffix(), warmup=0)).values
    assert [v for c in range(2) for v in unwarmed[c * 16 + 4 : (c + 1) * 16]] == long


def test_the_record() -> None:
    """Equal weights, no evidence, chains in blocks, acceptance by move and by cut."""
    posterior = infer(LETTERS.program, MH(3, 40, mix(suffix(), site())), seed=1)
    assert posterior.weights == pytest.approx(1 / 120)
    assert np.isnan(posterior.log_evidence)
    assert posterior.chains is not None
    assert (posterior.chains.chains, posterior.chains.draws, posterior.chains.claim) == (3, 40, "posterior")
    tally = posterior.chains.tally
    assert sum(tally.tried.values()) == 3 * 40  # the warm-up is not counted
    rates = posterior.chains.acceptance()
    assert set(rates) == {"suffix()", "site()"} and all(0 < r < 1 for r in rates.values())
    assert all(tally.accepted[name] <= n for name, n in tally.tried.items())
    assert {name for name, _ in tally.tried_at} == {"suffix()", "site()"}


# --- bad input -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("move", "message"),
    [
        (site("topic"), r"no choice is named 'topic'; the program has first, second"),
        (suffix("a", "b"), r"no choice is named 'a' or 'b'; the program has"),
        (block("third"), r"no choice is named 'third'.*works on texts"),
        (subprogram(), r"no sub-program makes a choice"),
        (suffix("first", at=lambda trace: [0.0] * len(trace["first"].tokens)), r"every place the weight 0"),
        (mix(site("x"), subprogram("y")), r"site\('x'\).*'x'.*subprogram\('y'\).*'y'"),
    ],
    ids=lambda x: getattr(x, "name", None),
)
def test_nothing_to_change(move: Kernel, message: str) -> None:
    """A move that selects no site says which there are."""
    with pytest.raises(NothingToChange, match=message):
        infer(LETTERS.program, MH(2, 5, move))


def test_no_text_to_change() -> None:
    """`block` and `edit` say that a choice is no text."""
    with pytest.raises(NothingToChange, match="count is no text; it works on texts"):
        infer(POEM.program, MH(2, 5, edit("count")))


def test_a_part_may_be_idle_at_the_start() -> None:
    """A move of a mixture that finds nothing yet is warned of, not refused: there may be lines later."""
    seed = next(s for s in range(99) if not infer(POEM.program, Importance(1), seed=s).values[0])
    start = infer(POEM.program, Importance(1), seed=seed)
    with pytest.warns(UserWarning, match=r"suffix\('line'\) finds nothing to change"):
        posterior = infer(POEM.program, MH(2, 60, mix(site("count"), suffix("line")), init=start))
    assert posterior.chains is not None and posterior.chains.tally.tried["suffix('line')"] > 0


@program
async def never(lm: TableLM) -> None:
    await sample(lm.next("a"), "x")
    await condition(False, "impossible")


@program
async def rarely(lm: TableLM) -> tuple[int, ...]:
    """Ten tokens that must all be 1: a chance of some thousandths at best."""
    out = []
    for _ in range(10):
        out.append(await sample(lm.next("a"), "x"))
        await condition(out[-1] == 1, "one")
    return tuple(out)


LM = TableLM.random(3, seed=1)


def test_impossible_start() -> None:
    """How many chains start at probability zero, what killed them, and what to do."""
    with pytest.raises(ImpossibleStart, match=r"3 of 3 chains.*impossible \(30\).*init=SMC\(64\)") as caught:
        infer(never(LM), MH(3, 5))
    assert caught.value.killed == {"impossible": 30}
    with pytest.raises(AllParticlesDead, match="impossible"):
        infer(never(LM), MH(3, 5, init=SMC(8)))


def test_start_by_smc() -> None:
    """Where the prior finds no start, SMC does."""
    with pytest.raises(ImpossibleStart, match="4 of 4 chains"):
        infer(rarely(LM), MH(4, 5))
    posterior = infer(rarely(LM), MH(4, 5, init=SMC(64)))
    assert set(posterior.values) == {(1,) * 10}


@program
async def tilted(lm: TableLM, tilt: float, allowed: int = 0) -> int:
    token = await sample(lm.next("a"), "token")
    await condition(token >= allowed, "allowed")
    await factor(tilt * token, "tilt")
    return token


def test_start_from_another_program() -> None:
    """A posterior of another call is where chains start, not what they sample; it may be one read from a file."""
    other = infer(tilted(LM, 2.0), Enumerate())
    target = OracleModel.of(tilted(LM, -0.5))
    report = check_chain(MH(250, 1, site(), warmup=30, init=other), target)
    assert report.passed, report
    with pytest.raises(ImpossibleStart, match=r"chains start.*choices of the posterior.*allowed"):
        infer(tilted(LM, 0.0, 2), MH(50, 4, site(), init=infer(tilted(LM, 0.0), Enumerate())))


def test_start_from_a_file(tmp_path: Any) -> None:
    """Texts read from a file are taken apart into their tokens again."""
    infer(POEM.program, Importance(50)).save(tmp_path / "start.json")
    start = Posterior.load(tmp_path / "start.json")
    report = check_chain(MH(200, 1, suffix(), warmup=25, init=start), POEM)
    assert report.passed, report



@pytest.mark.parametrize(
    ("weights", "message"),
    [([1.0], "must give 3 weights"), ([-1.0, 1.0, 1.0], "at least 0"), ([np.nan, 1.0, 1.0], "finite")],
)
def test_wrong_weights_of_places(weights: list[float], message: str) -> None:
    """One weight for each place, finite and not negative."""
    lm = TableLM.random(3, seed=1, eos=None)

    @program
    async def three() -> str:
        return await sample(lm.text("a", max_tokens=3), "text")

    with pytest.raises(ValueError, match=message):
        infer(three, MH(2, 5, suffix(at=lambda trace: weights)))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: mix(site(), weights=[1, 2]), "1 kernels need as many weights"),
        (lambda: mix(site(), weights=[-1]), "at least 0"),
        (lambda: mix(site(), suffix(), weights=[0, 0]), "not all 0"),
        (lambda: mix(), "mix takes kernels"),
        (lambda: cycle(site(), 3), "cycle takes kernels.*3"),  # type: ignore[arg-type]
        (lambda: block(length=0), "length=0"),
        (lambda: edit(insert=1, delete=0), "must be deletable"),
        (lambda: edit(insert=0, delete=0, replace=0), "not all 0"),
        (lambda: MH(0, 5), "chains=0"),
        (lambda: MH(2, 0), "steps=0"),
        (lambda: MH(2, 5, thin=2), "steps=5 must be a multiple of thin=2"),
        (lambda: MH(2, 5, warmup=-1), "warmup=-1"),
        (lambda: MH(2, 5, "suffix"), r"such as suffix\(\)"),  # type: ignore[arg-type]
        (lambda: infer(POEM.program, MH(2, 4, init="posterior")), "init='posterior'"),  # type: ignore[arg-type]
        (lambda: check_chain(Importance(5), POEM), "takes a method of Markov chains"),
        (lambda: check_chain(MH(1, 20), POEM), "too few for 200 batches"),
    ],
)
def test_wrong_settings(make: Callable[[], Any], message: str) -> None:
    """Each mistake is one clear message."""
    with pytest.raises((ValueError, TypeError), match=message):
        make()


# --- stopped early ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tokens", [60, 200, 555])
def test_budget(tokens: int) -> None:
    """Stopped in the middle of a step: the states kept until then, those of the run that is not stopped."""
    free = infer(POEM.program, MH(4, 200, suffix(), warmup=2), seed=3)
    posterior = infer(POEM.program, MH(4, 200, suffix(), warmup=2), seed=3, budget=Budget(tokens=tokens))
    assert posterior.cost.tokens <= tokens
    assert posterior.stopped is not None and "tokens" in posterior.stopped
    assert posterior.chains is not None
    kept = posterior.chains.draws
    assert 0 < kept < 200 and len(posterior) == 4 * kept
    assert posterior.values == [v for c in range(4) for v in free.values[c * 200 : c * 200 + kept]]
    assert posterior.weights == pytest.approx(1 / len(posterior))


def test_budget_of_the_warm_up() -> None:
    """Nothing kept is an empty posterior that says so; nothing begun is an error."""
    posterior = infer(POEM.program, MH(4, 200, suffix()), budget=Budget(tokens=40))
    assert len(posterior) == 0 and posterior.stopped is not None
    with pytest.raises(ValueError, match="stopped"):
        posterior.sample()
    with pytest.raises(BudgetTooSmall):
        infer(POEM.program, MH(4, 200, suffix()), budget=Budget(tokens=1))


def test_interrupt() -> None:
    """Ctrl-C returns what was kept."""
    calls = 0

    def press() -> None:
        nonlocal calls
        calls += 1
        if calls == 100:
            os.kill(os.getpid(), signal.SIGINT)

    @program
    async def pressed() -> int:
        token = await sample(LM.next("a"), "token")
        await call(press)
        return token

    with pytest.warns(UserWarning, match="interrupted"):
        posterior = infer(pressed, MH(2, 1000, site(), warmup=0))
    assert posterior.stopped is not None and "Ctrl-C" in posterior.stopped
    assert posterior.chains is not None and 40 <= posterior.chains.draws <= 50
