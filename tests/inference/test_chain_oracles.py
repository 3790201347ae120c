"""The oracles for Markov chains themselves: chi-squares, taped runs, ranks, and what they refuse."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
from scipy import stats

from steersman.inference import MH, SMC, Importance, anneal, infer, suffix
from steersman.inference.run.schedule import execute, run_together
from steersman.inference.testing import (
    OracleModel,
    TapedRun,
    check_chain,
    check_kernel,
    crossroads_model,
    exhaust,
    letters_model,
    line_model,
    poem_model,
    sentence_model,
    target_measure,
    tree_model,
)
from steersman.inference.testing.calibration import _ranks, drawn
from steersman.inference.testing.chi_square import balance, fit
from steersman.inference.testing.poems import chain_models
from steersman.models import TableLM
from steersman.ppl import dist, factor, program, sample
from steersman.ppl.keys import Key


def test_fit_is_pearsons() -> None:
    """X^2 and the normal score of its tail, as SciPy has them; rare values are counted as one."""
    observed, p = {"a": 130, "b": 60, "c": 110}, {"a": 0.5, "b": 0.2, "c": 0.3}
    expected = stats.chisquare([130, 60, 110], [150, 60, 90])
    check = fit("oracle", "values", observed, p)
    assert check.observed == pytest.approx(expected.statistic)
    assert check.z == pytest.approx(stats.norm.isf(expected.pvalue))
    rare = {"a": 0.96} | {f"r{i}": 0.01 for i in range(4)}
    merged = fit("oracle", "values", {"a": 280, "r1": 20}, rare)
    assert merged.observed == pytest.approx(stats.chisquare([280, 20], [288, 12]).statistic)
    assert merged.expected == 1


def test_fit_of_the_impossible() -> None:
    """A value that cannot be is infinitely wrong; a perfect fit is no evidence against anything."""
    assert fit("oracle", "values", {"a": 10, "z": 1}, {"a": 1.0}).z == math.inf
    assert fit("oracle", "values", {"a": 500, "b": 500}, {"a": 0.5, "b": 0.5}).z == 0.0
    assert fit("oracle", "values", {"a": 5000}, {"a": 0.5, "b": 0.5}).z > 30


def test_balance() -> None:
    """Flows one way and back are compared; staying says nothing; few passages are counted together."""
    mass = {"a": 0.5, "b": 0.3, "c": 0.2}
    fair = [("a", "b")] * 50 + [("b", "a")] * 50 + [("c", "c")] * 999
    assert balance("oracle", "flows", fair, mass).z == 0.0
    tilted = [("a", "b")] * 80 + [("b", "a")] * 20
    assert balance("oracle", "flows", tilted, mass).observed == pytest.approx(36.0)
    few = [("a", "b")] * 6 + [("a", "c")] * 6
    check = balance("oracle", "flows", few, mass)
    assert (check.observed, check.expected) == (12.0, 1.0)


@pytest.mark.parametrize("seed", range(3))
def test_chi_squares_are_calibrated(seed: int) -> None:
    """Under the law itself the score exceeds 1.645 about once in twenty times."""
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.ones(12))
    law = dict(enumerate(p.tolist()))
    z = [fit("oracle", "values", Counter(rng.choice(12, 400, p=p).tolist()), law).z for _ in range(400)]
    assert abs(np.mean(np.array(z) > 1.645) - 0.05) < 4.5 * math.sqrt(0.05 * 0.95 / 400)


@program
async def mixed(lm: TableLM) -> tuple[int, str]:
    """Draws that are no plain token: a proposal, a favoured phrase, a distribution of NumPyro's."""
    n = await sample(dist.Categorical([0.2, 0.8]), "n", proposal=dist.Categorical([0.5, 0.5]))
    target = lm.text("a", stop="ba", max_tokens=2)
    text = await sample(target, "text", proposal=target.favouring("ba", 1.0))
    await factor(0.5 * n * len(text), "length")
    return int(n), str(text)


def test_taped_runs_are_properly_weighted() -> None:
    """All choices of a taped run, each with its probability: the weighted values add up to the target, for importance
    sampling and (stops included) for a population that is never resampled."""
    call = mixed(TableLM.random(3, seed=2))
    target = target_measure(OracleModel.of(call))
    for method in (Importance(1), SMC(1), SMC(1, resample_at="token")):
        total: dict[object, float] = {}
        mass = 0.0
        for probability, p in exhaust(lambda tape, m=method: run_together([execute(TapedRun(call, tape), m)])[0]):
            mass += probability
            total[p.values[0]] = total.get(p.values[0], 0.0) + probability * math.exp(p.log_evidence)
        assert mass == pytest.approx(1.0)
        assert total == pytest.approx(target)


def test_models_for_chains() -> None:
    """Small enough for a matrix, one target in several forms, at least seven statistics where they are new."""
    models = chain_models()
    assert all(len(m.exact) <= 50 for m in models)
    for new in (line_model(), poem_model(), tree_model()):
        assert len(new.statistics) >= 7
    for group in ("sentence", "line", "poem"):
        forms = [m.exact.probabilities() for m in models if m.name.startswith(group)]
        assert len(forms) == 3
        assert forms[1] == pytest.approx(forms[0]) and forms[2] == pytest.approx(forms[0])


def test_ranks() -> None:
    """How many are smaller; ties are broken evenly."""
    others = np.tile([[1.0, 2.0, 2.0, 4.0]], (3000, 1))
    assert set(_ranks(others, np.full(3000, 3.0), Key(0))) == {3}
    counts = Counter(_ranks(others, np.full(3000, 2.0), Key(1)))
    assert set(counts) == {1, 2, 3}
    assert fit("oracle", "ties", counts, {1: 1 / 3, 2: 1 / 3, 3: 1 / 3}).z < 4


def test_draws_for_calibration() -> None:
    """By weight from particles; from chains each kept state once, evenly."""
    chains = infer(letters_model().program, MH(2, 6, suffix()))
    assert [id(t) for t in drawn(chains, 4, Key(0))] == [id(chains.traces[i]) for i in (1, 4, 7, 10)]
    particles = infer(letters_model().program, Importance(5))
    picked = [id(t) for t in drawn(particles, 4000, Key(1))]
    table = {id(t): w for t, w in zip(particles.traces, particles.weights.tolist(), strict=True)}
    assert fit("oracle", "draws", Counter(picked), table).z < 4


def test_what_is_no_chain() -> None:
    """Methods without chains, and those that search for a mode, are referred elsewhere."""
    for method in (Importance(5), MH(2, 30, suffix(), anneal=anneal(1, 5))):
        with pytest.raises(ValueError, match=r"claims a posterior.*see check_method"):
            check_chain(method, line_model())


def test_reports_of_chains() -> None:
    """The same seed gives the same report; another one another."""
    first, again, other = (check_kernel(suffix(), crossroads_model(), chains=200, steps=2, seed=s) for s in (1, 1, 2))
    assert first == again
    assert first != other
    assert {c.oracle for c in first.checks} == {"invariant", "reversible"}
    assert len([c for c in first.checks if c.what.startswith("change of")]) == len(sentence_model().statistics) >= 7
