"""Fitting: the optimum, checkpoints, patience, bad input."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from short_walk import END, estimates, family, guide, steps, walk

from steersman.inference import SMC, Budget, Enumerate, Importance, infer
from steersman.inference.variational import VI, BadParameters, Family, Guide, elbo, fit, iwelbo, wake
from steersman.ppl import dist, factor, observe, program, sample
from steersman.ppl.errors import InvalidWeight, UnknownAddress


def test_the_guide_learns_the_posterior() -> None:
    """Law: a guide that can hold the posterior finds it: the ELBO rises to log Z, and every weight becomes Z."""
    q = family()
    truth = infer(walk(), Enumerate()).log_evidence
    before = np.mean([e.value for e in estimates(elbo, q, 20, 32)])
    found = fit(walk(), guide(q), steps=250, draws=16, optimiser=0.1)
    after = [e.value for e in estimates(elbo, q, 20, 32)]
    assert before < truth - 0.1
    assert truth - 0.02 < np.mean(after) < truth + 0.001
    assert len(found.losses) == 250 and found.losses[-20:].mean() < found.losses[:20].mean()
    posterior = infer(walk(), Importance(400, proposal=guide(q)))
    assert posterior.ess > 0.9 * 400


@pytest.mark.parametrize("objective", [elbo, iwelbo(4), wake(4)])
def test_vi_is_corrected(objective: object) -> None:
    """Law: whatever the fit came to, log Z and expectations agree with Enumerate."""
    exact = infer(walk(), Enumerate())
    q = family()
    found = infer(walk(), VI(guide(q), 15, objective=objective, particles=4000), seed=2)  # type: ignore[arg-type]
    assert abs(found.log_evidence - exact.log_evidence) < 4 * found.log_evidence_error
    assert len(found.info["losses"]) == 15
    table = exact.probabilities()
    for value, p in found.probabilities().items():
        assert abs(p - table[value]) < 5 * math.sqrt(table[value] / found.ess)


def test_a_resumed_fit_is_the_same(tmp_path: Path) -> None:
    """Law: a fit that is stopped and resumed from its checkpoint ends with the parameters of one that was not."""
    whole, parts = family(), family()
    fit(walk(), guide(whole), steps=12, seed=4)
    fit(walk(), guide(parts), steps=7, seed=4, checkpoint=tmp_path, checkpoint_every=3)
    other = family(scale=0.1)
    again = fit(walk(), guide(other), steps=12, seed=4, checkpoint=tmp_path)
    assert len(again.losses) == 12
    np.testing.assert_array_equal(whole.params, other.params)


def test_a_guide_is_saved_and_loaded(tmp_path: Path) -> None:
    """Law: load gives back what save wrote; what does not fit is named."""
    q = family()
    guide(q).save(tmp_path)
    other = family(scale=0.0)
    guide(other).load(tmp_path)
    np.testing.assert_array_equal(q.params, other.params)
    with pytest.raises(BadParameters, match="'token' has shape"):
        bad = Family("token", np.zeros(3), lambda theta, *f: dist.Categorical(logits=theta))
        Guide(steps(bad), bad).load(tmp_path)
    with pytest.raises(BadParameters, match="has no 'tokens'"):
        bad = Family("tokens", np.zeros(3), lambda theta, *f: dist.Categorical(logits=theta))
        Guide(steps(bad), bad).load(tmp_path)
    with pytest.raises(BadParameters, match="does not exist"):
        guide(q).load(tmp_path / "nowhere")


def test_patience_and_budget() -> None:
    """Law: a fit that no longer improves stops; one whose budget ends keeps its last whole step."""
    q = family()
    found = fit(walk(), guide(q), steps=2000, draws=4, optimiser=1e-6, patience=30)
    assert len(found.losses) < 2000 and found.stopped is not None and "no rise" in found.stopped
    found = fit(walk(), guide(q), steps=100_000, budget=Budget(seconds=4))
    assert 0 < len(found.losses) < 100_000 and found.stopped is not None


def test_bad_guides() -> None:
    """Law: a guide that weighs, or draws what the program does not, is refused, and the site is named."""
    q = family()

    @program
    async def weighs() -> None:
        await sample(q(0, END), "x")
        await factor(1.0)

    @program
    async def other_site() -> None:
        await sample(q(0, END), "y")

    with pytest.raises(InvalidWeight, match="a guide only draws"):
        infer(walk(), SMC(4, proposal=weighs()))
    with pytest.raises(UnknownAddress, match="waits at 'y'"):
        infer(walk(), SMC(4, proposal=other_site()))
    with pytest.raises(ValueError, match="learning rate"):
        fit(walk(), guide(q), steps=1, optimiser=-1.0)
    with pytest.raises(ValueError, match="expected one of 'score'"):
        fit(walk(), guide(q), steps=1, estimators={"x": "magic"})
    with pytest.raises(BadParameters, match="has 18 of 18 numbers that are not finite"):
        q.params = np.full((2, 3, 3), np.nan)


def test_proposals_inside_the_program() -> None:
    """Law: a program with learnt proposals of its own is fitted without a guide; scales are learnt, too."""
    q = Family("level", {"loc": 2.0, "log_scale": 1.0}, lambda t: dist.Normal(t["loc"], jnp_exp(t["log_scale"])))

    @program
    async def level() -> float:
        x = await sample(dist.Normal(0.0, 1.0), "x", proposal=q())
        await observe(dist.Normal(x, 0.5), 1.0)
        return x

    fit(level(), None, steps=400, draws=32, optimiser=0.05)
    assert abs(float(q.params["loc"]) - 0.8) < 0.05
    assert abs(float(q.params["log_scale"]) - math.log(math.sqrt(0.2))) < 0.1
    posterior = infer(level(), Importance(500))
    assert posterior.ess > 0.9 * 500


def jnp_exp(x: object) -> object:
    import jax.numpy as jnp

    return jnp.exp(x)  # type: ignore[arg-type]
