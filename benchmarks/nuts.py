"""What gradients cost: a density of many sites, and NUTS against the same model written in NumPyro.

    python benchmarks/nuts.py

Logistic regression on one number, a site for each observation ("loop") or one for all of them ("array"). The densities
are compared with a sum over sites as one would write it in JAX ("site by site"), and with the sum after each family has
been evaluated at once ("family by family"). Times are from one process; what is compared is the ratios.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpyro  # type: ignore[import-untyped]
import numpyro.distributions as numpyro_dist  # type: ignore[import-untyped]

from steersman.inference import NUTS, infer
from steersman.ppl import dist, observe, program, sample, simulate
from steersman.ppl.density import log_density
from steersman.ppl.density.evaluate import log_density as evaluate

SITES = 100
CHAINS = 32
WARMUP = 200
_rng = np.random.default_rng(0)
X = _rng.normal(size=SITES)
Y = (_rng.random(SITES) < 1 / (1 + np.exp(-(0.5 + 1.2 * X)))).astype(int)


@program
async def loop() -> tuple[Any, Any]:
    a = await sample(dist.Normal(0.0, 2.0), "a")
    b = await sample(dist.Normal(0.0, 2.0), "b")
    for x, y in zip(X.tolist(), Y.tolist(), strict=True):
        await observe(dist.Bernoulli(logits=a + b * x), y)
    return a, b


@program
async def array() -> tuple[Any, Any]:
    a = await sample(dist.Normal(0.0, 2.0), "a")
    b = await sample(dist.Normal(0.0, 2.0), "b")
    await observe(dist.Bernoulli(logits=a + b * X), Y)
    return a, b


def in_numpyro() -> None:
    a = numpyro.sample("a", numpyro_dist.Normal(0.0, 2.0))
    b = numpyro.sample("b", numpyro_dist.Normal(0.0, 2.0))
    numpyro.sample("y", numpyro_dist.Bernoulli(logits=a + b * X), obs=Y)


def site_by_site(z: Any) -> Any:
    total = numpyro_dist.Normal(0.0, 2.0).log_prob(z[0]) + numpyro_dist.Normal(0.0, 2.0).log_prob(z[1])
    for x, y in zip(X.tolist(), Y.tolist(), strict=True):
        total = total + numpyro_dist.Bernoulli(logits=z[0] + z[1] * x).log_prob(y)
    return total


def family_by_family(z: Any) -> Any:
    logits = jnp.stack([z[0] + z[1] * x for x in X.tolist()])
    return numpyro_dist.Normal(0.0, 2.0).log_prob(z).sum() + numpyro_dist.Bernoulli(logits=logits).log_prob(Y).sum()


def ours(model: Any) -> Callable[[Any], Any]:
    trace = simulate(model()).trace
    assert trace is not None
    density = log_density(trace, ["a", "b"])
    arguments, weights = density.arguments(dict(trace.outer_sites())), density.weights()
    return lambda z: evaluate(density.layout, z, arguments, weights)[1]


def seconds(run: Callable[[], Any]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def densities() -> None:
    print(f"log density and gradient of {SITES} observations: seconds to compile, microseconds each")
    for name, make in (
        ("site by site", lambda: site_by_site), ("family by family", lambda: family_by_family),
        ("loop", lambda: ours(loop)), ("array", lambda: ours(array)),
    ):
        z = jnp.array([0.3, 0.9])
        made: list[Any] = []

        def compile_it(make: Any = make, made: list[Any] = made, z: Any = z) -> None:
            made.append(jax.jit(jax.value_and_grad(make())))
            made[0](z)[0].block_until_ready()

        compiling = seconds(compile_it)
        each = min(seconds(lambda f=made[0], z=z: f(z)[0].block_until_ready()) for _ in range(500))  # type: ignore[misc]
        print(f"  {name:20s} {compiling:8.2f} {1e6 * each:8.0f}")


def transitions() -> None:
    """Rates after the warm-up: what a longer run takes more than a shorter one. The seconds are those of the first,
    shorter run: they are mostly compiling."""
    print(f"NUTS, {CHAINS} chains: seconds of a first run, transitions a second, ratio to NumPyro")

    def with_numpyro(steps: int) -> None:
        mcmc = numpyro.infer.MCMC(
            numpyro.infer.NUTS(in_numpyro), num_warmup=WARMUP, num_samples=steps, num_chains=CHAINS,
            chain_method="vectorized", progress_bar=False,
        )
        mcmc.run(jax.random.key(0))
        jax.block_until_ready(mcmc.get_samples())

    def with_ours(model: Any, thin: int) -> Callable[[int], Any]:
        return lambda steps: infer(model(), NUTS(CHAINS, steps, warmup=WARMUP, thin=thin), progress=False)

    few, reference = 100, None
    for name, run, many in (
        ("NumPyro", with_numpyro, 4100), ("array", with_ours(array, 1), 1100),
        ("array, thin=10", with_ours(array, 10), 4100), ("loop", with_ours(loop, 1), 200),
        ("loop, thin=10", with_ours(loop, 10), 1100),
    ):
        first, less, more = (seconds(lambda run=run, n=n: run(n)) for n in (few, few, many))  # type: ignore[misc]
        rate = CHAINS * (many - few) / (more - less)
        reference = reference or rate
        print(f"  {name:20s} {first:8.2f} {rate:8.0f} {rate / reference:8.2f}")


def main() -> None:
    densities()
    transitions()


if __name__ == "__main__":
    main()
