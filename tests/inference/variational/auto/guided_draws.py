"""Executions whose choices an automatic guide proposes, and models with known answers."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
import numpyro.distributions as numpyro_dist

from steersman.ppl import Key, Particle, advance, dist, observe, program, sample

Y1, Y2 = 0.9, -0.4


@program
async def chain() -> Any:
    """Jointly normal, so that posterior, evidence and ELBO have closed forms."""
    x = await sample(dist.Normal(0.0, 2.0), "x")
    y = await sample(dist.Normal(0.8 * x + 0.3, 1.0), "y")
    await observe(dist.Normal(x - y, 0.7), Y1)
    await observe(dist.Normal(y, 1.5), Y2)
    return x, y


def log_joint_of_chain(u: Any) -> Any:
    normal = numpyro_dist.Normal
    x, y = u
    return (normal(0.0, 2.0).log_prob(x) + normal(0.8 * x + 0.3, 1.0).log_prob(y)
            + normal(x - y, 0.7).log_prob(Y1) + normal(y, 1.5).log_prob(Y2))


# log p(u) = c - (u - MODE)' PRECISION (u - MODE) / 2, written out: rows of the design are x/2, y - .8 x - .3, ...
_DESIGN = np.array([[1 / 2.0, 0.0], [-0.8, 1.0], [1 / 0.7, -1 / 0.7], [0.0, 1 / 1.5]])
_TARGET = np.array([0.0, 0.3, Y1 / 0.7, Y2 / 1.5])
PRECISION = _DESIGN.T @ _DESIGN
MODE = np.linalg.solve(PRECISION, _DESIGN.T @ _TARGET)
COVARIANCE = np.linalg.inv(PRECISION)
_RESIDUAL = float(np.sum((_TARGET - _DESIGN @ MODE) ** 2))
LOG_AT_MODE = -0.5 * _RESIDUAL - np.log([2.0, 1.0, 0.7, 1.5]).sum() - 2.0 * np.log(2.0 * np.pi)
LOG_EVIDENCE = LOG_AT_MODE + np.log(2.0 * np.pi) + 0.5 * np.linalg.slogdet(COVARIANCE)[1]


@program
async def supports() -> Any:
    """The half-line, and an interval that depends on a choice."""
    s = await sample(dist.HalfNormal(1.5), "s")
    w = await sample(dist.Uniform(-s, 1.0 + s * s), "w")
    g = await sample(dist.Gamma(2.0, 1.0 + s), "g")
    await observe(dist.StudentT(4.0, w * g, 0.6), 0.7)
    return s, w, g


def log_joint_of_supports(s: Any, w: Any, g: Any) -> Any:
    return (numpyro_dist.HalfNormal(1.5).log_prob(s) - jnp.log(1.0 + s * s + s)
            + numpyro_dist.Gamma(2.0, 1.0 + s).log_prob(g) + numpyro_dist.StudentT(4.0, w * g, 0.6).log_prob(0.7))


@program
async def simplex() -> Any:
    """Three probabilities and five words that they explain."""
    q = await sample(dist.Dirichlet(jnp.array([1.0, 2.0, 1.5])), "q")
    for word in (0, 1, 1, 2, 1):
        await observe(dist.Categorical(probs=q), word)
    return q


def draw(guide: Any, model: Any, n: int, seed: int = 0) -> list[Particle]:
    """Executions of the program with the guide's distributions as proposals."""
    particles = [Particle(model, slot) for slot in range(n)]
    asked: dict[int, dict[Any, Any]] = {p.serial: {} for p in particles}

    def choose(p: Particle) -> tuple[bool, Any]:
        effect: Any = p.pending
        values = p.partial_trace().choices()
        chosen = {a: (d, values[a]) for a, d in asked[p.serial].items() if a[:-2] == p.address[:-2]}
        effect.proposal = guide.at(p.address, effect.dist, chosen)
        asked[p.serial][p.address] = effect.dist
        return False, None

    advance(particles, Key(seed), choose=choose)
    return particles


def started(kind: Any, model: Any, seed: int) -> Any:
    """A guide with random parameters; scales are near .3, as gradients have tails that are too heavy for a z at larger
    ones: those of exp(2 u), u normal, do."""
    guide = kind(model)
    guide.initialise(executions=1)
    rng = np.random.default_rng(seed)
    middle = {"loc": 0.0, "raw_scale": -1.1, "lower": 0.0}
    guide.params = {
        part: {k: middle[part] + 0.4 * rng.normal(size=v.shape) for k, v in row.items()}
        for part, row in guide.params.items()
    }
    return guide


def log_q(particle: Particle) -> float:
    assert particle.trace is not None
    return float(sum(s.log_q for s in particle.trace.choice_sites().values()))


def gauss_hermite(nodes: int, dimensions: int) -> tuple[Any, Any]:
    """Nodes [n, d] and weights [n] of expectations under N(0, I)."""
    x, w = np.polynomial.hermite_e.hermegauss(nodes)
    grid = np.stack([g.ravel() for g in np.meshgrid(*[x] * dimensions, indexing="ij")], -1)
    weights = np.prod([g.ravel() for g in np.meshgrid(*[w / w.sum()] * dimensions, indexing="ij")], 0)
    return grid, weights
