"""Inference inside inference: `posterior_of` as a choice, as an observation, as a proposal."""

from __future__ import annotations

import math
from typing import Any

import pytest

from steersman.inference import SMC, AllParticlesDead, Enumerate, Importance, infer, posterior_of
from steersman.inference.run.algorithm import Algorithm
from steersman.inference.testing import OracleModel, check_method, coins_model, sentence_model, z_score
from steersman.models import TableLM
from steersman.ppl import Invocation, condition, factor, observe, program, sample
from steersman.ppl.errors import NotADistribution

LM = TableLM.random(4, seed=6, scale=1.0)


@program
async def inner(first: int) -> int:
    """A conditioned choice, whose posterior differs from its prior."""
    token = await sample(LM.next(LM.context() + first), "inner")
    await factor(1.5 if token == 1 else -0.5 * token, "reward")
    return token


@program
async def outer(method: Algorithm[Any]) -> tuple[int, int]:
    first = await sample(LM.next(""), "first")
    second = await sample(posterior_of(inner(first), method), "second")
    await factor(0.8 if second == first else -0.4, "echo")
    return first, second


@program
async def judged(method: Algorithm[Any]) -> int:
    """The first token, given that an inner agent chose 1."""
    first = await sample(LM.next(""), "first")
    await observe(posterior_of(inner(first), method), 1, "choice")
    return first


def _sampler_law(first: int, particles: int) -> dict[int, float]:
    """The law of one draw from importance sampling with few particles, summed over all that they can be."""
    p = [math.exp(x) for x in LM.next(LM.context() + first).log_probs()]
    g = [math.exp(1.5 if t == 1 else -0.5 * t) for t in range(4)]
    law = dict.fromkeys(range(4), 0.0)

    def visit(drawn: tuple[int, ...], mass: float) -> None:
        if len(drawn) == particles:
            total = sum(g[t] for t in drawn)
            for t in drawn:
                law[t] += mass * g[t] / total
            return
        for t in range(4):
            visit((*drawn, t), mass * p[t])

    visit((), 1.0)
    return law


def _outer_by_hand(law: dict[int, dict[int, float]]) -> dict[tuple[int, int], float]:
    prior = [math.exp(x) for x in LM.next(LM.context()).log_probs()]
    joint = {
        (a, b): prior[a] * law[a][b] * math.exp(0.8 if a == b else -0.4) for a in range(4) for b in range(4)
    }
    z = sum(joint.values())
    return {v: p / z for v, p in joint.items()}


def test_exact_inner_posteriors_enumerate() -> None:
    """With an exact inner method the outer program is enumerable, and equals Bayes' rule by hand."""
    exact = {a: infer(inner(a), Enumerate()).probabilities() for a in range(4)}
    posterior = infer(outer(Enumerate()), Enumerate())
    assert posterior.probabilities() == pytest.approx(_outer_by_hand(exact))
    report = check_method(SMC(8), OracleModel("nested", lambda wrap: outer(Enumerate()), {
        "echo": lambda v: float(v[0] == v[1]), "one": lambda v: float(v[1] == 1)}), runs=200, error_bars=False)
    assert report.passed, report


@pytest.mark.parametrize("method", [Importance(2), SMC(2, ess_threshold=0.0)], ids=lambda m: m.name)
def test_monte_carlo_inner_posteriors(method: Algorithm[Any]) -> None:
    """With a Monte Carlo inner method the choice follows the law of that sampler: E[Zhat f] = Z E[f] for that law."""
    law = {a: _sampler_law(a, 2) for a in range(4)}
    expected = _outer_by_hand(law)
    posteriors = [infer(outer(method), Importance(20), seed=s) for s in range(300)]
    prior = [math.exp(x) for x in LM.next(LM.context()).log_probs()]
    z = sum(prior[a] * law[a][b] * math.exp(0.8 if a == b else -0.4) for a in range(4) for b in range(4))
    scale = [math.exp(p.log_evidence) / z for p in posteriors]
    assert abs(z_score(scale, 1.0)) < 4
    for value in ((1, 1), (2, 1), (0, 0)):
        masses = [s * p.probabilities().get(value, 0.0) for s, p in zip(scale, posteriors, strict=True)]
        assert abs(z_score(masses, expected[value])) < 4


def test_observed_inner_choice() -> None:
    """Scoring a value runs the inner method afresh: an unbiased density, so a pseudo-marginal weight (exact or not)."""
    prior = [math.exp(x) for x in LM.next(LM.context()).log_probs()]
    exact = {a: infer(inner(a), Enumerate()).probabilities()[1] for a in range(4)}
    z = sum(p * exact[a] for a, p in enumerate(prior))
    assert infer(judged(Enumerate()), Enumerate()).log_evidence == pytest.approx(math.log(z))
    z_sampler = sum(p * _sampler_law(a, 3)[1] for a, p in enumerate(prior))
    scale = [math.exp(infer(judged(Importance(3)), Importance(10), seed=s).log_evidence) for s in range(300)]
    assert abs(z_score(scale, z_sampler)) < 4
    assert abs(z_score(scale, z)) > 4  # three particles are visibly not the exact posterior


@program
async def guided(proposal: Any) -> int:
    token = await sample(LM.next(LM.context()), "token", proposal=proposal)
    await factor(0.5 * token, "tilt")
    return token


def test_exact_posterior_as_a_proposal() -> None:
    """A result of inference proposes for another distribution; the weight corrects for it."""
    model = OracleModel("guided", lambda wrap: guided(posterior_of(inner(2), Enumerate())), {"v": float})
    assert model.exact.log_evidence == pytest.approx(infer(guided(None), Enumerate()).log_evidence)
    for proposal in (posterior_of(inner(2), Enumerate()), infer(inner(2), Enumerate())):
        target = OracleModel("guided", _always(guided(proposal)), {"v": float, "one": lambda v: float(v == 1)})
        report = check_method(Importance(4), target, runs=300)
        assert report.passed, report


def _always(call: Invocation[int]) -> Any:
    return lambda wrap: call


def test_estimated_posterior_is_refused_as_a_proposal() -> None:
    """1 / (estimate of q) is no unbiased estimate of 1 / q: E[p / qhat] would be the chance that the run holds v."""
    with pytest.raises(NotADistribution, match="inverse of an estimate is biased"):
        infer(guided(posterior_of(inner(2), Importance(2))), Importance(4))


@program
async def lucky(method: Algorithm[Any]) -> Any:
    return await sample(posterior_of(coins_model(2).program, method), "coins")


def test_an_inner_run_without_survivors_ends_its_particle_only() -> None:
    """The sampler's law is then a sub-probability: the outer Z is the chance that the inner run survives."""
    outers = [infer(lucky(Importance(2)), Importance(20), seed=s) for s in range(100)]
    assert {v for p in outers for v in p.values} == {(1, 1), None}
    survival = 1 - (3 / 4) ** 2
    assert abs(z_score([math.exp(p.log_evidence) for p in outers], survival)) < 4


def test_an_impossible_inner_program_is_named() -> None:
    """All inner runs die: the outer site is what killed the particles."""

    @program
    async def never() -> None:
        await sample(LM.next(""), "any")
        await condition(False, "never")

    @program
    async def around() -> None:
        await sample(posterior_of(never(), SMC(3)), "hopeless")

    with pytest.raises(AllParticlesDead, match=r"hopeless \(6\)"):
        infer(around, Importance(6))


def test_inner_runs_are_charged() -> None:
    """The outer ledger holds the tokens of every inner run, and those of an exact one once."""
    shared = posterior_of(sentence_model().program, SMC(5, ess_threshold=0.0))

    @program
    async def two(dist: Any) -> tuple[Any, Any]:
        return await sample(dist, "a"), await sample(dist, "b")

    posterior = infer(two(shared), Importance(10))
    assert posterior.cost.tokens == shared.spent.tokens > 10 * 2 * 5
    exact = posterior_of(sentence_model().program, Enumerate())
    posterior = infer(two(exact), Importance(10))
    assert posterior.cost.tokens == sentence_model().exact.cost.tokens


def test_inner_runs_that_score_a_proposed_value_are_charged() -> None:
    """A nested target is estimated for what a proposal drew: that run costs tokens too."""
    target = posterior_of(inner(2), SMC(5, ess_threshold=0.0))

    @program
    async def proposed() -> int:
        return await sample(target, "token", proposal=LM.next(LM.context()))

    posterior = infer(proposed(), Importance(10))
    assert posterior.cost.tokens == 10 + target.spent.tokens >= 10 + 10 * 5


def test_reproducible() -> None:
    """A nested run is a function of the outer seed."""
    a, b = (infer(outer(SMC(2)), SMC(12), seed=4) for _ in range(2))
    assert a.values == b.values
    assert a.log_evidence == b.log_evidence != infer(outer(SMC(2)), SMC(12), seed=5).log_evidence
