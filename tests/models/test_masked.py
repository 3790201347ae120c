"""`masked`: the allowed tokens, renormalised, of whatever a token can be drawn from; and what happens if none is left.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from steersman.inference import AllParticlesDead, Importance, infer
from steersman.models import TableLM, TokenDistribution
from steersman.models.favour import FavouredToken
from steersman.ppl import program, sample
from steersman.ppl.constraints.masks import has, pack

V = 41  # two words, the second one not full
A, B = (TableLM.random(V, seed=seed, scale=1.0) for seed in (1, 2))
FORMS: dict[str, Any] = {
    "plain": A.next(""),
    "tempered": A.next("", temperature=0.6),
    "product": (A.next("") ** 2 / B.next("<4>")).proposal,
    "favoured": FavouredToken(A.next(""), 35, 2.5),
}
ALLOWED = [0, 3, 31, 32, 35, 40]


class Grid:
    """Keys whose uniforms are a regular grid: a frequency then equals a probability up to one part in n."""

    def __init__(self, n: int) -> None:
        self.n = n

    def uniform(self) -> np.ndarray:
        return (np.arange(self.n) + 0.5) / self.n


def probabilities(token: Any) -> np.ndarray:
    """q of every token, [V]."""
    return np.exp(type(token).log_prob([token] * V, list(range(V))))


@pytest.mark.parametrize("name", FORMS)
def test_the_density_is_renormalised_and_draws_follow_it(name: str) -> None:
    """q(x) [x allowed] / sum, whatever form the mask has; a grid of uniforms lands on each token with frequency q."""
    token = FORMS[name]
    mask = np.isin(np.arange(V), ALLOWED)
    want = np.where(mask, probabilities(token), 0.0)
    want /= want.sum()
    n = 20_000
    for allowed in (mask, pack(mask), ALLOWED, iter(ALLOWED)):
        steered = token.masked(allowed)
        assert type(steered) is type(token) and steered.support() == tuple(ALLOWED)
        assert probabilities(steered) == pytest.approx(want, rel=1e-12)
        drawn, log_q = type(steered).draw([steered] * n, Grid(n))
        assert np.bincount(drawn, minlength=V) / n == pytest.approx(want, abs=3 / n)
        assert np.exp(log_q) == pytest.approx(want[drawn], rel=1e-12)


@pytest.mark.parametrize("name", FORMS)
def test_masks_intersect(name: str) -> None:
    """masked(a).masked(b) allows what both allow; a mask of everything changes no density."""
    twice = FORMS[name].masked([1, 3, 32, 35]).masked(pack(np.arange(V) > 2)).masked([32, 35, 40])
    assert twice.support() == (32, 35)
    assert probabilities(twice) == pytest.approx(probabilities(FORMS[name].masked([32, 35])), rel=1e-12)
    assert probabilities(FORMS[name].masked(range(V))) == pytest.approx(probabilities(FORMS[name]), rel=1e-12)
    with pytest.raises(ValueError, match="no token is allowed"):
        twice.masked([1, 3])


def test_a_favourite_that_is_not_allowed_is_forgotten() -> None:
    """q is then the base over the mask."""
    without = [3, 32, 40]
    assert probabilities(FORMS["favoured"].masked(without)) == pytest.approx(
        probabilities(A.next("").masked(without)), rel=1e-12)


@pytest.mark.parametrize(
    ("mask", "words"),
    [
        (np.zeros(2, np.uint32), "no token is allowed"),
        (np.ones(3, np.uint32), r"packed mask of shape \(2,\), got \(3,\)"),
        (np.array([1, 1 << 9], np.uint32), "behind the vocabulary of 41"),
        (np.ones(V + 1, np.bool_), r"shape \(41,\), got \(42,\)"),
        ([3, V], r"must lie in 0\.\.40, found 41"),
    ],
)
@pytest.mark.parametrize("name", FORMS)
def test_bad_masks(name: str, mask: Any, words: str) -> None:
    """What is no mask is refused when it is given."""
    with pytest.raises(ValueError, match=words):
        FORMS[name].masked(mask)


HOLES = TableLM(np.where(np.isin(np.arange(V), [2, 34]), -np.inf, 0.0), eos=0)


@pytest.mark.parametrize(
    "token",
    [HOLES.next(""), HOLES.next("", temperature=2.0), FavouredToken(HOLES.next(""), 34, 2.0),
     FavouredToken(HOLES.next(""), 7, 2.0), (HOLES.next("") * A.next("")).proposal],
    ids=["plain", "tempered", "impossible favourite", "favourite", "product"],
)
def test_where_no_allowed_token_is_possible_nothing_is_drawn(token: Any) -> None:
    """(None, -inf) for this member, every score -inf; the member beside it is drawn as ever."""
    impossible, possible = token.masked([2, 34]), token.masked([2, 5, 34])
    tokens, log_q = type(token).draw([impossible, possible], Grid(2))
    assert tokens == [None, 5] and log_q.tolist() == [-np.inf, pytest.approx(0.0, abs=1e-12)]
    assert not probabilities(impossible).any()


def test_the_particle_closes_there() -> None:
    """A proposal without a possible token: weight 0, and no error."""

    @program
    async def model() -> int:
        return await sample(HOLES.next(""), "token", proposal=HOLES.next("").masked([2, 34]))

    with pytest.raises(AllParticlesDead):
        infer(model(), Importance(4), seed=0)


def test_members_without_a_mask_beside_masked_ones() -> None:
    """A group of one call: who has no mask keeps all tokens, to the bit."""
    plain, masked = A.next(""), A.next("").masked(ALLOWED)
    scores = TokenDistribution.log_prob([plain, masked] * V, [t for t in range(V) for _ in range(2)])
    assert np.array_equal(scores[::2], plain.log_probs())
    assert [t for t in range(V) if scores[2 * t + 1] > -np.inf] == ALLOWED
    assert masked.mask is not None and all(has(masked.mask, t) for t in ALLOWED)
