"""The examples of the best of n, of nudging and of a learned proposal, on the embedded model, held to what their texts
must be."""

from __future__ import annotations

import math

import pytest

from examples import best_of_n, distilled, late_constraint, latent_thoughts, nudging
from steersman.inference import SMC, Importance, infer
from steersman.models import NeuralLM, SoftPrompt


@pytest.mark.slow
def test_the_best_of_eight_in_four_ways(lm: NeuralLM) -> None:
    """Every way of taking the best of eight raises the mean reward by one letter or more, and the weighted ones agree
    with each other within four standard errors."""
    plain, one, *weighted = best_of_n.ways(lm).values()
    mean = plain.expectation(best_of_n.letters)
    tied = {best_of_n.letters(v) for v, w in zip(one.values, one.weights, strict=True) if w > 0}
    assert tied == {max(map(best_of_n.letters, one.values))} and len(one) == best_of_n.N
    found = []
    for posterior in weighted:
        m = posterior.expectation(best_of_n.letters)
        error = math.sqrt(posterior.expectation(lambda v, m=m: (best_of_n.letters(v) - m) ** 2) / posterior.ess)
        found.append((m, error))
        assert m > mean + 1
    for m, error in found[1:]:
        assert abs(m - found[0][0]) < 4 * math.hypot(error, found[0][1])


@pytest.mark.slow
def test_nudging_makes_it_rain(lm: NeuralLM) -> None:
    """It rains in every text with weight; the nudger finds at least twice as many in half the draws; log Z is that of
    the model alone, within four standard errors."""
    sizes = {0.0: 2048, 0.5: 1024}  # alone it rains in 14 of 2048 on average
    alone, nudged = (infer(nudging.rainy(lm, gamma), Importance(n), seed=1) for gamma, n in sizes.items())
    for posterior in (alone, nudged):
        assert all(" rain" in v for v, w in zip(posterior.values, posterior.weights, strict=True) if w > 0)
    assert nudging.raining(nudged) > 2 * nudging.raining(alone)
    error = math.hypot(alone.log_evidence_error, nudged.log_evidence_error)
    assert abs(alone.log_evidence - nudged.log_evidence) < 4 * error


@pytest.mark.slow
def test_half_a_hint(lm: NeuralLM) -> None:
    """A product of the two texts nudges as well: what survives has rain, and weighs p/q."""
    posterior = infer(nudging.rainy(lm, 1.0, halved=True), Importance(768), seed=1)
    assert nudging.raining(posterior) > 0
    assert all(" rain" in v for v, w in zip(posterior.values, posterior.weights, strict=True) if w > 0)
    alive = [w for t, w in zip(posterior.traces, posterior.log_weights, strict=True) if t is not None]
    assert len(set(alive)) > 1


@pytest.mark.slow
def test_a_learned_prompt_pays(lm: NeuralLM) -> None:
    """A soft prompt learned for a late constraint makes SMC's effective draws at least five times cheaper in tokens,
    and agrees with the blind filter about log Z."""
    blind = infer(late_constraint.sentence(lm, "hill"), SMC(2048, resample_at="factor"), seed=1)
    adapted = lm.adapted(SoftPrompt(words=" The hill was very big"), name="ending")
    guide = late_constraint.learned(adapted, "hill", 50, 256)
    taught = infer(late_constraint.sentence(lm, "hill"), SMC(1024, resample_at="factor", proposal=guide), seed=1)
    assert late_constraint.tokens_each(taught) < late_constraint.tokens_each(blind) / 5
    error = math.hypot(blind.log_evidence_error, taught.log_evidence_error)
    assert abs(blind.log_evidence - taught.log_evidence) < 4 * error
    assert all(text.rstrip(".").endswith(" hill") for text in taught.values if text is not None)


@pytest.mark.slow
def test_the_best_of_eight_is_distilled(lm: NeuralLM) -> None:
    """The guide's own draws have a reward higher by a letter or more, and one law when corrected: that of the target,
    log Z within four standard errors, from weights that do not collapse."""
    target, guide, _ = distilled.distil(lm, 60, 16)
    plain = infer(best_of_n.ending(lm), Importance(256), seed=2)
    blind = infer(target, Importance(256), seed=2)
    taught = infer(target, Importance(256, proposal=guide), seed=2)
    own = [best_of_n.letters(v) for v in taught.values if v is not None]
    assert sum(own) / len(own) > plain.expectation(best_of_n.letters) + 1
    assert taught.ess > 0.5 * blind.ess
    error = math.hypot(blind.log_evidence_error, taught.log_evidence_error)
    assert abs(blind.log_evidence - taught.log_evidence) < 4 * error


@pytest.mark.slow
def test_em_learns_to_think(lm: NeuralLM) -> None:
    """EM on four stories raises log Z of stories that it has not seen, by two nats or more on average."""
    before, after = (latent_thoughts.held_out(t, lm) for t in (lm, latent_thoughts.educated(lm, 20, 48)))
    rises = [b.log_evidence - a.log_evidence for a, b in zip(before, after, strict=True)]
    assert sum(rises) / len(rises) > 2
