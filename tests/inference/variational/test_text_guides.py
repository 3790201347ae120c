"""Guides that are language models: gradients of texts, also of texts under a constraint, against enumeration."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from short_walk import z_scores

from steersman.inference import Enumerate, infer
from steersman.inference.run import Run
from steersman.inference.run.schedule import run_together
from steersman.inference.variational import Guide, elbo
from steersman.inference.variational.evaluate import Evaluation
from steersman.inference.variational.gradient import estimate
from steersman.models import TableLM, TrainableTable
from steersman.ppl import factor, program, regex, sample
from steersman.ppl.keys import Key

TARGET = TableLM.random(3, seed=9)
AB = regex("a*b*")
H = 2.0**-6


def text(lm: Any, where: Any = None) -> Any:
    return lm.text("a", max_tokens=3, where=where)


@program
async def story(where: Any) -> None:
    t = await sample(text(TARGET, where), "t")
    await factor(0.7 * t.count("b"))


@program
async def guide(lm: TrainableTable, where: Any) -> None:
    await sample(text(lm, where), "t")


@pytest.mark.parametrize("where", [(None, None), (AB, None), (AB, AB)], ids=["free", "target", "both"])
def test_gradients_are_unbiased(where: tuple[Any, Any]) -> None:
    """Law: the mean gradient of the ELBO by the logits of a text guide is the slope of the enumerated ELBO, whether the
    text is free, or the constraint of the target, or that of both, steers what the guide draws."""
    lm = TrainableTable.random(3, seed=2)
    theta = np.round(lm.params["logits"] * 64) / 64
    lm.params = {"logits": theta}
    joint = {t["t"]: t.log_joint for t in infer(story(where[0]), Enumerate()).traces if t is not None}
    source = text(TARGET, where[0]).drawn_from(text(lm, where[1]))

    def exact(moved: Any) -> float:
        lm.params = {"logits": moved}
        log_q = type(source).log_prob([source] * len(joint), list(joint))
        some = np.isfinite(log_q)
        return float((np.exp(log_q) * (np.array(list(joint.values())) - log_q))[some].sum())

    slope = np.zeros(theta.shape)
    for at in np.ndindex(*theta.shape):
        one = np.zeros(theta.shape)
        one[at] = H
        near, far = exact(theta + one) - exact(theta - one), exact(theta + 2 * one) - exact(theta - 2 * one)
        slope[at] = (8 * near - far) / (12 * H)
    value = exact(theta)
    evaluation, run = Evaluation(elbo), Run(story(where[0]))
    model = Guide(guide(lm, where[1]), lm).applied(run.model)

    async def estimates() -> list[Any]:
        return [await estimate(run, model, evaluation, 8, Key(5).fold(i)) for i in range(300)]

    (found,) = run_together([estimates()])
    z = z_scores([e.gradient["table"]["logits"] for e in found], slope)
    assert len(z) > 4 and np.abs(z).max() < 4 and np.sqrt(np.mean(z**2)) < 1.8
    values = np.array([e.value for e in found])
    assert abs(values.mean() - value) < 4 * values.std() / 300**0.5
