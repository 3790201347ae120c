"""Importance sampling: unbiased weights, guide programs, batches."""

from __future__ import annotations

import math

import numpy as np
import pytest
from perfect_guide import perfectly_guided

from steersman.inference import AllParticlesDead, Importance, infer
from steersman.inference.testing import (
    OracleModel,
    check_measure,
    check_method,
    exhaustive_measure,
    letters_model,
    oracle_models,
    rare_set,
    sentence_model,
    small_model,
    target_measure,
)
from steersman.models import TableLM
from steersman.ppl import InvalidWeight, UnknownAddress, condition, factor, program, sample
from steersman.ppl.program import Program

LM = TableLM.random(4, seed=3, scale=1.0)
GUIDE = TableLM.random(4, seed=8, scale=0.7)


@program
async def story() -> tuple[int, ...]:
    first = await sample(LM.next(""), "first")
    await condition(first != 1, "not one")
    rest = await sample(LM.text(LM.context() + first, max_tokens=2), "rest")
    await factor(0.8 * len(rest.tokens) - (first == 2))
    return (first, *rest.tokens)


@program
async def guide() -> None:
    """Other probabilities, the same addresses; the text from another model."""
    await sample(LM.next("").masked([0, 2, 3]).tempered(1.5), "first")
    await sample(GUIDE.text("a", max_tokens=2, temperature=1.2), "rest")


@program
async def short_guide() -> None:
    await sample(LM.next("").masked([0, 2, 3]), "first")


STATISTICS = {"two": lambda v: float(v[0] == 2), "tokens": lambda v: float(len(v)), "ones": lambda v: float(v.count(1))}


@pytest.mark.parametrize("model", oracle_models(), ids=lambda m: m.name)
def test_unbiased_on_every_oracle_model(model: OracleModel) -> None:
    """E[Zhat sum_i W_i f(v_i)] = Z E[f], the error bar is calibrated, and every population is well formed."""
    report = check_method(Importance(4), model, runs=400)
    assert report.passed, report


@pytest.mark.parametrize("how", ["prior", "proposal", "twist"])
@pytest.mark.parametrize("particles", [1, 2])
def test_exhaustively_proper(how: str, particles: int) -> None:
    """Summed over all that the proposals can draw, the weighted values are the target measure, to 1e-5."""
    report = check_measure(lambda resample: Importance(particles), small_model(how))
    assert report.passed, report


def test_rare_valid_token_is_unbiased() -> None:
    """A valid token of mass 1e-6 has its exact share: nothing is truncated, nothing underflows."""
    strings = rare_set(1e-6)
    model = strings.model(masked=True)
    found = exhaustive_measure(lambda resample: Importance(1), model)
    assert found == pytest.approx({s: strings.mass(s) for s in strings.weights}, rel=1e-9)
    assert found["b"] == pytest.approx(target_measure(model)["b"], rel=1e-9)


@pytest.mark.parametrize("proposal", [guide, short_guide], ids=["full", "partial"])
def test_guide_program(proposal: Program[[], None]) -> None:
    """A guide draws some or all sites; the weight is divided by its density and the target stays what it was."""
    model = OracleModel("guided", lambda wrap: story(), STATISTICS)
    for method in (Importance(1, proposal=proposal()), Importance(8, proposal=proposal)):
        report = check_method(method, model, runs=400)
        assert report.passed, report


def test_perfect_guide_has_no_variance() -> None:
    """Drawing from the posterior itself gives every particle the weight Z."""
    target, perfect, exact = perfectly_guided(LM)
    posterior = infer(target, Importance(50, proposal=perfect))
    assert posterior.log_weights + math.log(50) == pytest.approx(np.full(50, exact.log_evidence))
    assert posterior.ess == pytest.approx(50)
    assert posterior.log_evidence_error == pytest.approx(0.0, abs=1e-7)


def test_guide_must_meet_the_program() -> None:
    """A choice of the guide that the program never asks for is named."""

    @program
    async def astray() -> None:
        await sample(LM.next(""), "elsewhere")

    with pytest.raises(UnknownAddress, match="elsewhere"):
        infer(story, Importance(4, proposal=astray))


def test_guide_only_draws() -> None:
    """A guide that weighs or dies would change the target without anybody noticing: it is refused."""

    @program
    async def weighing() -> None:
        await sample(LM.next(""), "first")
        await factor(1.0)

    @program
    async def dying() -> None:
        await condition(False)

    for bad in (weighing, dying):
        with pytest.raises(InvalidWeight, match="guide only draws"):
            infer(story, Importance(4, proposal=bad))


def test_evidence_is_the_mean_weight() -> None:
    """Zhat = (1/N) sum w_i, over all N, the dead included."""
    posterior = infer(sentence_model().program, Importance(64), seed=3)
    dead = [t is None for t in posterior.traces]
    assert 0 < sum(dead) < 64
    assert posterior.log_weights[dead] == pytest.approx(-math.inf)
    factors = [sum(s.log_p for _, s in t.walk() if s.kind == "factor") for t in posterior.traces if t is not None]
    assert math.exp(posterior.log_evidence) == pytest.approx(sum(map(math.exp, factors)) / 64)


def test_more_particles_extend_fewer() -> None:
    """What a slot draws does not depend on the size of the population."""
    few = infer(letters_model().program, Importance(5), seed=1)
    many = infer(letters_model().program, Importance(9, batch=4), seed=1)
    assert many.values[:5] == few.values


def test_all_dead() -> None:
    """Every particle dead: counted by site, and the posterior goes with the error."""

    @program
    async def impossible() -> None:
        token = await sample(LM.next(""), "token")
        await condition(token > 9, "too much")

    with pytest.raises(AllParticlesDead, match=r"too much \(7\)") as error:
        infer(impossible, Importance(7))
    assert error.value.killed == {"too much": 7}
    assert len(error.value.posterior) == 7
