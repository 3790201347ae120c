"""S060: rewards that a judge writes. The mean of the weights of k critiques leaves the posterior exact for every k; the
mean of their logs does not, and is caught."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from steersman.inference import Enumerate, Importance, infer
from steersman.models import Reward, TableLM, sampled_reward
from steersman.ppl import Invocation, factor, program, sample

LM = TableLM.random(3, seed=5)
CRITIC = TableLM.random(4, seed=11, scale=1.5)  # writes a, b and c


def score(critique: str) -> float:
    """log w: how good the critique says it is; one with a c cannot be read."""
    return -math.inf if "c" in critique else 2.0 * critique.count("a") - 1.0


def trust(critique: str) -> float:
    """log m of a critique."""
    return -0.7 if critique.startswith("b") else 0.2


@program
async def judged(votes: int, meta: bool) -> str:
    text = str(await sample(LM.text("", max_tokens=2), "text"))
    await sampled_reward(CRITIC.text(text, max_tokens=2), score, votes, meta=trust if meta else None)
    return text


@program
async def mean_of_logs(votes: int) -> str:
    """The mutant: votes are averaged as scores, which is as log-weights."""
    text = str(await sample(LM.text("", max_tokens=2), "text"))
    critiques = [await sample(CRITIC.text(text, max_tokens=2), "critique") for _ in range(votes)]
    await factor(sum(max(score(c), -5.0) for c in critiques) / votes)
    return text


@program
async def text_and_critique(meta: bool) -> tuple[str, str]:
    text = str(await sample(LM.text("", max_tokens=2), "text"))
    return text, str(await sample(CRITIC.text(text, max_tokens=2), "critique"))


def by_hand(meta: bool, floor: float = -math.inf) -> tuple[dict[str, float], float]:
    """p(text) E[m w | text], summed over all critiques."""
    measure: dict[str, float] = {}
    for (text, critique), p in infer(text_and_critique(meta), Enumerate()).probabilities().items():
        w = math.exp(max(score(critique), floor) + (trust(critique) if meta else 0.0))
        measure[text] = measure.get(text, 0.0) + p * w
    total = sum(measure.values())
    return {v: m / total for v, m in measure.items()}, math.log(total)


@pytest.mark.parametrize("meta", [False, True])
@pytest.mark.parametrize("votes", [1, 2])
def test_any_number_of_votes_is_exact(votes: int, meta: bool) -> None:
    """Law: summed over all critiques, the posterior of the text and log Z are those of E[m w], whatever k."""
    exact, log_z = by_hand(meta)
    found = infer(judged(votes, meta), Enumerate())
    assert found.log_evidence == pytest.approx(log_z)
    probabilities = found.probabilities()
    assert probabilities == pytest.approx({v: p for v, p in exact.items() if p > 0})


def test_the_mean_of_logs_is_caught() -> None:
    """The mutant is exact for one vote, and for two far below E[w] in evidence: Jensen's inequality."""
    _, log_z = by_hand(False, floor=-5.0)
    assert infer(mean_of_logs(1), Enumerate()).log_evidence == pytest.approx(log_z)
    assert infer(mean_of_logs(2), Enumerate()).log_evidence < log_z - 0.3


def _evidence(model: Invocation[Any], runs: int) -> np.ndarray:
    return np.array([math.exp(infer(model, Importance(8), seed=s).log_evidence) for s in range(runs)])


def test_the_estimate_is_unbiased() -> None:
    """Law: E[Zhat] = Z for four votes, in standard errors over independent runs; more votes vary less."""
    _, log_z = by_hand(False)
    four, one = _evidence(judged(4, False), 300), _evidence(judged(1, False), 300)
    for runs in (four, one):
        assert abs(runs.mean() - math.exp(log_z)) < 4.2 * runs.std(ddof=1) / math.sqrt(300)
    assert four.std() < one.std()


def test_the_meta_filter_is_a_factor_of_its_own() -> None:
    """Law: log mean m and log mean m w are told apart in the trace, and add up."""
    trace = infer(judged(2, True), Enumerate()).traces[0]
    sites = {site.name: site for site in trace.sites()}
    critiques = [str(site.value) for site in trace.sites() if site.name == "critique"]
    m, w = np.exp([trust(c) for c in critiques]), np.exp([score(c) for c in critiques])
    assert sites["critique meta"].log_p == pytest.approx(math.log(m.mean()))
    assert sites["critique reward"].log_p == pytest.approx(math.log((m * w).mean() / m.mean()))


def test_weights_may_be_rewards() -> None:
    """Law: a `Reward` gives the same posterior as the function, through `call`."""
    asked = Reward(lambda items: [score(c) for (c,) in items], name="score")

    @program
    async def by_call() -> str:
        text = str(await sample(LM.text("", max_tokens=2), "text"))
        await sampled_reward(CRITIC.text(text, max_tokens=2), asked, 2)
        return text

    expected = infer(judged(2, False), Enumerate()).probabilities()
    assert infer(by_call(), Enumerate()).probabilities() == pytest.approx(expected)
    with pytest.raises(ValueError, match="at least 1 critique"):
        infer(judged(0, False), Enumerate())
