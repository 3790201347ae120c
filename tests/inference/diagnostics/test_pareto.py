"""The Pareto k of importance weights: known indices, the library's fit, warnings in both directions, the table."""

from __future__ import annotations

import math
import warnings
from pathlib import Path

import numpy as np
import pytest

from steersman.inference import SMC, VI, Enumerate, HeavyTail, Importance, Posterior, infer, pareto_k
from steersman.inference.diagnostics.pareto import k_limit
from steersman.inference.diagnostics.weight_diagnosis import WeightDiagnosis
from steersman.inference.testing import oracle_models
from steersman.ppl import dist, factor, observe, program, sample


@program
async def level(scale: float) -> float:
    """x ~ N(0, 1), proposed by N(0, scale^2): w = scale exp(x^2 (1/scale^2 - 1) / 2), x = scale z, so that
    P(w > t) ~ t^(-1 / (1 - scale^2)) up to logarithms: k = 1 - scale^2. Z = 1."""
    return await sample(dist.Normal(0.0, 1.0), "x", proposal=dist.Normal(0.0, scale))


@pytest.mark.parametrize("k", [0.2, 0.5, 0.8, 1.2])
def test_exact_pareto_weights(k: float) -> None:
    """w = u^-k has the tail index k: the mean of 200 estimates from 4000 weights is k, but for the prior, which draws
    it to 0.5 by the weight of 10 in 10 + 189 (Vehtari et al. 2024), and the bias of the fit, below 0.03."""
    rng = np.random.default_rng(0)
    found = [pareto_k(k * rng.exponential(size=4000) + 1000.0) for _ in range(200)]
    expected = (189 * k + 10 * 0.5) / 199
    assert abs(np.mean(found) - expected) < 4 * np.std(found) / math.sqrt(200) + 0.03


def test_the_fit_is_that_of_the_library() -> None:
    """On weights that do not tie, k is that of arviz-stats, to rounding."""
    from arviz_stats.base import array_stats

    rng = np.random.default_rng(1)
    for size in (25, 100, 225, 226, 1000, 5000):
        for scale in (0.1, 1.0, 3.0):
            log_w = scale * rng.normal(size=size) ** 2
            assert pareto_k(log_w) == pytest.approx(float(array_stats.psislw(-log_w)[1]), abs=1e-9)


@pytest.mark.parametrize("scale", [0.3, 0.5, 0.7, 0.9, 1.5])
def test_a_normal_proposal_of_another_width(scale: float) -> None:
    """Closed form: the index is 1 - scale^2, approached slowly (the tail has a factor 1 / sqrt(log t)), from below for
    heavy tails; bounded weights (scale > 1) have a negative one."""
    found = [_quietly(level(scale), 600, seed).info["pareto_k"] for seed in range(15)]
    mean, error, true = np.mean(found), np.std(found) / math.sqrt(15), 1 - scale**2
    if scale > 1:
        assert mean < -0.5
    else:
        assert true - 0.2 - 4 * error < mean < true + 0.1 + 4 * error


def _quietly(model: object, particles: int, seed: int) -> Posterior:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", HeavyTail)
        return infer(model, Importance(particles), seed=seed)  # type: ignore[call-overload, no-any-return]


def test_one_warning_for_a_narrow_proposal() -> None:
    """scale 0.1, k = 0.99: log Z is often more than 4 error bars off; most of 20 runs are warned of (k has an error,
    too). The warning names the program and what to do, once for many programs."""
    warned, wrong = 0, 0
    for seed in range(20):
        with warnings.catch_warnings(record=True) as found:
            warnings.simplefilter("always")
            posterior = infer(level(0.1), Importance(600), seed=seed)
        warned += len(found)
        wrong += abs(posterior.log_evidence) > 4 * posterior.log_evidence_error
    assert wrong >= 10  # the error bar is nothing to go by
    assert 10 <= warned <= 20
    with pytest.warns(HeavyTail, match=r"'level'> \(and 1 more programs\).*Pareto k = .*wake\(K\)") as many:
        infer([level(0.1), level(1.2), level(0.2)], Importance(1000), seed=1)
    assert len(many) == 1


def test_no_warning_where_all_is_well() -> None:
    """Neither wide proposals, nor few draws, nor the oracle models (finitely many weights, most of them tied), nor
    weights that are all the same warn."""

    @program
    async def rare() -> bool:
        hit = await sample(dist.Bernoulli(0.01), "hit")
        await factor(2.0 * hit)
        return bool(hit)

    with warnings.catch_warnings():
        warnings.simplefilter("error", HeavyTail)
        for seed in range(10):
            infer(level(1.2), Importance(300), seed=seed)
            infer(level(0.3), Importance(60), seed=seed)
            assert math.isnan(infer(rare(), Importance(1000), seed=seed).info["pareto_k"])
        assert math.isnan(infer(level(1.0), Importance(1000)).info["pareto_k"])
        for model in oracle_models():
            infer(model.program, Importance(1000))


def test_what_has_no_tail() -> None:
    """nan for too few weights, for equal ones, up to rounding; dead particles do not count; a spread of a thousand nats
    is no problem."""
    rng = np.random.default_rng(2)
    x = rng.normal(size=400)
    assert math.isnan(pareto_k(x[:24])) and math.isnan(pareto_k([])) and math.isnan(pareto_k([-math.inf] * 9))
    assert math.isnan(pareto_k(np.zeros(300))) and math.isnan(pareto_k(1e-6 * x))
    assert math.isnan(pareto_k(np.where(x > 1, 3.0, 0.0)))
    assert pareto_k(np.append(x, [-math.inf] * 1000)) == pareto_k(x)
    assert pareto_k(1000 * x) > 5


def test_limits() -> None:
    """min(1 - 1 / log10 S, 0.7): the published table."""
    assert k_limit(100) == pytest.approx(0.5) and k_limit(1000) == pytest.approx(2 / 3)
    assert k_limit(10**6) == 0.7 and k_limit(1) == -math.inf


def test_vi_with_a_narrow_guide_warns() -> None:
    """A guide whose scale is fixed too narrow: VI says so; the same family with its scale learnt does not."""
    import jax.numpy as jnp

    from steersman.inference.variational import Family, Guide

    @program
    async def model() -> float:
        x = await sample(dist.Normal(0.0, 1.0), "x")
        await observe(dist.Normal(x, 2.0), 1.0)
        return x

    narrow = Family("narrow", {"loc": 0.0}, lambda t: dist.Normal(t["loc"], 0.1))
    free = Family("free", {"loc": 0.0, "log_scale": -1.0}, lambda t: dist.Normal(t["loc"], jnp.exp(t["log_scale"])))

    def guide(q: Family) -> Guide:
        @program
        async def guide() -> None:
            await sample(q(), "x")

        return Guide(guide(), q)

    with pytest.warns(HeavyTail, match="Pareto k"):
        found = infer(model(), VI(guide(narrow), 20, particles=1000, optimiser=0.05), seed=1)
    assert found.info["pareto_k"] > 0.7 and "heavy tail" in found.summary()
    with warnings.catch_warnings():
        warnings.simplefilter("error", HeavyTail)
        good = infer(model(), VI(guide(free), 100, particles=1000, optimiser=0.1), seed=1)
    assert "heavy tail" not in good.summary()


def test_the_table(tmp_path: Path) -> None:
    """Means, their errors and spreads are the weighted ones; k of the numbers too; doubts say what to do; it survives
    a file; other posteriors still say that they have none."""
    posterior = infer(level(1.3), Importance(3000), seed=2)
    table = posterior.diagnose({"x": lambda x: x, "square": lambda x: x * x})
    assert isinstance(table, WeightDiagnosis) and not table.doubts
    assert table["square"].mean == pytest.approx(posterior.expectation(lambda x: x * x))
    assert abs(table["square"].mean - 1) < 4 * table["square"].mcse and abs(table["x"].mean) < 4 * table["x"].mcse
    assert table["x"].sd == pytest.approx(1.0, abs=0.06)
    assert list(posterior.diagnose()) == ["log density", "x"] and len(table) == 2
    assert str(table).startswith("Importance(3000): 3,000 weighted draws, ESS") and "Pareto k" in repr(table)
    posterior.save(tmp_path / "p.json")
    assert str(Posterior.load(tmp_path / "p.json").diagnose()) == str(posterior.diagnose())
    heavy = _quietly(level(0.2), 2000, 1).diagnose()
    assert any("wake(K)" in d for d in heavy.doubts) and "\n! heavy tail" in str(heavy)
    few = WeightDiagnosis("Importance(100)", 100, 50.0, 0.6, {})
    assert "Take about 316 draws" in few.doubts[0]
    for method in (Enumerate(), SMC(8)):
        with pytest.raises(ValueError, match="draws no Markov chains"):
            infer(oracle_models()[0].program, method).diagnose()


def test_errors_of_the_table_are_calibrated() -> None:
    """Over 100 runs (mean - 1) / mcse of x^2 has variance one: chi-square, |z| < 4; and the tail of w x^2 is seen where
    that of w alone is light."""
    z = []
    for seed in range(100):
        s = infer(level(1.3), Importance(200), seed=seed).diagnose(lambda x: x * x)["<lambda>"]
        z.append((s.mean - 1) / s.mcse)
    assert abs((np.sum(np.square(z)) - 100) / math.sqrt(200)) < 4
    heavy = infer(level(1.0), Importance(2000)).diagnose({"tail": lambda x: math.exp(x * x / 2.2)})
    assert heavy["tail"].pareto_k > 0.7 and "tail" in heavy.doubts[0]
