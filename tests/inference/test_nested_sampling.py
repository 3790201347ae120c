"""Nested sampling: unbiased where its draws are exact, plateaus included; and true error bars with real moves."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from steersman.inference import AllParticlesDead, Budget, Enumerate, Move, NothingToChange, infer, mix, site, suffix
from steersman.inference.chain import Chain
from steersman.inference.chain.target import log_likelihood
from steersman.inference.nested_sampling import NestedSampling
from steersman.inference.tempering.levels import Above
from steersman.inference.testing import (
    OracleModel,
    check_equivalences,
    check_method,
    crossroads_model,
    letters_model,
)
from steersman.inference.testing.transitions import check_transitions
from steersman.models import TableLM
from steersman.ppl import InvalidWeight, Text, condition, factor, program, sample
from steersman.ppl.particle import Particle

COIN = TableLM([0.3, -0.3], eos=None)
LM = TableLM.random(3, seed=12, scale=0.6)


@program
async def stairs() -> int:
    """Ten values of L by the number of heads, two of them equal: every level is a plateau."""
    heads = 0
    for i in range(6):
        heads += await sample(COIN.next(""), f"toss {i}")
    await factor(1.2 * abs(heads - 2), "score")
    return heads


@program
async def gated() -> tuple[int, ...]:
    """Texts of varying length, some of which die."""
    text: Text = await sample(LM.text("", max_tokens=3), "text")
    await condition(text.tokens[:1] != (1,), "not one")
    await factor(1.5 * len(text.tokens) - 2.0 * (text.tokens[-1:] == (2,)), "score")
    return (*text.tokens, -1) if text.finish == "eos" else text.tokens


class Exact(Move):
    """Independent draws from the target of the chain, by enumeration: what the moves of nested sampling approximate."""

    name = "exact"  # type: ignore[assignment]

    def __init__(self, model: Any) -> None:
        self.particles = [Particle.of_trace(t) for t in infer(model, Enumerate()).traces if t is not None]
        self.target: Any = None
        self.weights: list[float] = []

    async def propose(self, chain: Chain) -> None:
        raise NotImplementedError

    async def step(self, chain: Chain) -> None:
        if chain.target != self.target:
            log_p = np.array([chain.log_target(p) for p in self.particles])
            self.target, self.weights = chain.target, np.exp(log_p - log_p.max()).tolist()
        chain.particle = self.particles[chain.choose(self.weights)]
        chain.tally.count("exact", True)


@pytest.mark.parametrize("batch", [pytest.param(1, marks=pytest.mark.slow), 3])
@pytest.mark.parametrize("model", [stairs(), gated()], ids=lambda m: str(m.name))
def test_unbiased_with_exact_draws(model: Any, batch: int) -> None:
    """E[Zhat sum_i W_i f(v_i)] = Z E[f] for every f, with few live points, at plateaus and where executions die; the
    error bar is calibrated."""
    oracle = OracleModel.of(model)
    report = check_method(NestedSampling(8, Exact(model), steps=1, batch=batch, tolerance=0.01), oracle, runs=120)
    assert report.passed, report


class Untied(NestedSampling):
    """A mutant: points at a level count as above it, so that a plateau is never left behind."""

    async def _replace(self, run: Any, state: Any, others: Any, level: Above) -> Any:
        return await super()._replace(run, state, others, Above(level.energy, 0.0))


class MeanLogRate(NestedSampling):
    """A mutant: X' = X exp(-1/n), the mean of log X'/X, instead of X (1 - 1/n)."""

    def _log_weights(self, state: Any) -> Any:
        log_w = self._log_volumes(state, -1.0 / np.array(state.left, np.float64))
        return log_w + self._energies(state) + self._log_alive(state)


class LiveForgotten(NestedSampling):
    """A mutant: only removed points have weight, and the run ends early."""

    def _log_volumes(self, state: Any, log_shrinkage: Any) -> Any:
        volumes = super()._log_volumes(state, log_shrinkage)
        volumes[len(log_shrinkage) :] -= 50.0 if state.over else 0.0
        return volumes


class DeathForgotten(NestedSampling):
    """A mutant: executions that die are not part of the prior."""

    def _log_alive(self, state: Any) -> float:
        return 0.0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mutant", "model", "tolerance"),
    [(Untied, stairs(), 0.01), (MeanLogRate, stairs(), 0.01), (LiveForgotten, stairs(), 0.9),
     (DeathForgotten, gated(), 0.01)],
    ids=lambda x: getattr(x, "__name__", ""),
)
def test_mutants_are_seen(mutant: type[NestedSampling], model: Any, tolerance: float) -> None:
    """The evidence or the measure of each is off; the method with the same settings passes."""
    settings: dict[str, Any] = {"steps": 1, "batch": 2, "tolerance": tolerance}
    oracle = OracleModel.of(model)
    planted = check_method(mutant(5, Exact(model), **settings), oracle, runs=250)
    assert planted.z("evidence") > planted.limit + 0.4
    assert check_method(NestedSampling(5, Exact(model), **settings), oracle, runs=250).passed


MORE = [pytest.param(m, marks=pytest.mark.slow) for m in (crossroads_model(), letters_model("prior"))]


@pytest.mark.parametrize("model", [OracleModel.of(stairs()), *MORE], ids=str)
def test_agrees_with_real_moves(model: OracleModel) -> None:
    """Ten moves from a copy are near enough to a draw: all statistics, log Z and its error, over 20 runs."""
    report = check_method(NestedSampling(12, mix(suffix(), site()), steps=10), model, runs=20)
    assert report.passed, report


def test_moves_leave_the_constrained_prior_invariant() -> None:
    """pi K = pi, exactly, for the prior above a level that some executions lie on."""
    energies = sorted(log_likelihood(t) for t in infer(gated(), Enumerate()).traces if t is not None)
    level = Above(energies[len(energies) // 2], 0.4)
    report = check_transitions(mix(suffix(), site()), gated(), target=level, irreducible=False)
    assert report.passed, report


def test_what_the_result_reports() -> None:
    """Information in nats, rounds, acceptance; removed points in order of likelihood, then the live ones."""
    exact = infer(stairs(), Enumerate())
    posterior = infer(stairs(), NestedSampling(200, suffix(), steps=6, batch=50), seed=1)
    assert abs(posterior.log_evidence - exact.log_evidence) < 4.0 * posterior.log_evidence_error
    kl = sum(w * log_likelihood(t) for w, t in exact.weighted_traces()) - exact.log_evidence
    assert posterior.info["information"] == pytest.approx(kl, abs=0.25)
    assert posterior.log_evidence_error == pytest.approx(math.sqrt(kl / 200), rel=0.6)
    removed = [log_likelihood(t) for t in posterior.traces[:-200] if t is not None]
    assert len(removed) == 50 * posterior.info["rounds"] and removed == sorted(removed)
    assert 0.0 < posterior.info["acceptance"]["suffix()"] <= 1.0


def test_a_stopped_run_is_weighted() -> None:
    """What has been removed and what is live, error unknown; the run is a function of its seed."""
    stopped = infer(gated(), NestedSampling(20, suffix()), budget=Budget(tokens=400), seed=3)
    assert stopped.stopped is not None and math.isnan(stopped.log_evidence_error) and stopped.cost.tokens <= 400
    assert abs(stopped.log_evidence - infer(gated(), Enumerate()).log_evidence) < 1.5
    early = infer(gated(), NestedSampling(20, suffix()), budget=Budget(tokens=30), seed=3)
    assert early.stopped is not None and len(early) == 0
    assert check_equivalences(gated(), NestedSampling(8, suffix(), steps=3)).passed


def test_what_cannot_be_done_is_refused() -> None:
    """Proposals, kernels that neither accept nor reject, sizes, programs that always die, moves without a site."""

    @program
    async def proposed() -> int:
        return int(await sample(COIN.next(""), "coin", proposal=COIN.next("").tempered(2.0)))

    @program
    async def impossible() -> None:
        await sample(COIN.next(""), "coin")
        await condition(False, "never")

    with pytest.raises(InvalidWeight, match="'coin' is drawn from a proposal"):
        infer(proposed(), NestedSampling(4))
    with pytest.raises(AllParticlesDead, match="never"):
        infer(impossible(), NestedSampling(4))
    with pytest.raises(NothingToChange, match="topic"):
        infer(stairs(), NestedSampling(4, site("topic")))
    with pytest.raises(TypeError, match="accepts or rejects"):
        NestedSampling(4, "site")  # type: ignore[arg-type]
    for settings, says in (({"batch": 4}, "smaller"), ({"tolerance": 0.0}, "tolerance"), ({"steps": 0}, "steps")):
        with pytest.raises(ValueError, match=says):
            NestedSampling(4, **settings)  # type: ignore[arg-type]
