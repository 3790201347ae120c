"""Sequential Monte Carlo: unbiased for every resampler, threshold, stop and population; honest about its error."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from steersman.inference import RESAMPLERS, SMC, AllParticlesDead, Enumerate, every, infer
from steersman.inference.population.stops import StopSpec
from steersman.inference.resampling.weights import log_sum_exp
from steersman.inference.testing import (
    OracleModel,
    WeightedSet,
    check_measure,
    check_method,
    coins_model,
    crossroads_model,
    letters_model,
    oracle_models,
    relative_evidence,
    run_many,
    sentence_model,
    small_model,
    z_score,
)
from steersman.models import TableLM
from steersman.ppl import Effect, Particle, condition, factor, program, sample

HOWS = ("prior", "proposal", "twist")
GRID = [
    (scheme, threshold, how, n)
    for scheme in sorted(RESAMPLERS) for threshold in (0.0, 0.5, 1.0) for how in HOWS for n in (1, 2, 4, 32)
]


def _exact(method: SMC, model: OracleModel, runs: int = 400, *, error_bars: bool = False) -> None:
    report = check_method(method, model, runs=runs, error_bars=error_bars)
    assert report.passed, report


@pytest.mark.slow
@pytest.mark.parametrize(("scheme", "threshold", "how", "n"), GRID)
def test_grid(scheme: str, threshold: float, how: str, n: int) -> None:
    """Oracle 2 in full: E[Zhat] = Z and E[Zhat f] = Z E[f]; Z within 4 standard errors."""
    method = SMC(n, resample=scheme, ess_threshold=threshold)
    report = check_method(method, sentence_model(how), runs=500, error_bars=False)
    assert report.passed, report
    assert report.z("evidence") < 4


@pytest.mark.parametrize("scheme", sorted(RESAMPLERS))
def test_every_resampler(scheme: str) -> None:
    """Each scheme, resampling at every stop, on a program with misleading twists."""
    _exact(SMC(4, resample=scheme, ess_threshold=1.0), sentence_model("twist"))


@pytest.mark.parametrize("threshold", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("how", HOWS)
def test_thresholds(threshold: float, how: str) -> None:
    """Never, adaptively, always: incoming weights are kept where the ESS says not to resample."""
    _exact(SMC(4, ess_threshold=threshold), sentence_model(how))


@pytest.mark.parametrize("n", [1, 2, 32])
def test_populations(n: int) -> None:
    """Unbiased for one particle as for many."""
    _exact(SMC(n), sentence_model("proposal"), 400 if n < 8 else 200)


@pytest.mark.parametrize("model", oracle_models(), ids=lambda m: m.name)
def test_every_oracle_model(model: OracleModel) -> None:
    """Sub-programs, unfolds, texts with stop strings, foreign proposals, early ends and early deaths."""
    _exact(SMC(4), model)


@pytest.mark.filterwarnings("ignore:resample_at names")  # among all outcomes is that both particles end at once
@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize(
    "make",
    [
        lambda r: SMC(2, resample=r, ess_threshold=1.0, resample_at="step"),
        lambda r: SMC(2, resample=r, ess_threshold=0.8),
        lambda r: SMC(1, expand=2, resample=r, resample_at="step"),
        lambda r: SMC(2, resample=r, ess_threshold=1.0, resample_at="token"),
    ],
    ids=["always", "adaptive", "expand", "token"],
)
def test_exhaustively_proper(how: str, make: Callable[[Any], SMC]) -> None:
    """Oracle 6: summed over every token and every ancestor that can be drawn, exact to 1e-5 without any chance."""
    report = check_measure(make, small_model(how))
    assert report.passed, report


STOPS: dict[str, StopSpec] = {
    "weight": "weight", "factor": "factor", "token": "token", "every": every(2), "name": "end", "text": "first",
    "several": ["critic", every(3)], "function": lambda p, effect: effect.kind == "sample",
}


@pytest.mark.parametrize("stop", STOPS)
def test_every_stop(stop: str) -> None:
    """Where the particles are compared changes the variance, never the target."""
    _exact(SMC(4, resample_at=STOPS[stop], ess_threshold=0.9), letters_model("proposal"))


def _generations(stop: StopSpec) -> int:
    lm = TableLM.random(3, eos=None)

    @program
    async def fixed() -> str:
        first = await sample(lm.text("", max_tokens=4), "first")
        await factor(0.1, "middle")
        second = await sample(lm.text("a", max_tokens=3), "second", proposal=lm.text("b", max_tokens=3))
        await condition(True, "end")
        await sample(lm.next(""), "tail")
        return str(first) + str(second)

    genealogy = infer(fixed, SMC(2, resample_at=stop)).genealogy
    assert genealogy is not None
    return len(genealogy)


@pytest.mark.parametrize(
    ("stop", "stops"),
    [
        ("factor", 2),  # the factor and the condition
        ("weight", 5),  # and three tokens from a proposal
        ("token", 7),  # 4 + 3; the tail ends the program
        (every(2), 3),  # tokens 2, 4, 6
        ("middle", 1), ("first", 1), (["first", "second"], 2), ("second", 1), (["middle", every(4)], 2),
        (lambda particle, effect: effect.name == "end", 1),
    ],
)
def test_stops_where_it_says(stop: StopSpec, stops: int) -> None:
    """One generation for each stop, and one for the end."""
    assert _generations(stop) == stops + 1


@pytest.mark.parametrize("scheme", ["optimal", "ssp", "multinomial"])
def test_expand(scheme: str) -> None:
    """K copies of each particle, N K to N: unbiased, and exactly N come back at the end too."""
    for model in (crossroads_model(), sentence_model("proposal")):
        _exact(SMC(5, expand=3, resample=scheme), model, 200)


def test_coins() -> None:
    """K fair coins that must all be heads: Z = 2^-K, exactly N particles, no violator with weight."""
    model = coins_model(3)
    method = SMC(4, expand=2, resample="optimal")
    posteriors = run_many(method, model, 400)
    assert abs(z_score(relative_evidence(posteriors, model), 1.0)) < 4
    for p in posteriors:
        if p is not None:
            assert len(p) == 4
            assert {v for v, w in zip(p.values, p.weights, strict=True) if w > 0} == {(1, 1, 1)}


def test_a_good_lookahead_lowers_the_variance() -> None:
    """Potentials equal to the mass below each prefix steer; misleading ones do not bias, they only cost."""
    strings = WeightedSet({"ab": 0.1, "aab": 0.2, "ba": 0.1, "bbb": 9.0, "bab": 0.4}, seed=3)
    spread = {}
    for lookahead in ("mass", "wrong"):
        model = strings.model(lookahead=lookahead, masked=True)
        scale = relative_evidence(run_many(SMC(16, ess_threshold=0.7), model, 150), model)
        assert abs(z_score(scale, 1.0)) < 4
        spread[lookahead] = (scale - 1.0) ** 2
    assert z_score(spread["wrong"] - spread["mass"], 0.0) > 4


def test_finished_particles_cost_nothing() -> None:
    """Particles that finish or die early draw no more: every token charged is in some trace, or killed its particle."""
    for seed in range(5):
        posterior = infer(crossroads_model().program, SMC(32, ess_threshold=0.0), seed=seed)
        drawn = sum(1 if t is None else sum(s.kind == "sample" for _, s in t.walk()) for t in posterior.traces)
        assert posterior.cost.tokens == drawn


def test_finished_particles_keep_their_weight() -> None:
    """Without resampling the weight of each particle is its factors, whenever it finished."""
    posterior = infer(crossroads_model().program, SMC(32, ess_threshold=0.0), seed=1)
    for trace, log_w in zip(posterior.traces, posterior.log_weights, strict=True):
        if trace is None:
            assert log_w == -math.inf
        else:
            factors = sum(s.log_p for _, s in trace.walk() if s.kind == "factor")
            assert log_w == pytest.approx(factors - math.log(32))


def test_a_lone_survivor_repopulates() -> None:
    """One particle alive out of many is enough: the others become its copies and go their own ways."""

    @program
    async def narrow() -> tuple[int, ...]:
        coins = TableLM([0.0, 0.0, 0.0, 0.0], eos=None)
        first = [await sample(coins.next(""), "first") for _ in range(3)]
        await condition(first == [2, 2, 2], "narrow")
        return tuple([await sample(coins.next(""), "later") for _ in range(3)])

    posterior = infer(narrow, SMC(200), seed=2)
    assert all(t is not None for t in posterior.traces)
    assert len(set(posterior.values)) > 20
    assert posterior.genealogy is not None
    assert posterior.genealogy.unique_ancestors()[0] < 12


def test_genealogy_accounts_for_the_evidence() -> None:
    """log Zhat = sum over resampled generations of log sum w, plus that of the last."""
    for method in (SMC(16), SMC(16, ess_threshold=1.0), SMC(6, expand=2, resample="optimal")):
        posterior = infer(sentence_model("twist").program, method, seed=4)
        g = posterior.genealogy
        assert g is not None
        last = len(g) - 1
        total = log_sum_exp(g.log_weights(last)) + sum(
            log_sum_exp(g.log_weights(t)) for t in range(last) if g.resampled(t + 1)
        )
        assert posterior.log_evidence == pytest.approx(total)
        assert posterior.weights == pytest.approx(g.weights(last))
        assert sorted(g.unique_ancestors()) == list(g.unique_ancestors())


@pytest.mark.parametrize("scheme", ["ssp", "multinomial"])
def test_error_bar_is_calibrated(scheme: str) -> None:
    """The variance that single runs report is the variance over runs: neither too small nor too large."""
    model = crossroads_model()
    posteriors = [p for p in run_many(SMC(32, resample=scheme), model, 300) if p is not None]
    scale = relative_evidence(posteriors, model)
    claimed = np.array([p.log_evidence_error**2 for p in posteriors]) * scale**2
    assert abs(z_score((scale - 1.0) ** 2 - claimed, 0.0)) < 4
    assert abs(z_score(scale, 1.0)) < 4


def test_all_dead_names_the_sites() -> None:
    """Every killing site with its count, and the genealogy up to there."""
    lm = TableLM([0.0, 0.0, 0.0], eos=None)

    @program
    async def impossible() -> None:
        token = await sample(lm.next(""), "token")
        await condition(token != 0, "not zero")
        await condition(token != 1, "not one")
        await condition(token > 2, "more")

    with pytest.raises(AllParticlesDead, match="more") as error:
        infer(impossible, SMC(60, resample_at="token", ess_threshold=0.0))
    assert sum(error.value.killed.values()) == 60
    assert set(error.value.killed) == {"not zero", "not one", "more"}


def test_stop_functions_see_particle_and_effect() -> None:
    """A function decides from the particle's own state, here the depth of its text."""
    seen: set[str] = set()

    def stop(particle: Particle, effect: Effect[Any]) -> bool:
        seen.add(effect.kind)
        return effect.kind == "factor"

    posterior = infer(sentence_model().program, SMC(8, resample_at=stop))
    assert {"sample", "factor"} <= seen
    assert posterior.ess > 0


def test_agrees_with_enumeration_for_many_particles() -> None:
    """Consistency: total variation to the exact posterior falls with the population."""
    model = sentence_model()
    exact = infer(model.program, Enumerate()).probabilities()

    def off(n: int) -> float:
        found = infer(model.program, SMC(n), seed=1).probabilities()
        return 0.5 * sum(abs(found.get(v, 0.0) - p) for v, p in exact.items())

    assert off(2000) < 0.08 < off(20)


def test_a_name_that_no_site_has_is_reported() -> None:
    """A misspelt name in resample_at would silently turn SMC into importance sampling: it warns."""
    with pytest.warns(UserWarning, match="sentense"):
        infer(sentence_model().program, SMC(4, resample_at=["step", "sentense"]))
