"""Many programs at once: the results of separate runs, bit for bit, for fewer calls of the language model."""

from __future__ import annotations

import math

import pytest
from counting import CountingLM

from steersman.inference import SMC, Enumerate, Importance, Rejection, infer
from steersman.inference.run.algorithm import Algorithm
from steersman.inference.testing import (
    coins_model,
    crossroads_model,
    differences,
    letters_model,
    run_many,
    sentence_model,
    stanza_model,
    together,
)
from steersman.inference.testing.programs import sentence
from steersman.models import TableLM
from steersman.ppl import Effect, Particle, condition, program

PROGRAMS = [
    m.program for m in (
        sentence_model(), sentence_model("proposal"), sentence_model("twist"), crossroads_model(),
        stanza_model("unfold"), letters_model(), coins_model(1),
    )
]
COINS = [coins_model(1).program, coins_model(2).program]
METHODS: list[Algorithm[object]] = [
    Importance(9, batch=4), SMC(7), SMC(5, resample="multinomial", resample_at="token", ess_threshold=1.0),
    SMC(4, expand=3, resample="optimal"), Enumerate(width=5), Rejection(3, batch=5),
]


@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.name)
def test_equal_to_separate_runs(method: Algorithm[object]) -> None:
    """Rounds are shared, randomness is not: every program has the particles that it has alone."""
    programs = PROGRAMS if not isinstance(method, Rejection) else COINS
    for check in together(programs, method, seed=1):
        assert check.observed == 0, check.what


def test_calls_are_shared() -> None:
    """Five programs over one model cost the calls of the longest, not of all."""
    lm = CountingLM(TableLM.random(4, seed=3))
    programs = [sentence(lm, "prior", length) for length in (2, 3, 4, 4, 3)]
    separate = []
    for p in programs:
        lm.calls = 0
        infer(p, Importance(6))
        separate.append(lm.calls)
    lm.calls = 0
    infer(programs, Importance(6))
    assert lm.calls == max(separate) < sum(separate)


def test_each_is_charged_for_itself() -> None:
    """The ledger of each program is that of its separate run."""
    programs = PROGRAMS[:4]
    for p, shared in zip(programs, infer(programs, SMC(6)), strict=True):
        alone = infer(p, SMC(6))
        assert (shared.cost.tokens, shared.cost.calls) == (alone.cost.tokens, alone.cost.calls)


def test_stateful_stops_do_not_mix() -> None:
    """Counters of `every(k)`, or of a user's own stop, belong to a run and not to the method."""

    def stop(particle: Particle, effect: Effect[object]) -> bool:
        return effect.kind == "factor" and particle.slot % 2 == 0

    for check in together(PROGRAMS[:4], SMC(6, resample_at=stop, ess_threshold=0.9)):
        assert check.observed == 0, check.what


def test_seeds_of_many_runs() -> None:
    """`run_many` gives the runs of seeds seed, seed + 1, ... as `infer` does."""
    model = sentence_model()
    for i, p in enumerate(run_many(SMC(5), model, 6, seed=3)):
        assert p is not None
        assert differences(p, infer(model.program, SMC(5), seed=3 + i)) == []


def test_empty_and_single_lists() -> None:
    """A list in, a list out."""
    assert infer([], SMC(4)) == []
    (only,) = infer([PROGRAMS[0]], SMC(4))
    assert differences(only, infer(PROGRAMS[0], SMC(4))) == []


@pytest.mark.parametrize(
    "method", [Importance(6), SMC(6), Rejection(2, attempts=20), Enumerate()], ids=lambda m: m.name
)
def test_an_impossible_program_costs_the_others_nothing(method: Algorithm[object]) -> None:
    """One of a list dies out: the others keep their results, its place says log Z = -inf, and a warning says why."""

    @program
    async def impossible() -> None:
        await condition(False, "never")

    with pytest.warns(UserWarning, match="never"):
        results = infer([COINS[0], impossible(), COINS[1]], method, seed=2)
    assert [r.log_evidence == -math.inf for r in results] == [False, True, False]
    for alone, model in ((results[0], COINS[0]), (results[2], COINS[1])):
        assert alone.probabilities() == infer(model, method, seed=2).probabilities()
