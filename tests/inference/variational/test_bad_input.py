"""What a fit refuses: each error names the site (and the step, or the objective's need) and the fix."""

from __future__ import annotations

from typing import Any, ClassVar

import jax.numpy as jnp
import numpy as np
import pytest
from short_walk import END, family, guide, walk

from steersman.inference import SMC, AllParticlesDead, Importance, infer
from steersman.inference.variational import CannotScore, Family, Guide, NonFinite, elbo, fit, wake
from steersman.models import TableLM
from steersman.ppl import dist, factor, observe, program, sample
from steersman.ppl.errors import NotADistribution, OutsideSupport, UnknownAddress

LM = TableLM.random(3, seed=1)
NORMAL = Family("normal", {"loc": -50.0}, lambda t: dist.Normal(t["loc"], 1.0))
COIN = Family("coin", {"logit": 0.0}, lambda t: dist.Bernoulli(logits=t["logit"]))


@program
async def waiting(d: Any) -> float:
    x = await sample(d, "wait")
    await observe(dist.Normal(0.0, 1.0), 3.0)
    return x  # type: ignore[no-any-return]


@program
async def proposes(d: Any) -> None:
    await sample(d, "wait")


def by(q: Any) -> Guide:
    return Guide(proposes(q() if isinstance(q, Family) else q), *([q] if isinstance(q, Family) else []))


@pytest.mark.parametrize("objective", [elbo, wake(4)])
def test_a_guide_outside_the_support(objective: Any) -> None:
    """A normal far below zero for a gamma: p is 0 whatever it draws, so no step could learn; weights alone would hide
    it."""
    with pytest.raises(OutsideSupport, match=r"step 0: all \d+ executions died at wait, proposed outside.*AutoGuide"):
        fit(waiting(dist.Gamma(2.0, 1.0)), by(NORMAL), steps=3, objective=objective, draws=4)
    with pytest.raises(AllParticlesDead, match=r"killed by: wait, proposed outside its support \(8\)"):
        infer(waiting(dist.Gamma(2.0, 1.0)), SMC(8, proposal=by(NORMAL)))


def test_a_guide_that_is_partly_outside() -> None:
    """A normal around 1 for a gamma: the ELBO is -inf, which names site and step; objectives that weigh learn."""
    near = Family("near", {"loc": 1.0}, lambda t: dist.Normal(t["loc"], 1.0))
    with pytest.raises(NonFinite, match=r"step 0: the objective is -inf: executions died at wait, proposed outside"):
        fit(waiting(dist.Gamma(2.0, 1.0)), by(near), steps=3, draws=32)
    assert len(fit(waiting(dist.Gamma(2.0, 1.0)), by(near), steps=3, draws=4, objective=wake(8)).losses) == 3


METHODS = [
    lambda p, g: fit(p, g, steps=2), lambda p, g: infer(p, SMC(4, proposal=g)),
    lambda p, g: infer(p, Importance(4, proposal=g)), lambda p, g: infer(p, Importance(4, proposal=g.proposer)),
]


@pytest.mark.parametrize("method", METHODS, ids=["fit", "SMC", "Importance", "guide ahead"])
def test_probabilities_for_densities(method: Any) -> None:
    """A coin for a normal, and the other way round: their ratio is no weight, and log Z would come out wrong."""
    with pytest.raises(OutsideSupport, match=r"'wait' in .*Normal\(0.0, 1.0\) has a density.*coin\(\) probabilities.*"
                                             "Propose from a continuous"):
        method(waiting(dist.Normal(0.0, 1.0)), by(COIN))
    with pytest.raises(OutsideSupport, match=r"'wait' in .*has probabilities.*Propose from a discrete"):
        method(waiting(dist.Bernoulli(0.3)), by(NORMAL))
    with pytest.raises(OutsideSupport, match=r"'wait' in .*Propose from a continuous"):
        method(waiting(dist.Normal(0.0, 1.0)), by(LM.next("")))


def test_kinds_that_agree_pass() -> None:
    """Other families of the same kind are no mistake: the ratio of their densities corrects."""
    for target, proposal in (
        (dist.Normal(0.0, 1.0), dist.Laplace(0.0, 1.0)), (dist.Categorical(probs=np.ones(3) / 3), LM.next("")),
    ):
        found = infer(waiting(target), Importance(100, proposal=by(proposal)), seed=1)
        exact = infer(waiting(target), Importance(1)).log_evidence  # the observation does not depend on the choice
        assert abs(found.log_evidence - exact) < 4.5 * found.log_evidence_error


def test_texts_and_plain_choices() -> None:
    """A text cannot be proposed by a plain distribution, nor a plain choice by a text."""
    text = LM.text("", max_tokens=3)
    for target, proposal in ((text, COIN), (text, LM.next("")), (dist.Normal(0.0, 1.0), text)):
        with pytest.raises(NotADistribution, match=r"sample\('wait'\): the proposal of a text must be a text"):
            fit(waiting(target), by(proposal), steps=2)


def test_a_guide_that_adds_a_site() -> None:
    """It is named, in the guide and at its address; a site that a guide leaves out is drawn by the program."""
    q = family()

    @program
    async def adds() -> None:
        await sample(q(0, END), "x")
        await sample(COIN(), "extra")

    for method in METHODS[:2]:
        with pytest.raises(UnknownAddress, match=r"'adds'.*waits at 'extra', which the program did not ask for"):
            method(walk(), Guide(adds(), q, COIN))

    @program
    async def leaves_out() -> None:
        return

    assert infer(walk(), SMC(8, proposal=Guide(leaves_out(), q))).ess > 1


class DrawOnly(TableLM):
    """A model behind an interface that gives texts and no log-probabilities."""

    capabilities: ClassVar[frozenset[str]] = frozenset({"draw"})

    def __repr__(self) -> str:
        return "<DrawOnly>"


@pytest.mark.parametrize("where", ["choice", "text", "observation", "guide"])
def test_a_model_that_cannot_score(where: str) -> None:
    """Objectives are functions of log-probabilities: a model that has none is refused by name, at its site."""
    mute = DrawOnly.random(3, seed=1)

    @program
    async def story() -> None:
        await sample((mute if where == "choice" else LM).next(""), "token")
        await sample((mute if where == "text" else LM).text("", max_tokens=2), "text")
        if where == "observation":
            await observe(mute.text("", max_tokens=2), "a", "seen")

    @program
    async def telling() -> None:
        await sample((mute if where == "guide" else LM).next(""), "token")

    site = {"choice": "sample 'token'", "text": "sample 'text", "observation": "observe 'seen'", "guide": "'token'"}
    with pytest.raises(CannotScore, match=f"{site[where]}.*needs log-probabilities, and <DrawOnly> has none.*draw"):
        fit(story(), Guide(telling()), steps=2)


def test_gradients_that_are_not_finite() -> None:
    """sqrt has no finite slope at 0: the error names step, parameter and site, and the parameters are those of the
    step before."""
    steep = Family("steep", {"a": 1.0}, lambda t: dist.Normal(jnp.sqrt(t["a"] - 1.0), 1.0))
    with pytest.raises(NonFinite, match=r"step 0: the gradient of steep\['a'\] is not finite.*the sites wait"):
        fit(waiting(dist.Normal(0.0, 1.0)), by(steep), steps=3)
    assert float(steep.params["a"]) == 1.0


def test_losses_that_are_not_finite() -> None:
    """An execution that a condition rules out: the ELBO is -inf; the error names the step and the site that killed it.
    """
    with pytest.raises(NonFinite, match=r"step \d+: the objective is -inf: executions died at condition.*wake"):
        fit(walk(False), guide(family()), steps=50)

    def broken(model: Any, guide: Any) -> Any:
        return elbo(model, guide) * jnp.inf

    with pytest.raises(NonFinite, match="step 0: the objective is"):
        fit(walk(), guide(family()), steps=2, objective=broken)


def test_an_infinite_factor_is_named() -> None:
    """A reward that is NaN is an error of the program, at its factor, not of the fit."""

    @program
    async def rewarded() -> None:
        x = await sample(dist.Normal(0.0, 1.0), "wait")
        await factor(float(np.log(np.maximum(x, np.nan))), "reward")

    with pytest.raises(ValueError, match=r"factor 'reward'.*nan"):
        fit(rewarded(), by(dist.Normal(0.0, 1.0)), steps=2)


