"""S004: EM over thoughts that explain texts, against the enumerated evidence and its direct ascent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax  # type: ignore[import-untyped]
from scipy.optimize import minimize

from steersman.inference import Enumerate, infer
from steersman.inference.run import Run
from steersman.inference.run.schedule import run_together
from steersman.inference.variational import Guide, fit, wake_model
from steersman.inference.variational.evaluate import Evaluation
from steersman.inference.variational.gradient import estimate
from steersman.models import LanguageModel, TableLM, TrainableTable
from steersman.ppl import observe, program, sample
from steersman.ppl.keys import Key

READER = TableLM.random(3, order=3, seed=4, scale=2.0)
ANSWERS = ["ab", "b", "ab", "aa", "ba", "ab", "b", "aa"]


@program
async def thinking(thinker: LanguageModel, answer: str) -> str:
    thought = await sample(thinker.text("", max_tokens=2), "thought")
    await observe(READER.text(thought, max_tokens=2), answer)
    return str(thought)


def reading(lm: TrainableTable) -> Guide:
    """A guide that has seen the answer."""
    @program
    async def reading(thinker: LanguageModel, answer: str) -> None:
        await sample(lm.text(answer, max_tokens=2), "thought")

    return Guide(reading, lm)


def joint(answer: str) -> tuple[list[tuple[int, ...]], np.ndarray[Any, Any]]:
    """The tokens of every thought, and log p(answer | thought)."""
    found = infer(thinking(TableLM.random(3, seed=0), answer), Enumerate())
    sites = [t for t in found.traces if t is not None]
    return [t["thought"].tokens for t in sites], np.array([t.log_joint - t.site(("thought", 0)).log_p for t in sites])


def log_evidence(logits: Any, table: dict[str, Any], answers: Sequence[str] = ANSWERS) -> Any:
    """The enumerated log Z of each answer, summed; differentiable by the thinker's logits [4, 3]."""
    log_p = jax.nn.log_softmax(logits, -1)

    def one(answer: str) -> Any:
        thoughts, likelihood = table[answer]
        prior = [sum(log_p[last, t] for last, t in zip((3, *z), z, strict=False)) for z in thoughts]
        return jax.nn.logsumexp(jnp.stack(prior) + likelihood)

    return sum(one(a) for a in answers)


def evidence(lm: LanguageModel) -> float:
    return sum(infer(thinking(lm, a), Enumerate()).log_evidence for a in ANSWERS)


def test_the_gradient_is_that_of_the_evidence() -> None:
    """Law (Fisher's identity): grad log Z = E_posterior[grad log p(x, y)]; with 400 weighted draws the mean gradient of
    `wake_model` is the slope of the enumerated log Z, but for O(1/400)."""
    thinker, guide = TrainableTable.random(3, seed=2, name="thinker"), TrainableTable.random(3, seed=3, name="guide")
    slope = jax.grad(lambda logits: log_evidence(logits, {ANSWERS[0]: joint(ANSWERS[0])}, ANSWERS[:1]))
    exact = np.asarray(slope(jnp.asarray(thinker.params["logits"])))
    run, evaluation = Run(thinking(thinker, ANSWERS[0])), Evaluation(wake_model(400))
    model = reading(guide).applied(run.model)

    async def estimates() -> list[Any]:
        return [await estimate(run, model, evaluation, 1, Key(7).fold(i)) for i in range(10)]

    (found,) = run_together([estimates()])
    gradients = np.array([e.gradient["thinker"]["logits"] for e in found])
    error = gradients.std(0) / len(gradients) ** 0.5
    assert (np.abs(gradients.mean(0) - exact) < 4 * error + 0.02 * np.abs(exact).max()).all()
    assert error.max() < 0.03 * np.abs(exact).max()


def test_em_reaches_the_maximum_likelihood() -> None:
    """Law: over a data set EM climbs the enumerated log evidence, to the maximum that direct ascent finds. The evidence
    is concave in the law of the thoughts, which the table can hold whole, so that there is one maximum."""
    table = {a: joint(a) for a in ANSWERS}
    thinker, guide = TrainableTable.random(3, seed=2, name="thinker"), TrainableTable.random(3, seed=3, name="guide")
    begin = thinker.params["logits"]
    before = evidence(thinker)
    assert abs(before - float(log_evidence(begin, table))) < 1e-4
    loss = jax.jit(jax.value_and_grad(lambda flat: -log_evidence(flat.reshape(4, 3), table)))
    found = [minimize(loss, start, jac=True, method="L-BFGS-B", tol=1e-10)
             for start in (begin.ravel(), np.zeros(12, np.float32))]
    assert abs(found[0].fun - found[1].fun) < 1e-2
    best = -min(f.fun for f in found)
    fit([thinking(thinker, a) for a in ANSWERS], reading(guide), steps=160, objective=wake_model(32), draws=2,
        optimiser=optax.adam(optax.exponential_decay(0.2, 80, 0.6)), progress=False)
    after = evidence(thinker)
    assert before < best - 5 and best - 0.1 < after < best + 1e-3
