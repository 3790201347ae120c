"""Proposals that favour a phrase: an exact density, the draws that belong to it, and an unchanged target."""

from __future__ import annotations

import numpy as np
import pytest

from steersman.inference import SMC, AllParticlesDead, Enumerate, Importance, Posterior, infer
from steersman.models import TableLM
from steersman.models.favour import FavouredToken, next_of_phrase
from steersman.ppl import OutsideSupport, Text, condition, observe, program, sample, simulate, update

LM = TableLM.random(5, order=2, seed=3)
A, B = LM.tokenizer.encode("a")[0], LM.tokenizer.encode("b")[0]


class Grid:
    """Keys whose uniforms are a regular grid: a frequency then equals a probability up to one part in n."""

    def __init__(self, n: int) -> None:
        self.n = n

    def uniform(self) -> np.ndarray:
        return (np.arange(self.n) + 0.5) / self.n


@pytest.mark.parametrize("temperature", [1.0, 0.6])
def test_the_density_is_the_tilted_one_and_draws_follow_it(temperature: float) -> None:
    """q = p exp(boost [x = w]) / C sums to one, and a grid of uniforms lands on each token with frequency q."""
    base = LM.next("a", temperature=temperature)
    favoured = FavouredToken(base, B, 2.5)
    tokens = range(LM.vocab_size)
    log_q = FavouredToken.log_prob([favoured] * LM.vocab_size, list(tokens))
    tilted = np.exp(base.log_probs() + 2.5 * (np.arange(LM.vocab_size) == B))
    assert np.exp(log_q) == pytest.approx(tilted / tilted.sum(), abs=1e-12)
    n = 20_000
    drawn, drawn_log_q = FavouredToken.draw([favoured] * n, Grid(n))  # type: ignore[arg-type]
    frequency = np.bincount(drawn, minlength=LM.vocab_size) / n
    assert frequency == pytest.approx(np.exp(log_q), abs=3 / n)
    assert np.array_equal(drawn_log_q, log_q[drawn])


def test_the_next_token_of_a_phrase() -> None:
    """A phrase is begun, continued where the text ends in a part of it, and left alone once it is there."""
    first, second = LM.tokenizer.encode("ab")
    assert next_of_phrase(LM, b"", "ab") == first
    assert next_of_phrase(LM, b"ca", "ab") == second
    assert next_of_phrase(LM, b"aa", "aab") == LM.tokenizer.encode("b")[0]
    assert next_of_phrase(LM, b"cab", "ab") is None
    assert next_of_phrase(LM, b"cb", "ab") == first


@program
async def must_say(boost: float) -> Text:
    text = LM.text("", max_tokens=4)
    drawn: Text = await sample(text, "text", proposal=text.favouring("ab", boost) if boost else None)
    await condition("ab" in drawn)
    return drawn


@pytest.mark.parametrize("method", [Importance(8), SMC(8, ess_threshold=1.0), SMC(8, resample_at="factor")])
def test_the_target_is_unchanged(method: Importance | SMC) -> None:
    """E[Zhat 1{value}] is the exact mass of every value: the proposal steers and leaves the measure alone."""
    exact = infer(must_say(0.0), Enumerate())
    common = {v for v, p in exact.probabilities().items() if p > 0.1}  # the others are one class

    def masses(posterior: Posterior) -> dict[str, float]:
        table = posterior.probabilities(lambda v: str(v) if str(v) in common else "another")
        return {v: p * float(np.exp(posterior.log_evidence)) for v, p in table.items()}

    runs, truth = 500, masses(exact)
    found = {v: np.zeros(runs) for v in truth}
    for r in range(runs):
        try:
            posterior = infer(must_say(3.0), method, seed=r)
        except AllParticlesDead:
            continue
        for v, mass in masses(posterior).items():
            found[v][r] = mass
    assert len(truth) >= 3
    for v, x in found.items():
        assert abs(x.mean() - truth[v]) < 4.5 * x.std(ddof=1) / runs**0.5, v
    z = np.sum(list(found.values()), axis=0)
    assert abs(z.mean() - np.exp(exact.log_evidence)) < 4.5 * z.std(ddof=1) / runs**0.5


def test_favouring_makes_the_phrase_likelier() -> None:
    """What it is for: far more particles meet the condition than the model alone would produce."""
    alive = [sum(t is not None for t in infer(must_say(b), Importance(400), seed=1).traces) for b in (0.0, 3.0)]
    assert alive[1] > 2 * alive[0]


def test_an_imposed_text_is_scored_under_its_proposal() -> None:
    """update() records log q of a kept text under the favouring proposal: what a reverse move needs."""
    trace = next(t for s in range(100) if (t := simulate(must_say(2.0), s).trace) is not None)
    again = update(trace, {}).trace
    assert again is not None
    assert again.site("text").log_q == pytest.approx(trace.site("text").log_q, abs=1e-9)
    assert again.site("text").log_p == pytest.approx(trace.site("text").log_p, abs=1e-9)


def test_bad_arguments() -> None:
    """An empty phrase, a boost that is none, and favouring as a target are refused with the fix."""
    text = LM.text("", max_tokens=3)
    with pytest.raises(ValueError, match="phrase"):
        text.favouring("")
    for boost in (0.0, -1.0, float("nan"), 80.0):
        with pytest.raises(ValueError, match="nats"):
            text.favouring("a", boost)

    @program
    async def wrong() -> None:
        await sample(text.favouring("a"), "text")

    with pytest.raises(TypeError, match="proposal"):
        simulate(wrong(), 0)

    @program
    async def seen() -> None:
        await observe(text.favouring("a"), "ab", "seen")

    with pytest.raises(OutsideSupport, match=r"seen.*makes a proposal"):
        simulate(seen(), 0)


def test_a_favoured_text_costs_one_token_a_token() -> None:
    """Proposal and target read one forward pass, so the ledger charges it once; another prompt is charged too."""
    for favours in (True, False):

        @program
        async def text(favours: bool = favours) -> Text:
            plain = LM.text("", max_tokens=4)
            other = LM.text("b", max_tokens=4)
            drawn: Text = await sample(plain, "text", proposal=(plain if favours else other).favouring("ab"))
            return drawn

        posterior = infer(text(), Importance(20), seed=1)
        drawn = sum(len(v.tokens) for v in posterior.values)
        assert posterior.cost.tokens == (drawn if favours else 2 * drawn)


def test_an_imposed_text_is_charged_under_a_favouring_proposal() -> None:
    """Scoring a guide's text costs its tokens, and again where the proposal has another prompt."""

    @program
    async def guide() -> Text:
        drawn: Text = await sample(LM.text("", max_tokens=4), "text")
        return drawn

    for prompt, times in (("", 2), ("b", 3)):

        @program
        async def text(prompt: str = prompt) -> Text:
            favouring = LM.text(prompt, max_tokens=4).favouring("ab")
            drawn: Text = await sample(LM.text("", max_tokens=4), "text", proposal=favouring)
            return drawn

        posterior = infer(text(), Importance(20, proposal=guide()), seed=1)
        assert posterior.cost.tokens == times * sum(len(v.tokens) for v in posterior.values)
