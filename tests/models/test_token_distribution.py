"""`TokenDistribution`: the next token as a lazy distribution."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from steersman.models import TableLM, TokenDistribution
from steersman.ppl import Key, program, sample, simulate

LM = TableLM.random(5, order=2, seed=3)


def test_draws_have_their_density() -> None:
    """Chi-square of 20,000 draws against exp(log_probs), plain and modified; log q is that of what was drawn."""
    for d in (LM.next("ab"), LM.next("b", temperature=0.6), LM.next("a").masked([1, 3, 4]).tempered(1.5)):
        keys = Key(0).split(np.arange(20_000))
        tokens, log_q = TokenDistribution.draw([d] * 20_000, keys)
        p = np.exp(d.log_probs())
        assert p.sum() == pytest.approx(1)
        counts = np.bincount(tokens, minlength=5)
        assert counts[p == 0].sum() == 0
        assert stats.chisquare(counts[p > 0], 20_000 * p[p > 0]).pvalue > 1e-4
        assert np.array_equal(log_q, d.log_probs()[tokens])


def test_log_prob_is_log_probs() -> None:
    """log_prob of every token; -inf for what is no token of the vocabulary, whatever its type."""
    d = LM.next("a")
    values = [0, 1, 4, np.int64(2), 5, -1, "a", 1.5, None]
    scores = TokenDistribution.log_prob([d] * len(values), values)
    assert scores[:4].tolist() == d.log_probs()[[0, 1, 4, 2]].tolist()
    assert np.all(scores[4:] == -np.inf)


def test_masks_and_temperatures_compose() -> None:
    """Masks intersect, temperatures multiply; the support is the mask."""
    d = LM.next("a").masked([1, 2, 3]).tempered(2.0).masked(np.array([True, True, True, False, True])).tempered(1.5)
    assert d.support() == (1, 2) and d.temperature == 3.0
    assert LM.next("a").support() == (0, 1, 2, 3, 4)
    assert repr(d) == "TokenDistribution('a', temperature=3, 2 tokens allowed)"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: LM.next("a").masked([]), "no token is allowed after Context"),
        (lambda: LM.next("a").masked(np.ones(3, bool)), r"shape \(5,\), got \(3,\)"),
        (lambda: LM.next("a", temperature=0.0), "must be positive"),
        (lambda: LM.next("a").tempered(-1), "must be positive"),
        (lambda: LM.next("a", temperature=float("nan")), "positive and finite, got nan"),
        (lambda: LM.next("a").tempered(float("inf")), "positive and finite, got inf"),
        (lambda: LM.next("a").masked([1, 5]), r"must lie in 0\.\.4, found 5"),
        (lambda: LM.next("a").masked([-1]), r"must lie in 0\.\.4, found -1"),
        (lambda: LM.next(TableLM.random(3).context("a")), "belongs to another language model"),
    ],
)
def test_bad_distributions(make: object, words: str) -> None:
    """What is no distribution is refused when it is made."""
    with pytest.raises(ValueError, match=words):
        make()  # type: ignore[operator]


def test_a_masked_proposal_weighs_the_allowed_mass() -> None:
    """sample(d, proposal=d.masked(m)): the weight gains the log of the mass that the mask allows."""

    @program
    async def model() -> int:
        return await sample(LM.next("a"), "token", LM.next("a").masked([2, 4]))

    mass = np.exp(LM.next("a").log_probs()[[2, 4]]).sum()
    for seed in range(5):
        assert simulate(model(), seed).log_weight == pytest.approx(np.log(mass), rel=1e-12)
