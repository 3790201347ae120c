"""S056 with S020: a policy that is aligned for the best (worst) of n draws, against all n-tuples of its own draws."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.optimize import brentq

from steersman.inference import Enumerate, infer
from steersman.models import Quantile, Reward, TableLM, tilted
from steersman.models.rewards import best_of_n_log_prob, exponential, tilt
from steersman.ppl import program, sample

LM = TableLM.random(3, seed=5)
REWARD = Reward(lambda items: [min(2.0, text.count("a")) for (text,) in items], name="count")  # ties are many


@program
async def writing() -> str:
    return str(await sample(LM.text("", max_tokens=3), "text"))


def rewards_of(law: dict[str, float]) -> np.ndarray[Any, Any]:
    return np.array(REWARD.scores(list(law)))


@pytest.mark.parametrize("t", [3.0, -3.0])
@pytest.mark.parametrize("n", [1, 2, 3])
def test_the_best_of_n_of_an_aligned_model_is_a_program(t: float, n: int) -> None:
    """Law: the factor `best_of(n)` of the aligned model's own quantiles gives what trying all n-tuples of its draws
    gives; log Z is that of the alignment alone. The worst of n is the best by the negative reward."""
    base = infer(writing(), Enumerate()).probabilities()
    calibrated = REWARD.map(Quantile(rewards_of(base), list(base.values())))
    aligned = tilted(writing(), calibrated.map(exponential(t)).map(tilt(0.5)))
    found = infer(aligned, Enumerate())
    law, sign = found.probabilities(), math.copysign(1.0, t)
    score = dict(zip(law, sign * rewards_of(law), strict=True))
    chosen = dict.fromkeys(law, 0.0)
    for tried in itertools.product(law, repeat=n):
        winners = [v for v in tried if score[v] == max(score[u] for u in tried)]
        for v in winners:
            chosen[v] += math.prod(law[u] for u in tried) / len(winners)
    F = Quantile(list(score.values()), list(law.values()))
    picked = infer(tilted(aligned, REWARD.map(lambda r: sign * r).map(F.best_of(n))), Enumerate())
    assert picked.probabilities() == pytest.approx(chosen)
    assert picked.log_evidence == pytest.approx(found.log_evidence)
    assert n == 1 or picked.probabilities() != pytest.approx(law)


def matched(p: Any, u: Any, phi: Callable[[Any], Any], nats: float) -> np.ndarray[Any, Any]:
    """log q of q ~ p exp(phi(u) / beta), beta such that KL(q || p) is so many nats."""

    def policy(log_beta: float) -> np.ndarray[Any, Any]:
        log_q = np.log(p) + phi(u) / math.exp(log_beta)
        return np.asarray(log_q - np.logaddexp.reduce(log_q))

    def excess(log_beta: float) -> float:
        log_q = policy(log_beta)
        return float(np.exp(log_q) @ (log_q - np.log(p))) - nats

    return policy(float(brentq(excess, -14.0, 16.0)))


@pytest.mark.parametrize("n", [4, 8])
@pytest.mark.parametrize("nats", [0.05, 0.2])
def test_tilts_that_know_of_n_win_more(n: int, nats: float) -> None:
    """Law (InfAlign): at equal KL from the model, the best of n of a model aligned by exp(t u), t > 0, wins
    more often against the best of n of the model than if aligned by u itself, and t < 0 wins less; for the worst of n
    it is the other way round."""
    rng = np.random.default_rng(0)
    p, r = rng.dirichlet(np.ones(60)), rng.permutation(60).astype(float)
    u = Quantile(r, p)(r)
    beats = np.sign(r[:, None] - r[None, :]) / 2 + 0.5

    def wins(phi: Callable[[Any], Any], sign: float) -> float:
        ours, theirs = (np.exp(best_of_n_log_prob(x, sign * r, n)) for x in (matched(p, u, phi, nats), np.log(p)))
        return float(ours @ beats @ theirs)

    for sign in (1.0, -1.0):
        transforms = exponential(5 * sign), lambda u: u, exponential(-5 * sign)
        towards, plain, away = (wins(phi, sign) for phi in transforms)
        assert towards > plain + 0.02 and plain > away + 0.02 and away > 0.5
