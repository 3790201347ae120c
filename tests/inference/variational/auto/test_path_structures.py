"""The gradient along the path where executions differ in structure, where the guide leaves choices to the program, and
where there is no path."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from guided_draws import draw, gauss_hermite, log_q, started

from steersman.inference.run import Run
from steersman.inference.run.schedule import run_together
from steersman.inference.testing.report import z_score
from steersman.inference.variational import Guide, elbo
from steersman.inference.variational.auto import AutoMultivariateNormal, AutoNormal
from steersman.inference.variational.estimators import path as path_module
from steersman.inference.variational.estimators import path_gradient
from steersman.inference.variational.evaluate import Evaluation
from steersman.inference.variational.gradient import estimate
from steersman.models import TableLM
from steersman.ppl import Key, TracedControlFlow, condition, dist, factor, observe, program, sample


def test_executions_of_many_structures_share_calls() -> None:
    """A batch of executions has the gradient that is the sum of those of its members, and one compiled function for
    each layout."""
    guide = started(AutoMultivariateNormal, walk(), 3)
    guide.initialise(seed=5, executions=20)
    particles = draw(guide, walk(), 14, seed=2)
    traces: Any = [p.trace for p in particles]
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=14), rng.normal(size=14)
    path_module.path.cache_clear()
    (whole,) = path_gradient(guide, traces, a, b).values()
    lengths = {len(t.choices()) for t in traces}
    assert len(lengths) == 3 and path_module.path.cache_info().currsize == len(lengths)
    (first, *rest) = [path_gradient(guide, [t], a[k : k + 1], b[k : k + 1])[guide.name] for k, t in enumerate(traces)]
    for other in rest:
        first = jax.tree.map(np.add, first, other)
    jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, rtol=2e-3, atol=2e-3), whole, first)


@program
async def walk() -> Any:
    """As many steps as a die says."""
    n = await sample(dist.Categorical(probs=np.array([0.3, 0.3, 0.4])), "n")
    x = 0.0
    for _ in range(int(n) + 1):
        x = await sample(dist.Normal(x, 1.0), "x")
    await observe(dist.Normal(x, 0.5), 1.0)
    return x


@pytest.mark.slow
def test_choices_left_to_the_program_need_their_score() -> None:
    """c | x drawn from the program: the gradient of E[log p - log q] needs log p(c | x) in log q, and its score, both
    as `more`. Against quadrature over x and both c; without `more` it is off."""
    guide = at_the_switch()
    exact = jax.grad(elbo_of_switch)(guide.flat)
    particles = draw(guide, switch(), 1600, 0)
    one, right, wrong = np.ones(4), [], []
    for r in range(400):
        those = particles[4 * r : 4 * r + 4]
        traces: Any = [p.trace for p in those]
        gaps = np.array([t.log_joint for t in traces]) - [log_q(p) for p in those]
        more: Any = [{("c", 0): (gap - 1.0) / 4} for gap in gaps]
        right.append(path_gradient(guide, traces, one / 4, -one / 4, more=more))
        wrong.append(path_gradient(guide, traces, one / 4, -one / 4))
    z = [
        [z_score([g["AutoNormal"][part]["x"] for g in those], float(exact[part][0])) for part in guide.parts]
        for those in (right, wrong)
    ]
    assert np.abs(z[0]).max() < 4 and np.abs(z[1]).max() > 6, z


def test_a_fit_scores_choices_left_to_the_program() -> None:
    """The same in the estimates that `fit` makes."""
    guide, model = at_the_switch(), switch()
    exact = jax.grad(elbo_of_switch)(guide.flat)
    run, evaluation = Run(model), Evaluation(elbo)

    async def repeated() -> list[Any]:
        applied = Guide(guide).applied(model)
        return [(await estimate(run, applied, evaluation, 8, Key(7).fold(i))).gradient for i in range(400)]

    (found,) = run_together([repeated()])
    z = [z_score([g["AutoNormal"][part]["x"] for g in found], float(exact[part][0])) for part in guide.parts]
    assert np.abs(z).max() < 4, z


def test_a_proposal_of_its_own_has_no_path() -> None:
    """What a choice was drawn from, if not from the program or the guide, may move, too: the score takes over."""

    @program
    async def proposing() -> Any:
        x = await sample(dist.Normal(0.0, 2.0), "x")
        c = await sample(dist.Bernoulli(logits=x), "c", proposal=dist.Bernoulli(logits=0.5 * x))
        await observe(dist.Normal(2.0 * c - x, 0.8), 1.0)

    run, guide = Run(proposing()), Guide(AutoNormal(proposing()))

    async def one() -> Any:
        return await estimate(run, guide.applied(run.model), Evaluation(elbo), 8, Key(1))

    with pytest.warns(UserWarning, match="'c' has a proposal of its own"):
        run_together([one()])


def at_the_switch() -> AutoNormal:
    guide = AutoNormal(switch())
    guide.initialise(executions=1)
    guide.params = {"loc": {"x": np.array(0.3)}, "raw_scale": {"x": np.array(0.4)}}
    return guide


def elbo_of_switch(flat: Any) -> Any:
    z, w = gauss_hermite(60, 1)
    x = flat["loc"][0] + jax.nn.softplus(flat["raw_scale"][0]) * z[:, 0]
    on = jax.nn.sigmoid(x)
    log_x = -0.5 * x * x / 4 - math.log(2) - 0.5 * math.log(2 * math.pi)
    gain = [jax.scipy.stats.norm.logpdf(1.0, loc=c * 2.0 - x, scale=0.8) for c in (0.0, 1.0)]
    entropy = jnp.log(jax.nn.softplus(flat["raw_scale"][0])) + 0.5 * (1 + math.log(2 * math.pi))
    return w @ (log_x + (1 - on) * gain[0] + on * gain[1]) + entropy


@program
async def switch() -> Any:
    x = await sample(dist.Normal(0.0, 2.0), "x")
    c = await sample(dist.Bernoulli(logits=x), "c")
    await observe(dist.Normal(2.0 * c - x, 0.8), 1.0)
    return c


def test_a_branch_on_the_number_is_refused() -> None:
    """What needs a continuous choice as a number, to branch or to write it into a prompt, has no gradient along the
    path: it is refused, and not left out."""

    @program
    async def branching() -> Any:
        x = await sample(dist.Normal(0.0, 1.0), "x")
        await condition(True)
        await factor(1.0 if x > 0 else 0.0)

    lm = TableLM.random(3, seed=4)

    @program
    async def written() -> Any:
        x = await sample(dist.Normal(0.0, 1.0), "x")
        return await sample(lm.text("ab" if f"{x}"[0] in "-0123456789" else "a", max_tokens=2), "line")

    for model in (branching(), written()):
        guide = AutoNormal(model)
        (p,) = draw(guide, model, 1)
        with pytest.raises(TracedControlFlow, match="'x'"):
            path_gradient(guide, [p.trace], np.ones(1), np.ones(1))  # type: ignore[list-item]
