"""Resample-move SMC: moves on executions that wait at a stop leave its target invariant, and log Z unbiased."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from paused_transitions import paused_transitions

from steersman.inference import (
    MH,
    SMC,
    Kernel,
    block,
    cycle,
    edit,
    infer,
    mix,
    particle_gibbs,
    random_walk,
    site,
    subprogram,
    suffix,
)
from steersman.inference.population.stops import StopSpec, every
from steersman.inference.testing import (
    OracleModel,
    bounded_model,
    check_equivalences,
    check_method,
    crossroads_model,
    line_model,
    oracle_models,
    poem_model,
    same_particles,
    sentence_model,
    stanza_model,
    tree_model,
    word_model,
)
from steersman.models import TableLM
from steersman.ppl import dist, factor, observe, program, sample

MOVES = [suffix(), site(), site(tokens=True), block(length=2), edit(length=2), subprogram(), mix(site(), edit())]
STOPS: list[StopSpec] = ["weight", "token", every(2), "factor"]


def _matrix_is_exact(move: Kernel, model: OracleModel, stop: StopSpec, stops: int) -> float:
    """Detailed balance to 1e-9, and nothing lost; how much the move moves."""
    t = paused_transitions(move, model, stop, stops)
    if t is None:
        return 0.0
    assert t.imbalance < 1e-9 and t.drift < 1e-9, (move, model.name, stop, stops)
    assert t.lost.max() < 1e-9 and np.abs(t.K.sum(1) - 1).max() < 1e-9
    return float(t.K.sum() - t.K.diagonal().sum())


@pytest.mark.parametrize("stop", STOPS, ids=str)
@pytest.mark.parametrize("move", MOVES, ids=str)
def test_paused_moves_without_chance(move: Kernel, stop: StopSpec) -> None:
    """The transition matrix over all executions that wait at a stop: texts half drawn and done, proposals, twists."""
    moved = 0.0
    for model in (line_model("proposal"), word_model("twist"), poem_model("flat"), bounded_model()):
        for stops in (1, 2):
            moved += _matrix_is_exact(move, model, stop, stops)
    assert moved > 0 or move.name == "subprogram()"


@pytest.mark.slow
@pytest.mark.parametrize("move", MOVES, ids=str)
def test_paused_moves_everywhere(move: Kernel) -> None:
    """The same at all stops of sub-programs, unfolds and trees of them."""
    moved = 0.0
    sentence = sentence_model("twist", length=3, vocab_size=3)
    for model in (poem_model("sub"), poem_model("unfold"), tree_model(), sentence, line_model("favoured")):
        for stop in STOPS:
            for stops in (1, 2, 3):
                moved += _matrix_is_exact(move, model, stop, stops)
    assert moved > 0


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:rejuvenate=")
@pytest.mark.parametrize("threshold", [0.5, 1.0])
@pytest.mark.parametrize("move", [suffix(), mix(site(), edit(), block())], ids=str)
@pytest.mark.parametrize("model", [*oracle_models(), line_model("proposal"), poem_model()], ids=lambda m: m.name)
def test_unbiased(model: OracleModel, move: Kernel, threshold: float) -> None:
    """E[Zhat f] = Z E[f] and honest errors on every oracle model, whether resampling is adaptive or not."""
    stop = "weight" if threshold < 1 else "token"
    method = SMC(6, ess_threshold=threshold, resample_at=stop, rejuvenate=move, rejuvenation_steps=2)
    report = check_method(method, model, runs=600)
    assert report.passed, report


@pytest.mark.parametrize(("model", "move", "stop"), [
    (line_model("proposal"), site(), "factor"), (crossroads_model(), suffix(), "weight"),
    (word_model("twist"), cycle(site(), suffix()), "token"), (stanza_model("sub"), subprogram(), "weight"),
], ids=lambda x: getattr(x, "name", None))
def test_unbiased_quickly(model: OracleModel, move: Kernel, stop: str) -> None:
    """The same on a few, with an adaptive threshold, where moves at random times would show."""
    method = SMC(4, ess_threshold=0.5, resample_at=stop, rejuvenate=move, rejuvenation_steps=3)
    report = check_method(method, model, runs=300)
    assert report.passed, report


def test_every_resampler_and_expand() -> None:
    """Moves go with any scheme, and with SMC steering."""
    for settings in ({"resample": "systematic"}, {"resample": "killing"}, {"resample": "optimal", "expand": 2}):
        method = SMC(3, ess_threshold=1.0, rejuvenate=suffix(), **settings)  # type: ignore[arg-type]
        report = check_method(method, word_model("twist"), runs=200, error_bars=False)
        assert report.passed, report


def test_equivalences() -> None:
    """Same seed, together = alone, flat = sub-program = unfold: bit for bit, with moves as without."""
    method = SMC(5, ess_threshold=1.0, rejuvenate=mix(suffix(), site()), rejuvenation_steps=2)
    report = check_equivalences(line_model("proposal").program, method, seed=3)
    assert report.passed, report
    programs = [stanza_model(form).program for form in ("flat", "sub", "unfold")]
    assert [c.observed for c in same_particles(programs, method, seed=1)] == [0, 0]


def test_moves_undo_copying() -> None:
    """Resampled copies of one survivor differ again after the moves, in what they had in common."""

    @program
    async def rare(lm: TableLM) -> tuple[int, ...]:
        out = []
        for _ in range(6):
            out.append(await sample(lm.next(lm.context() + out[-1:]), "token"))
        await factor(3.0 * (out[0] == 1), "first is one")
        return (*out, await sample(lm.next(lm.context() + out[-1:]), "last"))

    lm = TableLM.random(6, seed=1, scale=0.4, eos=None)
    plain = infer(rare(lm), SMC(40, ess_threshold=1.0), seed=2)
    moved = infer(rare(lm), SMC(40, ess_threshold=1.0, rejuvenate=site("token"), rejuvenation_steps=15), seed=2)
    distinct = [len({v[:6] for v in p.values}) for p in (plain, moved)]
    assert distinct[1] > 1.5 * distinct[0]
    assert plain.log_evidence == moved.log_evidence
    assert np.array_equal(plain.log_weights, moved.log_weights)
    assert moved.info["rejuvenation"]["site('token')"] > 0.2
    assert plain.genealogy is not None and moved.genealogy is not None
    assert plain.genealogy.unique_ancestors().tolist() == moved.genealogy.unique_ancestors().tolist()


def test_continuous_choices() -> None:
    """A drifting level under noise: the evidence of a Gaussian chain by Kalman's recursion, with random-walk moves."""
    data = [0.9, 1.7, 1.2, 2.4]

    @program
    async def drift() -> float:
        level = 0.0
        for y in data:
            level = await sample(dist.Normal(level, 1.0), "level")
            await observe(dist.Normal(level, 0.4), y, "y")
        return level

    mean, variance, log_z = 0.0, 0.0, 0.0
    for y in data:
        variance += 1.0
        total = variance + 0.16
        log_z += -0.5 * (math.log(2 * math.pi * total) + (y - mean) ** 2 / total)
        mean, variance = mean + variance / total * (y - mean), variance * 0.16 / total
    ratios, means = [], []
    for seed in range(60):
        posterior = infer(drift(), SMC(10, ess_threshold=0.7, rejuvenate=random_walk(scale=0.6)), seed=seed)
        ratios.append(math.exp(posterior.log_evidence - log_z))
        means.append(ratios[-1] * (posterior.expectation(float) - mean))
    for x, expected in ((ratios, 1.0), (means, 0.0)):
        assert abs(np.mean(x) - expected) < 4 * np.std(x, ddof=1) / math.sqrt(len(x))


@pytest.mark.parametrize("bad", [particle_gibbs(4), "suffix", MH(1, 1)], ids=["sweep", "name", "method"])
def test_bad_kernels(bad: Any) -> None:
    """What cannot move an unfinished execution is refused, with what can."""
    with pytest.raises(TypeError, match="rejuvenate="):
        SMC(4, rejuvenate=bad)


def test_nothing_to_move_and_bad_counts() -> None:
    """A move that finds nothing is told; a count of steps must be whole."""
    with pytest.warns(UserWarning, match=r"rejuvenate=site\('nowhere'\) has found nothing to change at any stop"):
        infer(sentence_model().program, SMC(4, ess_threshold=1.0, rejuvenate=site("nowhere")))
    with pytest.raises(ValueError, match="rejuvenation_steps=0"):
        SMC(4, rejuvenate=site(), rejuvenation_steps=0)
