"""The examples of Markov chains on the embedded model, in small: their texts are checked from outside."""

from __future__ import annotations

import re

import numpy as np
import pytest

from examples import acrostic, calibrated_judge, power_sampling, rewriting
from steersman.inference import MH, Gibbs, Importance, ParticleGibbs, block, infer, mix, nuts, suffix
from steersman.models import NeuralLM


@pytest.mark.slow
def test_power_sampling_prefers_probable_endings(lm: NeuralLM) -> None:
    """p^4 puts its mass on endings that the model finds much likelier than its own draws."""
    chains = infer(power_sampling.ending(lm, 4.0), MH(8, 12, suffix(), warmup=12), seed=1)
    plain = infer(power_sampling.tempered_ending(lm, 1.0), Importance(32), seed=1)
    assert all(text.finish in ("stop", "length", "eos") for text in chains.values)
    log_p = [power_sampling.mean_log_p(lm, p) for p in (chains, plain)]
    assert log_p[0] > log_p[1] + 5


@pytest.mark.slow
def test_rewriting_keeps_beginning_and_end(lm: NeuralLM) -> None:
    """Two whole sentences in the middle; both kinds of rewriting are accepted now and then."""
    program = rewriting.middle(lm, rewriting.BEGINNING, rewriting.END)
    posterior = infer(program, MH(6, 8, mix(suffix("sentence"), block("sentence", length=3)), warmup=2), seed=1)
    for text in posterior.values:
        assert re.fullmatch(r"[^.\n]+\.[^.\n]+\.", text), text
    assert posterior.chains is not None
    assert all(0 < rate < 1 for rate in posterior.chains.acceptance().values())


@pytest.mark.slow
def test_acrostic_spells_the_word(lm: NeuralLM) -> None:
    """Every state of particle Gibbs meets the hard constraint, and the states change."""
    posterior = infer(acrostic.acrostic(lm, "WISH"), ParticleGibbs(12, 4, warmup=1), seed=1)
    assert len(set(posterior.values)) > 1
    for text in posterior.values:
        assert "".join(s.strip()[0] for s in acrostic.sentences(text) if s.strip()) == "WISH", text


@pytest.mark.slow
def test_calibrated_judge_learns_a_positive_slope(lm: NeuralLM) -> None:
    """The labels agree with the judge, so its slope is positive; endings are one sentence that keeps changing."""
    method = Gibbs({("slope", "bias"): nuts(), "ending": suffix()}, 4, 12, warmup=20)
    posterior = infer(calibrated_judge.happy_ending(lm), method, seed=1)
    slopes = np.array([slope for slope, _, _ in posterior.values])
    assert slopes.min() > 0 and 0.3 < slopes.mean() < 4 and slopes.std() > 0.1
    endings = {ending for _, _, ending in posterior.values}
    assert len(endings) > 4 and not any("." in ending for ending in endings)
