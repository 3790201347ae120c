"""The example of a number and a text in one posterior, on a table model, against a sum of integrals."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import gamma, norm, poisson

from examples import long_winded
from steersman.inference import Enumerate, Importance, Posterior, infer
from steersman.models import LanguageModel, TableLM, TrainableTable
from steersman.ppl import program, sample

VOCABULARY = ["<eos>", " a", " b", "."]
HEARD, MOST = 5.0, 4


@program
async def sentence(lm: LanguageModel) -> str:
    return str(await sample(lm.text("", stop=".", max_tokens=MOST), "sentence"))


def exact(lm: LanguageModel) -> tuple[float, float]:
    """log Z and the posterior mean of the pace: texts by enumeration, the pace on a grid."""
    grid = np.linspace(1e-6, 30.0, 30_001)
    prior = gamma(9.0).pdf(grid) * norm(grid, 1.0).pdf(HEARD) * (grid[1] - grid[0])
    texts = infer(sentence(lm), Enumerate()).probabilities()
    laws = [p * prior * poisson(grid).pmf(len(t.split())) for t, p in texts.items()]
    joint = np.sum(laws, axis=0)
    return math.log(joint.sum()), float(grid @ joint / joint.sum())


def agrees(found: Posterior, log_z: float, mean: float) -> bool:
    variance = found.expectation(lambda v: (v[0] - mean) ** 2)
    near = abs(found.expectation(lambda v: v[0]) - mean) < 4 * math.sqrt(variance / found.ess)
    return near and abs(found.log_evidence - log_z) < 4 * found.log_evidence_error


@pytest.mark.slow
def test_both_parts_of_a_guide_are_fitted() -> None:
    """Law: VI and importance sampling agree with the sum of integrals about log Z and the mean pace; the fit of both
    parts makes draws at least twice as effective, and moves the parameters of both."""
    logits = np.random.default_rng(3).normal(size=(5, 4)) * 1.5
    lm, talker = TableLM(logits, vocabulary=VOCABULARY), TrainableTable(logits, vocabulary=VOCABULARY, name="talker")
    log_z, mean = exact(lm)
    program = long_winded.told(lm, talker, HEARD, "", MOST)
    blind = infer(long_winded.told(lm, lm, HEARD, "", MOST), Importance(1000), seed=1)
    fitted = infer(program, long_winded.method(program, talker, 50, 16, 1000), seed=1)
    assert agrees(blind, log_z, mean) and agrees(fitted, log_z, mean)
    assert fitted.ess > 2 * blind.ess
    assert np.abs(talker.params["logits"] - logits).max() > 0.1
