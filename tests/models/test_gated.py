"""S021, nudging: where the gate opens, the density and the draws of a gated text, and the target it proposes for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from checkpoints import write_checkpoint
from product_sums import A, B, Tokens, masses, rows_of, told, total_variation

from steersman import models
from steersman.inference import MH, SMC, Enumerate, Importance, infer, suffix
from steersman.inference.testing import (
    Listed,
    OracleModel,
    assert_exact,
    check_equivalences,
    check_measure,
    forks,
)
from steersman.models import GatedText, LogitBias, SoftPrompt, TableLM, gated
from steersman.models.gated import GatedToken
from steersman.ppl import assess, choice, enumerate_traces, factor, program, regenerate, sample, simulate, update

BASE, NUDGER = A.text("a", max_tokens=3), B.text("b", max_tokens=3)
GAMMA = 0.45


def gate(gamma: float) -> GatedText:
    return gated(BASE, NUDGER, gamma)


def by_hand(gamma: float, max_tokens: int = 3) -> dict[Tokens, float]:
    """tokens -> probability: plain loops over the rows of both tables."""
    law: dict[Tokens, float] = {}

    def visit(tokens: Tokens, mass: float) -> None:
        if tokens and (tokens[-1] in A.eos or len(tokens) == max_tokens):
            law[tokens] = mass
            return
        base, nudger = rows_of([(A, "a", 1.0), (B, "b", 1.0)], tokens)
        for token, p in enumerate((nudger if base.max() < gamma else base).tolist()):
            visit((*tokens, token), mass * p)

    visit((), 1.0)
    return law


class Grid:
    """Keys whose uniforms are a regular grid: a frequency then equals a probability up to one part in n."""

    def __init__(self, u: np.ndarray) -> None:
        self.u = u

    def uniform(self) -> np.ndarray:
        return self.u

    def at(self, some: list[int]) -> Grid:
        return Grid(self.u[some])


@pytest.mark.parametrize("gamma", [0.0, 0.4, GAMMA, 0.5, 1.0])
def test_the_law_is_that_of_the_tables(gamma: float) -> None:
    """Enumerated: each token has the base's probability where its largest is at least gamma, else the nudger's; the
    texts sum to one."""
    law = by_hand(gamma)
    exact = infer(told(gate(gamma)), Enumerate())
    assert masses(exact) == pytest.approx(law, rel=1e-12)
    assert exact.log_evidence == pytest.approx(0.0, abs=1e-12)


def test_the_gate_matters() -> None:
    """Between 0 and 1 the law is neither the base's nor the nudger's, so that the other tests see both branches."""
    laws = [by_hand(gamma) for gamma in (0.0, GAMMA, 1.0)]
    assert all(total_variation(laws[i], laws[j]) > 0.05 for i, j in ((0, 1), (1, 2), (0, 2)))


def test_a_closed_and_an_open_gate() -> None:
    """gamma 0 is the base and gamma 1 the nudger, draw for draw; where the base is certain, 1 leaves it alone."""
    for gamma, text in ((0.0, BASE), (1.0, NUDGER)):
        gated_draws, plain = (infer(told(t), Importance(40), seed=3).values for t in (gate(gamma), text))
        assert [v.tokens for v in gated_draws] == [v.tokens for v in plain]
        for a, b in zip(gated_draws, plain, strict=True):
            assert a.token_log_p == pytest.approx(b.token_log_p, abs=1e-12)
    sure = TableLM([-math.inf, 0.0, -math.inf, -math.inf])
    certain = gated(sure.text("", max_tokens=3), NUDGER, 1.0)
    assert infer(told(certain), Enumerate()).probabilities() == {"aaa": 1.0}


@pytest.mark.parametrize("prompt", ["", "a", "b", "c"])
@pytest.mark.parametrize("mask", [None, [0, 2]])
def test_a_grid_of_uniforms_draws_every_token_in_proportion(prompt: str, mask: list[int] | None) -> None:
    """Frequencies are q, with and without a mask, which restricts q (the gate is that of the unmasked base); log q
    belongs to them, and sums to one."""
    base, nudger = A.next(prompt), B.next(prompt)
    token = GatedToken(base, nudger, GAMMA)
    q = np.exp((nudger if math.exp(base.log_probs().max()) < GAMMA else base).log_probs())
    if mask is not None:
        token, allowed = token.masked(mask), np.isin(range(4), mask)
        q = np.where(allowed, q, 0) / q[allowed].sum()
        assert token.support() == tuple(mask)
    assert np.exp(GatedToken.log_prob([token] * 4, range(4))) == pytest.approx(q, abs=1e-12)
    n = 20_000
    drawn, log_q = GatedToken.draw([token] * n, Grid((np.arange(n) + 0.5) / n))  # type: ignore[arg-type]
    assert np.bincount(drawn, minlength=4) / n == pytest.approx(q, abs=3 / n)  # type: ignore[arg-type]
    assert np.exp(log_q) == pytest.approx(q[drawn], abs=1e-12)  # type: ignore[index]


def test_masks_do_not_reopen_the_gate() -> None:
    """There is a context in which the masked base would fall on the other side of gamma: q is decided without it."""
    seen = 0
    for prompt in ("", "a", "b", "c"):
        base = A.next(prompt)
        top = math.exp(base.log_probs().max())
        for mask in ([0, 1], [0, 2], [1, 3], [2, 3], [1, 2, 3]):
            masked_top = math.exp(base.masked(mask).log_probs().max())
            if (top < GAMMA) != (masked_top < GAMMA):
                seen += 1
                source = B.next(prompt) if top < GAMMA else base
                token = GatedToken(base, B.next(prompt), GAMMA).masked(mask)
                found = np.exp(GatedToken.log_prob([token] * 4, range(4)))
                assert found == pytest.approx(np.exp(source.masked(mask).log_probs()), abs=1e-12)
    assert seen >= 3


@pytest.mark.parametrize("gamma", [0.0, GAMMA, 1.0])
def test_as_a_proposal_it_leaves_the_target_alone(gamma: float) -> None:
    """Summed over every draw: q(text) times its weight p/q is p(text), and a draw weighs log p - log q."""
    law, target = by_hand(gamma), by_hand(0.0)
    for trace, _ in enumerate_traces(told(BASE, gate(gamma))):
        site = trace.site("text")
        assert site.log_p == pytest.approx(math.log(target[trace.value.tokens]))
        assert site.log_q == pytest.approx(math.log(law[trace.value.tokens]))
    for seed in range(10):
        drawn = simulate(told(BASE, gate(gamma)), seed)
        assert drawn.log_weight == pytest.approx(math.log(target[drawn.value.tokens] / law[drawn.value.tokens]))


def _model(how: str) -> OracleModel:
    """Small enough for every random choice of a sampler: two tokens of three, from two models."""
    lm, other = (TableLM.random(3, seed=s, scale=1.0) for s in (4, 5))

    def build(wrap: Any) -> Any:
        base, nudger = wrap(lm).text("a", max_tokens=2), wrap(other).text("", max_tokens=2)
        both, short = gated(base, nudger, 0.615), Listed(["", "a", "ba", "bb"])
        return {"target": told(both), "proposal": told(base, both), "conditioned target": told(both.where(short)),
                "proposal to a conditioned target": told(base.where(short), both)}[how]

    return OracleModel(how, build)


@pytest.mark.parametrize(
    "how", ["target", "proposal", "conditioned target", "proposal to a conditioned target"])
def test_proper_weighting_is_exact(how: str) -> None:
    """Summed over every random choice of the sampler, the expected weight of each text is its mass."""
    for make in (lambda resample: Importance(1), lambda resample: SMC(2, resample=resample, ess_threshold=1.0)):
        report = check_measure(make, _model(how))
        assert report.passed, report


@pytest.mark.parametrize("bug", ["base's density", "nudger's density", "gate upside down when scored"])
def test_wrong_densities_are_seen(bug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oracle above sees a proposal that reports the density of one of its parts, or gates its scores otherwise."""
    right = GatedToken.draw

    def draw(members: Sequence[GatedToken], keys: Any) -> Any:
        tokens, _ = right(members, keys)
        other = {
            "base's density": [m.base for m in members], "nudger's density": [m.nudger for m in members],
            "gate upside down when scored": [GatedToken(m.base, m.nudger, 1 - m.gamma) for m in members],
        }[bug]
        return tokens, type(other[0]).log_prob(other, tokens)

    monkeypatch.setattr(GatedToken, "draw", staticmethod(draw))
    assert not check_measure(lambda resample: Importance(1), _model("proposal")).passed


@pytest.mark.parametrize("method", [Importance(8), SMC(8, ess_threshold=1.0)], ids=["importance", "smc"])
def test_backends_are_unbiased(method: Any) -> None:
    """E[Zhat] = Z, properly weighted, calibrated, with the gated text as target and as proposal of a factored program.
    """

    @program
    async def long(text: Any, proposal: Any) -> str:
        drawn = await sample(text, "text", proposal=proposal)
        await factor(0.8 * len(drawn))
        return str(drawn)

    for program_call in (long(gate(GAMMA), None), long(BASE, gate(GAMMA))):
        assert_exact(method, OracleModel.of(program_call, length=len), runs=150)


@pytest.mark.slow
@pytest.mark.parametrize("knows", ["mask", "bytes", "nothing"])
def test_under_a_constraint(knows: Any) -> None:
    """gated(...).where(c) has the mass q(text) [text in C]; base.where(c) keeps p(text) [text in C] whoever proposes.
    Constraints without exact masks are drawn by rejection, which asks for masked tokens many times."""
    constraint = Listed(["", "ab", "ba", "bb", "cab"], knows)
    assert constraint.matches("ab")
    laws = {"target": by_hand(GAMMA), "proposal": by_hand(0.0)}
    calls = {"target": told(gate(GAMMA).where(constraint)), "proposal": told(BASE.where(constraint), gate(GAMMA))}
    for how, call in calls.items():
        exact = infer(call, Enumerate())
        expected = {v.tokens: laws[how][v.tokens] for v in exact.values}
        assert masses(exact) == pytest.approx(expected, rel=1e-12)
        assert {str(v) for v in exact.values} == {"", "ab", "ba", "bb", "cab"}
        assert_exact(Importance(8), OracleModel.of(call), runs=400)


def test_under_a_choice() -> None:
    """A choice among members is drawn from the exact conditional of the gated text."""
    law = {v: m for v, m in by_hand(GAMMA).items() if v in {(1, 2, 0), (2, 1, 0), (3, 3, 3)}}
    exact = infer(told(gate(GAMMA).where(choice(["ab", "ba", "ccc"]))), Enumerate())
    assert masses(exact) == pytest.approx(law, rel=1e-12)


def test_verbs_agree() -> None:
    """assess, update and regenerate score a gated text as it was drawn: whole, token by token, finished half-way."""
    model, law = told(gate(GAMMA)), by_hand(GAMMA)
    for tokens, trace in list({t.value.tokens: t for t, _ in enumerate_traces(model)}.items())[::4]:
        log_q = math.log(law[tokens])
        whole = assess(model, {"text": trace.value})
        single = assess(model, {f"text/token#{k}": x for k, x in enumerate(tokens)})
        for done, weight in ((whole, log_q), (single, log_q), (update(trace, {}), 0.0)):
            assert done.trace is not None and done.log_weight == pytest.approx(weight, abs=1e-10)
            site = done.trace.site("text")
            assert (site.log_p, site.log_q) == (pytest.approx(log_q), pytest.approx(log_q))
        again = regenerate(trace, ["text"], 3)
        assert again.trace is not None and again.log_weight == pytest.approx(0.0, abs=1e-9)


def test_it_runs_bit_for_bit() -> None:
    """Any batch, together or alone, forked at every token or replayed: equal particles."""
    for call in (told(gate(GAMMA)), told(BASE, gate(GAMMA))):
        report = check_equivalences(call, SMC(8, ess_threshold=1.0))
        assert report.passed, report
        assert all(c.z == 0 for c in forks(call, seed=5))


def test_chains_leave_the_target_invariant() -> None:
    """Suffix moves that propose by the gate, started from the base's exact law, keep it."""
    exact, chains = infer(told(BASE), Enumerate()), 400
    posterior = infer(told(BASE, gate(GAMMA)), MH(chains, 3, suffix(), warmup=0, init=exact), seed=5)
    assert all(0.05 < rate < 1 for rate in posterior.chains.acceptance().values())  # type: ignore[union-attr]
    for f in (lambda v: float(v.finish == "eos"), lambda v: float(len(v.tokens)), lambda v: float("a" in v)):
        means = np.array([f(v) for v in posterior.values]).reshape(chains, -1).mean(1)
        assert abs(means.mean() - exact.expectation(f)) < 4.5 * means.std(ddof=1) / math.sqrt(chains)


def test_texts_of_every_kind_nudge() -> None:
    """A nudger may be the same model under another prompt or temperature, a product, or itself gated."""
    cold = A.text("a", max_tokens=3, temperature=0.5)
    for nudger in (A.text("b", max_tokens=3), cold, A.text("a", max_tokens=3) * B.text("c", max_tokens=3), gate(0.3)):
        text = gated(BASE, nudger, GAMMA)
        exact = infer(told(text), Enumerate())
        assert exact.log_evidence == pytest.approx(0.0, abs=1e-12)
        assert masses(infer(told(BASE, text), Enumerate())) == pytest.approx(by_hand(0.0), rel=1e-12)
        drawn = simulate(told(BASE, text), 4)
        assert drawn.trace is not None
        assert drawn.log_weight == pytest.approx(drawn.value.log_p - drawn.trace.site("text").log_q, abs=1e-10)
        assert drawn.trace.site("text").log_q == pytest.approx(
            exact.log_weights[[v.tokens for v in exact.values].index(drawn.value.tokens)], abs=1e-10)


class Spy(TableLM):
    """Counts the batched questions that a model is asked."""

    def __init__(self, lm: TableLM) -> None:
        self.__dict__.update(lm.__dict__)
        self.plain, self.asked = lm, dict.fromkeys(("draw_next", "score_next", "next_log_probs", "top_next"), 0)

    def __getattribute__(self, name: str) -> Any:
        asked = object.__getattribute__(self, "__dict__").get("asked", {})
        if name not in asked:
            return super().__getattribute__(name)
        asked[name] += 1
        return getattr(self.plain, name)


def test_one_call_of_each_model_a_round() -> None:
    """Whatever the number of particles: a round asks the base for its tops once, and each model for draws at most
    once; no vector is asked for beyond that. The ledger charges each context once a token."""
    base, nudger = Spy(A), Spy(B)
    text = gated(base.text("a", max_tokens=3), nudger.text("b", max_tokens=3), GAMMA)
    posterior = infer(told(text), Importance(64), seed=1)
    rounds = max(len(v.tokens) for v in posterior.values)
    assert base.asked["top_next"] == rounds and base.asked["draw_next"] <= rounds
    assert 0 < nudger.asked["draw_next"] <= rounds
    assert base.asked["next_log_probs"] == nudger.asked["next_log_probs"] == nudger.asked["top_next"] == 0
    drawn = sum(len(v.tokens) for v in posterior.values)
    assert (posterior.cost.tokens, posterior.cost.calls) == (2 * drawn, 2 * rounds)
    proposed = infer(told(BASE, gate(GAMMA)), Importance(20), seed=1)
    assert proposed.cost.tokens == 2 * sum(len(v.tokens) for v in proposed.values)


@pytest.mark.slow
def test_on_the_decoder(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """No vector of the vocabulary leaves the device, and log q of the draws is what `assess` says."""
    lm = models.load(write_checkpoint(tmp_path / "tiny"))
    base, nudger = lm.text("ab", max_tokens=4), lm.text("xyz", max_tokens=4)
    tops = np.exp(lm.top_next([base.context.tokens], None))
    assert tops == pytest.approx(np.exp(lm.next("ab").log_probs().max()), rel=1e-5)
    assert np.exp(lm.top_next([base.context.tokens], np.array([0.3]))) == pytest.approx(
        np.exp(lm.next("ab", temperature=0.3).log_probs().max()), rel=1e-5)
    text = gated(base, nudger, float(1.2 * tops[0]))
    monkeypatch.setattr(lm, "next_log_probs", None)
    posterior = infer(told(base, text), Importance(8), seed=2)
    for value, log_weight in zip(posterior.values, posterior.log_weights, strict=True):
        trace = assess(told(base, text), {"text": value}).trace
        assert trace is not None
        site = trace.site("text")
        assert site.log_p - site.log_q == pytest.approx(log_weight + math.log(8), abs=2e-4)
    assert not all(abs(w + math.log(8)) < 1e-6 for w in posterior.log_weights)  # the nudger has drawn


@pytest.mark.slow
def test_a_learnt_nudger(tmp_path: Any) -> None:
    """A model with adapters nudges as it is, behind its soft prompt; what it proposes is weighed by p/q."""
    lm = models.load(write_checkpoint(tmp_path / "tiny"))
    learnt = lm.adapted(SoftPrompt(3), LogitBias())
    contexts = [learnt.context(prompt).tokens for prompt in ("ab", "xyz")]
    vectors = learnt.next_log_probs(contexts, None, None)
    assert learnt.top_next(contexts, None) == pytest.approx(vectors.max(1), abs=1e-5)
    assert learnt.top_next(contexts, None) != pytest.approx(lm.top_next(contexts, None), abs=1e-4)
    base = lm.text("ab", max_tokens=3)
    text = gated(base, learnt.text("ab", max_tokens=3), 1.0)
    assert text.trainable is learnt and gated(base, base, 1.0).trainable is None
    posterior = infer(told(base, text), Importance(8), seed=2)
    log_q = learnt.score_sequences([contexts[0]] * 8, [v.tokens for v in posterior.values])
    log_p = lm.score_sequences([contexts[0]] * 8, [v.tokens for v in posterior.values])
    weights = [float(p.sum() - q.sum()) for p, q in zip(log_p, log_q, strict=True)]
    assert posterior.log_weights + math.log(8) == pytest.approx(weights, abs=2e-4)


def test_bad_input() -> None:
    """Another tokenizer, other ends, no probability, a constraint inside: refused, with the fix."""
    for gamma in (-0.1, 1.1, math.nan):
        with pytest.raises(ValueError, match="gamma is a probability"):
            gated(BASE, NUDGER, gamma)
    foreign = TableLM.random(4, seed=9, vocabulary=["<eos>", "x", "y", "z"])
    with pytest.raises(ValueError, match=r"have different tokenizers.*take a nudger with the same tokenizer"):
        gated(BASE, foreign.text("", max_tokens=3), 0.5)
    with pytest.raises(ValueError, match="a gated text has parts that must end alike, but max_tokens is 3"):
        gated(BASE, B.text("b", max_tokens=4), 0.5)
    conditioned = BASE.where(Listed(["ab"]))
    with pytest.raises(TypeError, match=r"base is the text of one model.*gated\(...\).where"):
        gated(conditioned, NUDGER, 0.5)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"nudger is a text without a constraint.*gated\(...\).where"):
        gated(BASE, conditioned, 0.5)
    with pytest.raises(TypeError, match="is no factor"):
        gate(0.5) ** 2
    assert "gamma=0.5" in repr(gate(0.5))
