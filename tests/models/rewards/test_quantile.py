"""S056: quantiles among reference draws, and the best-of-N law as a factor, against the law of the best itself."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from tied_texts import BASE, EXACT, LM, REWARD, score, writing

from steersman.inference import SMC, Enumerate, infer
from steersman.models import Quantile, Reward
from steersman.models.rewards import exponential, tilt
from steersman.ppl import call, factor, program, sample


@program
async def tilted(reward: Reward) -> str:
    text = await sample(LM.text("", max_tokens=3), "text")
    await factor(await call(reward, text), "reward")
    return str(text)


def best_of(n: int) -> dict[str, float]:
    """The law of the best of n draws by trying all n-tuples; ties are broken at random."""
    law = dict.fromkeys(BASE, 0.0)
    for tried in itertools.product(BASE, repeat=n):
        top = max(map(score, tried))
        winners = [v for v in tried if score(v) == top]
        for v in winners:
            law[v] += math.prod(BASE[t] for t in tried) / len(winners)
    return law


@pytest.mark.parametrize("n", [1, 2, 3])
def test_the_tilt_is_the_law_of_the_best_of_n(n: int) -> None:
    """Law: under the factor of `best_of(n)` the enumerated posterior equals the law of the best of n, with log Z 0."""
    posterior = infer(tilted(REWARD.map(EXACT.best_of(n))), Enumerate())
    assert posterior.probabilities() == pytest.approx(best_of(n))
    assert posterior.log_evidence == pytest.approx(0.0, abs=1e-12)


def test_without_ties() -> None:
    """Law: where the reference has no mass at r the factor is n F(r)^(n - 1)."""
    draws = np.random.default_rng(0).normal(size=200)
    r = np.array([-0.5, 0.1, 1.2])
    f = Quantile(draws)(r)
    np.testing.assert_allclose(Quantile(draws).best_of(4)(r), np.log(4 * f**3))
    np.testing.assert_allclose(f, [(draws <= x).mean() for x in r])
    assert Quantile(draws).best_of(4)([-99.0])[0] == -math.inf and Quantile(draws).best_of(1)([-99.0])[0] == 0


def test_best_of_many_stays_finite() -> None:
    """Law: with N = 10^6 the factor of the largest of 8 equal draws is 8 (all the mass), without over- or underflow."""
    factors = Quantile(np.arange(8.0)).best_of(1e6)(np.arange(8.0))
    assert factors[-1] == pytest.approx(math.log(8)) and (factors[:-1] < -1e5).all() and np.isfinite(factors).all()


def test_quantiles_forget_the_scale() -> None:
    """Law: any increasing transform of the reward has the same quantiles (so calibrated tilts agree), and a sample of
    reference draws gives nearly those of the enumeration."""
    draws = infer(writing(), SMC(4000), seed=1).sample(4000, seed=2)
    plain = REWARD.quantile(draws)
    bent = REWARD.map(lambda r: np.exp(3 * r) - 7).quantile(draws)
    values = list(BASE)
    np.testing.assert_allclose(bent.scores(values), plain.scores(values))
    np.testing.assert_allclose(plain.scores(values), EXACT([score(v) for v in values]), atol=0.04)


@pytest.mark.parametrize("t", [3.0, -3.0])
def test_exponential_tilt(t: float) -> None:
    """Law: the posterior of the calibrated and transformed reward is p exp(phi / beta), phi = sign(t) exp(t u)."""
    phi, beta = exponential(t), 0.5
    reward = REWARD.map(EXACT).map(phi)

    @program
    async def aligned() -> str:
        text = await sample(LM.text("", max_tokens=3), "text")
        await factor(tilt(beta)(await call(reward, text)), "reward")
        return str(text)

    weight = {v: p * math.exp(np.sign(t) * math.exp(t * float(EXACT(score(v)))) / beta) for v, p in BASE.items()}
    total = sum(weight.values())
    found = infer(aligned(), Enumerate()).probabilities()
    assert found == pytest.approx({v: w / total for v, w in weight.items()})


def test_bad_input() -> None:
    """One error each."""
    for draws in ([], [math.nan, 1.0], [[1.0]]):
        with pytest.raises(ValueError, match="at least one reference draw"):
            Quantile(draws)
    with pytest.raises(ValueError, match="a weight of at least 0 for each"):
        Quantile([1.0, 2.0], [1.0, -1.0])
    with pytest.raises(ValueError, match=r"best_of\(0.5\)"):
        Quantile([1.0]).best_of(0.5)
    with pytest.raises(ValueError, match="exponential"):
        exponential(0.0)
    failing = Reward(lambda items: [math.nan] * len(items), name="failing")
    with pytest.raises(ValueError, match="2 of 2 reference draws have no reward"):
        failing.quantile(["a", "b"])
