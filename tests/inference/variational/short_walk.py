"""A program with few executions, a guide for it, and the exact value of any objective on them."""

from __future__ import annotations

import itertools
import math
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from steersman.inference import Enumerate, infer
from steersman.inference.run import Run
from steersman.inference.run.schedule import run_together
from steersman.inference.variational import Family, Guide
from steersman.inference.variational.evaluate import Evaluation
from steersman.inference.variational.gradient import Estimate, estimate
from steersman.inference.variational.objective import Objective, plan, value
from steersman.ppl import condition, dist, factor, program, sample
from steersman.ppl.keys import Key

STEPS, VALUES, END = 2, 3, 2


@program
async def walk(possible: bool = True) -> tuple[int, ...]:
    """Ends early at 2; asymmetric factors; an execution that is impossible unless all are to be possible."""
    path: list[int] = []
    for _ in range(STEPS):
        x = await sample(dist.Categorical(probs=np.array([0.5, 0.3, 0.2])), "x")
        path.append(x)
        if x == END:
            break
        await factor(0.9 * x - 0.4 * len(path))
    await factor(1.3 if len(path) == 1 else -0.2 * sum(path))
    await condition(possible or path != [0, 1])
    return tuple(path)


def family(scale: float = 0.6) -> Family:
    logits = scale * np.random.default_rng(3).normal(size=(STEPS, VALUES, VALUES))
    return Family("token", logits, lambda theta, t, last: dist.Categorical(logits=theta[t, last]))


@program
async def steps(q: Family) -> None:
    t, last = 0, END
    while t < STEPS:
        last = await sample(q(t, last), "x")
        t += 1
        if last == END:
            break


def guide(q: Family) -> Guide:
    return Guide(steps(q), q)


@cache
def paths(possible: bool) -> tuple[tuple[tuple[int, ...], ...], tuple[float, ...], tuple[float, ...]]:
    """Every execution, its log joint density, and that of its choices alone; those that are impossible too."""
    posterior = infer(walk(possible), Enumerate())
    table = {t.value: t for t in posterior.traces if t is not None}
    every = [(2,), *[(a, b) for a in (0, 1) for b in range(VALUES)]]
    prior = {v: sum(s.log_p for s in t.choice_sites().values()) for v, t in table.items()}
    joint = {v: t.log_joint for v, t in table.items()}
    return tuple(every), tuple(joint.get(p, -math.inf) for p in every), tuple(prior.get(p, 0.0) for p in every)


def log_q(params: Any, path: tuple[int, ...]) -> Any:
    table, total, last = jax.nn.log_softmax(params, axis=-1), jnp.zeros(()), END
    for t, x in enumerate(path):
        total, last = total + table[t, last, x], x
    return total


def exact(objective: Objective, params: Any, possible: bool = True) -> Any:
    """E[objective] by summing over all executions of its only expectation, differentiable by the parameters as the
    objective means it: what is frozen is held fixed."""
    asked = plan(objective)
    (draws,) = asked.draws
    every, joint, prior = paths(possible)
    q = jnp.stack([log_q(params, p) for p in every])
    fixed, p = jax.lax.stop_gradient(q), jnp.array(joint)
    drawn = fixed if draws.frozen else q
    of = {"model": p, "guide": q, "prior": jnp.array(prior), "likelihood": p - jnp.array(prior)}
    columns = [jax.lax.stop_gradient(of[m.of]) if m.frozen else of[m.of] for m, _ in asked.densities]
    index = jnp.array(list(itertools.product(range(len(every)), repeat=math.prod(draws.shape))))

    def one(at: Any) -> Any:
        h = value(objective, [c[at].reshape(draws.shape) for c in columns])
        return jnp.exp(drawn[at].sum()) * h

    return jax.vmap(one)(index).sum()


def estimates(
    objective: Objective, q: Family, repeats: int, draws: int, *, possible: bool = True, **options: Any
) -> list[Estimate]:
    """Independent estimates of value and gradient."""
    evaluation, run = Evaluation(objective), Run(walk(possible))
    model = guide(q).applied(run.model)

    async def all_of_them() -> list[Estimate]:
        key = Key(11)
        return [await estimate(run, model, evaluation, draws, key.fold(i), **options) for i in range(repeats)]

    (found,) = run_together([all_of_them()])
    return found


def z_scores(found: Any, expected: Any, least: float = 1e-3) -> Any:
    """(mean - expected) / standard error of the components [n] whose estimates [repeats, n] vary."""
    found = np.asarray(found).reshape(len(found), -1)
    error = found.std(0, ddof=1) / len(found) ** 0.5
    live = error > least * error.max()
    return ((found.mean(0) - np.asarray(expected).ravel()) / np.where(live, error, 1.0))[live]
