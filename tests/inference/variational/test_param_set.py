"""Parameters of guide programs: score and path gradients are unbiased for the gradient of the ELBO, in closed form or
by quadrature."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from steersman.inference import Importance, infer
from steersman.inference.testing.report import z_score
from steersman.inference.variational import Guide, fit
from steersman.inference.variational.estimators import has_path, param_path_gradient
from steersman.inference.variational.param_set import ParamSet, ParamSite
from steersman.ppl import (
    Key,
    Particle,
    ProgramError,
    TracedControlFlow,
    advance,
    call,
    dist,
    observe,
    param,
    program,
    sample,
    simulate,
)

POSITIVE = dist.constraints.positive
REPETITIONS, DRAWS = 400, 4


@program
async def model() -> Any:
    x = await sample(dist.Normal(0.0, 2.0), "x")
    y = await sample(dist.Normal(0.8 * x + 0.3, 1.0), "y")
    await observe(dist.Normal(x - y, 0.7), 0.9)
    return x, y


@program
async def guide() -> Any:
    loc = await param("loc", 0.2)
    x = await sample(dist.Normal(loc, await param("scale", 0.7, POSITIVE)), "x")
    slope = await param("slope", -0.3)
    await sample(dist.Normal(slope * x + loc, await param("noise", 0.5, POSITIVE)), "y")


def log_joint(x: Any, y: Any) -> Any:
    norm = jax.scipy.stats.norm.logpdf
    return norm(x, 0.0, 2.0) + norm(y, 0.8 * x + 0.3, 1.0) + norm(0.9, x - y, 0.7)


def elbo(params: Any) -> Any:
    """By Gauss-Hermite quadrature, exact for these quadratics; the parameters are unconstrained."""
    z, w = np.polynomial.hermite_e.hermegauss(8)
    a, b = (g.ravel() for g in np.meshgrid(z, z))
    w = np.outer(w, w).ravel() / (2 * math.pi)
    scale, noise = jnp.exp(params["scale"]), jnp.exp(params["noise"])
    x = params["loc"] + scale * a
    y = params["slope"] * x + params["loc"] + noise * b
    entropy = params["scale"] + params["noise"] + 1 + math.log(2 * math.pi)
    return w @ log_joint(x, y) + entropy


def executions(params: ParamSet, target: Any, n: int, seed: int) -> tuple[list[Any], Any]:
    """Traces of the program with the choices of the guide, and log p - log q."""
    guides = [Particle(params.program, slot) for slot in range(n)]
    advance(guides, Key(seed))
    choices = [p.trace.choices() for p in guides]  # type: ignore[union-attr]
    particles = [Particle(target, slot) for slot in range(n)]
    advance(particles, Key(seed), choose=lambda p: (True, choices[p.slot][p.address]))
    gaps = [p.log_weight - g.trace.log_joint for p, g in zip(particles, guides, strict=True)]  # type: ignore[union-attr]
    return [p.trace for p in particles], np.array(gaps)


def z_scores(found: list[Any], exact: Any) -> Any:
    return np.array([z_score([g[k] for g in found], float(exact[k])) for k in exact])


def check(z: Any) -> None:
    """max |z| < 4; of many, rms z in [.8, 1.2]."""
    assert np.abs(z).max() < 4, z
    assert len(z) < 30 or 0.8 < np.sqrt(np.mean(z**2)) < 1.2, z


def moved(params: ParamSet, seed: int) -> None:
    simulate(params.program)
    rng = np.random.default_rng(seed)
    params.params = {k: v + 0.3 * rng.normal(size=v.shape) for k, v in params.params.items()}


@pytest.mark.parametrize("seeds", [1, pytest.param(8, marks=pytest.mark.slow)])
def test_score_is_unbiased(seeds: int) -> None:
    """E[(log p - log q) grad log q] is the gradient of the ELBO; grad log q alone has mean zero."""
    z = []
    for seed in range(seeds):
        params = ParamSet(guide())
        moved(params, seed)
        exact = jax.grad(elbo)({k: jnp.asarray(v) for k, v in params.params.items()})
        traces, gaps = executions(params, model(), REPETITIONS * DRAWS, seed)
        found, zeros = [], []
        for r in range(REPETITIONS):
            those = range(r * DRAWS, (r + 1) * DRAWS)
            members = [ParamSite(traces[k], (name, 0), "q") for k in those for name in "xy"]
            found.append(params.gradient(members, [], np.repeat(gaps[list(those)], 2) / DRAWS))
            zeros.append(params.gradient(members, [], np.ones(2 * DRAWS)))
        z += [z_scores(found, exact), z_scores(zeros, dict.fromkeys(exact, 0.0))]
    check(np.concatenate(z))


@pytest.mark.parametrize("seeds", [1, pytest.param(8, marks=pytest.mark.slow)])
def test_path_is_unbiased(seeds: int) -> None:
    """The gradient along the path, 400 repetitions for each guide."""
    z = []
    target = model()
    for seed in range(seeds):
        params = ParamSet(guide())
        moved(params, seed)
        exact = jax.grad(elbo)({k: jnp.asarray(v) for k, v in params.params.items()})
        traces, _ = executions(params, target, REPETITIONS * DRAWS, seed)
        a = np.full(DRAWS, 1 / DRAWS)
        found = [
            param_path_gradient(params, traces[k : k + DRAWS], a, -a, program=target)["params"]
            for k in range(0, len(traces), DRAWS)
        ]
        z.append(z_scores(found, exact))
    check(np.concatenate(z))


def test_path_is_narrower_than_the_score() -> None:
    """It has less variance; and without log q it is off."""
    params, target = ParamSet(guide()), model()
    moved(params, 9)
    exact = jax.grad(elbo)({k: jnp.asarray(v) for k, v in params.params.items()})
    traces, gaps = executions(params, target, 1000, 1)
    one = np.ones(1)
    path = [param_path_gradient(params, [t], one, -one, program=target)["params"] for t in traces]
    mutant = [param_path_gradient(params, [t], one, 0 * one, program=target)["params"] for t in traces]
    score = [params.gradient([ParamSite(t, (n, 0), "q") for n in "xy"], [], np.full(2, g))
             for t, g in zip(traces, gaps, strict=True)]
    assert np.var([g["loc"] for g in path]) < 0.5 * np.var([g["loc"] for g in score])
    assert np.abs(z_scores(mutant, exact)).max() > 8


@program
async def rate_model() -> Any:
    r = await sample(dist.Gamma(2.0, 1.0), "r")
    for gap in (0.4, 0.9, 1.7):
        await observe(dist.Exponential(r), gap)
    return r


@program
async def rate_guide() -> Any:
    a = await param("a", 3.0, POSITIVE)
    await sample(dist.Gamma(a, await param("b", 1.5, POSITIVE)), "r")


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [1, pytest.param(8, marks=pytest.mark.slow)])
def test_implicit_gradient_of_gamma(seeds: int) -> None:
    """A guide without location and scale, against quadrature; at the posterior, Gamma(5, 4), the ELBO is log Z."""
    t = jnp.linspace(-9.0, 5.0, 1401)
    r, w = jnp.exp(t), jnp.exp(t) * (t[1] - t[0])

    def elbo(params: Any) -> Any:
        gamma = jax.scipy.stats.gamma.logpdf
        log_q = gamma(r, jnp.exp(params["a"]), scale=jnp.exp(-params["b"]))
        log_p = gamma(r, 2.0) + 3 * jnp.log(r) - 3.0 * r
        return jnp.sum(w * jnp.exp(log_q) * (log_p - log_q))

    log_z = math.lgamma(5) - 5 * math.log(4.0)
    assert float(elbo({"a": math.log(5.0), "b": math.log(4.0)})) == pytest.approx(log_z, abs=1e-4)
    z = []
    for seed in range(seeds):
        params = ParamSet(rate_guide())
        moved(params, seed)
        exact = jax.grad(elbo)({k: jnp.asarray(v) for k, v in params.params.items()})
        traces, _ = executions(params, rate_model(), 1600, seed)
        a, target = np.full(4, 0.25), rate_model()
        found = [param_path_gradient(params, traces[k : k + 4], a, -a, program=target)["params"]
                 for k in range(0, 1600, 4)]
        z.append(z_scores(found, exact))
    check(np.concatenate(z))


@program
async def mixture_guide() -> Any:
    x = await sample(dist.Normal(await param("m", 0.5), await param("s", 1.0, POSITIVE)), "x")
    await sample(dist.Bernoulli(logits=await param("l", 0.1) + await param("k", 0.4) * x), "c")


@program
async def mixture_in_order() -> Any:
    """The same joint with x chosen first."""
    x = await sample(dist.Normal(0.0, 3.0), "x")
    c = await sample(dist.Bernoulli(0.4), "c")
    await observe(dist.Normal(2.0 * c - x, 1.0), 0.0)
    return c


@pytest.mark.parametrize("seeds", [1, pytest.param(8, marks=pytest.mark.slow)])
def test_scores_of_the_rest_go_along(seeds: int) -> None:
    """Choices without a path contribute their score as `more`; with it the gradient is that of quadrature."""
    def elbo(params: Any) -> Any:
        z, w = np.polynomial.hermite_e.hermegauss(60)
        w = w / w.sum()
        x = params["m"] + jnp.exp(params["s"]) * z
        log_qx = jax.scipy.stats.norm.logpdf(x, params["m"], jnp.exp(params["s"]))
        total = 0.0
        for c, prior in ((0, math.log(0.6)), (1, math.log(0.4))):
            log_c = -jax.nn.softplus((1 - 2 * c) * (params["l"] + params["k"] * x))
            log_p = (jax.scipy.stats.norm.logpdf(x, 0.0, 3.0) + prior
                     + jax.scipy.stats.norm.logpdf(0.0, 2.0 * c - x, 1.0))
            total += w @ (jnp.exp(log_c) * (log_p - log_c - log_qx))
        return total

    z = []
    for seed in range(seeds):
        params = ParamSet(mixture_guide())
        moved(params, seed)
        exact = jax.grad(elbo)({k: jnp.asarray(v) for k, v in params.params.items()})
        target = mixture_in_order()
        traces, gaps = executions(params, target, 1600, seed)
        a = np.full(4, 0.25)
        found = [
            param_path_gradient(params, traces[k : k + 4], a, -a, program=target,
                                more=[{("c", 0): g / 4} for g in gaps[k : k + 4]])["params"]
            for k in range(0, 1600, 4)
        ]
        z.append(z_scores(found, exact))
    check(np.concatenate(z))


def test_parameters_of_the_program_itself() -> None:
    """Role "p": the gradient of log p of choices and observations, here with calls and a sub-program, by hand."""
    @program
    async def inner(scale: float) -> Any:
        return await sample(dist.Normal(0.0, scale), "v")

    @program
    async def learnt() -> Any:
        scale = await param("scale", 1.5, POSITIVE)
        v = await inner(scale)
        shift = await call(lambda t: 2.0 * t, v, name="double")
        await observe(dist.Normal(shift + await param("bias", np.zeros(2)), 0.5).to_event(1), np.array([0.3, -0.2]))

    params = ParamSet(learnt())
    trace: Any = simulate(params.program, 3).trace
    v = trace["inner/v"]
    members = [ParamSite(trace, a, "p") for a, s in trace.outer_sites() if s.kind in ("sample", "observe")]
    found = params.gradient(members, [], np.array([2.0, 1.0]))
    assert found["scale"] == pytest.approx(2.0 * ((v / 1.5) ** 2 - 1), rel=1e-4)
    np.testing.assert_allclose(found["bias"], (np.array([0.3, -0.2]) - 2 * v) / 0.25, rtol=1e-4)
    assert params.value("scale") == pytest.approx(1.5) and params.params["bias"].shape == (2,)


@program
async def short() -> Any:
    """Posterior N(.6, .2)."""
    m = await sample(dist.Normal(0.0, 1.0), "m")
    await observe(dist.Normal(m, 0.5), 0.75)
    return m


@program
async def short_guide() -> Any:
    scale = await param("scale", 3.0, POSITIVE)
    await sample(dist.Normal(await param("loc", -1.0), scale), "m")


def test_a_guide_program_is_fitted() -> None:
    """Location and scale reach the posterior from far away; the corrected evidence has no variance left."""
    guide = Guide(short_guide())
    params: Any = guide.trainables[0]
    rate = optax.cosine_decay_schedule(0.2, 300)
    fit(short(), guide, steps=300, draws=16, optimiser=optax.adam(rate, b2=0.98))
    assert params.value("loc") == pytest.approx(0.6, abs=0.02)
    assert params.value("scale") == pytest.approx(math.sqrt(0.2), abs=0.02)
    posterior = infer(short(), Importance(50, proposal=guide))
    log_z = -0.5 * math.log(2 * math.pi * 1.25) - 0.5 * 0.75**2 / 1.25
    assert posterior.log_evidence == pytest.approx(log_z, abs=0.02)


def test_what_has_a_path() -> None:
    """Elementwise laws whose distribution function JAX can differentiate."""
    for d in (dist.Normal(0.0, 1.0), dist.Gamma(2.0, 1.0), dist.Uniform(0.0, 1.0), dist.Laplace(0.0, 1.0),
              dist.Normal(jnp.zeros(3), 1.0).to_event(1)):
        assert has_path(d), d
    for d in (dist.Bernoulli(0.4), dist.Dirichlet(np.ones(3)), dist.Delta(0.0)):
        assert not has_path(d), d


def test_bad_parameters() -> None:
    """Each error names the parameter, and what it should have been."""
    @program
    async def outside() -> Any:
        await sample(dist.Normal(0.0, await param("scale", -1.0, POSITIVE)), "x")

    with pytest.raises(ProgramError, match=r"'scale'.*-1.0 is not inside"):
        simulate(ParamSet(outside()).program)

    @program
    async def words() -> Any:
        await param("word", "hello")

    with pytest.raises(ProgramError, match="begins as a number"):
        simulate(ParamSet(words()).program)

    @program
    async def branching() -> Any:
        loc = await param("loc", 0.5)
        await sample(dist.Normal(1.0 if loc > 0 else 0.0, 1.0), "x")

    params = ParamSet(branching())
    trace: Any = simulate(params.program).trace
    with pytest.raises(TracedControlFlow, match="parameter"):
        params.gradient([ParamSite(trace, ("x", 0), "q")], [], np.ones(1))
    with pytest.raises(KeyError, match="'nothing'"):
        params.value("nothing")
