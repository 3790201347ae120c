"""Particle Gibbs, particle-marginal MH and rejuvenation against enumeration, on models that are hard on samplers."""

from __future__ import annotations

import pytest

from steersman.inference import SMC, Kernel, ParticleGibbs, ParticleMarginalMH, infer, mix, particle_gibbs, site, suffix
from steersman.inference.kernels.particle_marginal import particle_marginal
from steersman.inference.testing import (
    OracleModel,
    check_chain,
    check_kernel,
    check_method,
    crossroads_model,
    letters_model,
    sentence_model,
    stanza_model,
    telegram_model,
)

MODELS = [sentence_model("proposal"), sentence_model("twist"), crossroads_model(), stanza_model("sub"),
          stanza_model("unfold"), letters_model("proposal")]


@pytest.mark.parametrize("model", [sentence_model("twist"), crossroads_model()], ids=lambda m: m.name)
@pytest.mark.parametrize("ancestors", [False, True], ids=["plain", "ancestor sampling"])
def test_a_sweep_leaves_the_target_invariant(model: OracleModel, ancestors: bool) -> None:
    """From exact draws one conditional sweep leads to exact draws: texts that end early, twists, particles that die."""
    kernel = particle_gibbs(4, ancestor_sampling=ancestors)
    report = check_kernel(kernel, model, chains=500, steps=1, reversible=not ancestors, seed=1)
    assert report.passed, report


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS, ids=lambda m: m.name)
@pytest.mark.parametrize("particles", [2, 4, 8])
@pytest.mark.parametrize("ancestors", [False, True], ids=["plain", "ancestor sampling"])
def test_sweeps_leave_the_target_invariant(model: OracleModel, particles: int, ancestors: bool) -> None:
    """The same for every N, and every model."""
    kernel = particle_gibbs(particles, ancestor_sampling=ancestors)
    report = check_kernel(kernel, model, chains=2000, steps=2, reversible=not ancestors, seed=particles)
    assert report.passed, report


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["emission", "telescoping"])
def test_particle_gibbs_with_a_process_reward(mode: str) -> None:
    """S011: both modes are sampled exactly, each from its own posterior."""
    report = check_chain(ParticleGibbs(8, 1, chains=1000, warmup=15), telegram_model(mode), seed=2)
    assert report.passed, report


@pytest.mark.parametrize("names", [(), ("first",)], ids=["independent", "marginal"])
def test_particle_marginal_leaves_the_target_invariant(names: tuple[str, ...]) -> None:
    """Zhat(theta') / Zhat(theta) with few particles: the posterior of (theta, x) is exact all the same."""
    kernel = particle_marginal(4, *names)
    report = check_kernel(kernel, crossroads_model(), chains=400, steps=1, reversible=False, seed=3)
    assert report.passed, report


@pytest.mark.slow
def test_particle_marginal_chain() -> None:
    """From sweeps, with warm-up, to the posterior."""
    report = check_chain(ParticleMarginalMH(8, 1, parameters=["first"], chains=500, warmup=60), crossroads_model())
    assert report.passed, report


@pytest.mark.parametrize("move", [suffix(), site()], ids=lambda k: k.name)
def test_rejuvenation_keeps_log_z_unbiased(move: Kernel) -> None:
    """E[Zhat] = Z and proper weighting of resample-move SMC."""
    report = check_method(SMC(6, rejuvenate=move), sentence_model("twist"), runs=200, error_bars=False)
    assert report.passed, report


@pytest.mark.slow
@pytest.mark.parametrize("at", ["weight", "token"])
@pytest.mark.parametrize("model", MODELS, ids=lambda m: m.name)
def test_rejuvenation_on_hard_models(model: OracleModel, at: str) -> None:
    """The same at every stop, for texts that are half drawn and particles that finish early."""
    method = SMC(6, rejuvenate=mix(suffix(), site()), resample_at=at)
    report = check_method(method, model, runs=300, error_bars=False, seed=5)
    assert report.passed, report


def test_a_reference_costs_nothing() -> None:
    """A sweep of N particles draws the tokens of N - 1 executions."""
    fixed = stanza_model("flat").program
    posterior = infer(fixed, ParticleGibbs(5, 20, warmup=0), seed=1)
    alone = infer(fixed, SMC(4, ess_threshold=0.0), seed=1)
    assert posterior.cost.tokens / 20 < 1.8 * alone.cost.tokens
