"""Products as targets: the density of whole sequences, exactly, under every backend; their draws and ends."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from product_sums import (
    PRODUCTS,
    A,
    B,
    Factor,
    local_sum,
    masses,
    normalised,
    product_of,
    sequence_sum,
    token_of,
    told,
    total_variation,
)

from steersman.inference import MH, SMC, Enumerate, Importance, cycle, edit, infer, suffix
from steersman.inference.testing import (
    OracleModel,
    Tape,
    TapedMultinomial,
    assert_exact,
    check_equivalences,
    check_measure,
    exhaust,
)
from steersman.inference.testing.programs import sentence
from steersman.models import ProductToken, TableLM, power
from steersman.models.product import token as product_module
from steersman.models.product.token import LocalToken, inverse_cdf
from steersman.ppl import (
    assess,
    enumerate_traces,
    observe,
    program,
    regenerate,
    simulate,
    update,
)


@pytest.mark.parametrize("name", PRODUCTS)
def test_the_target_is_the_product_of_whole_sequences(name: str) -> None:
    """Enumerated: every text has mass prod_j p_j(text)^a_j, and log Z is the log of their sum."""
    by_hand = sequence_sum(PRODUCTS[name], 3)
    exact = infer(told(product_of(PRODUCTS[name], 3)), Enumerate())
    assert masses(exact) == pytest.approx(by_hand, rel=1e-12)
    assert exact.log_evidence == pytest.approx(math.log(math.fsum(by_hand.values())), rel=1e-12)


def test_a_power_is_no_temperature() -> None:
    """p(text)^4 and drawing every token at temperature 1/4 are different laws; the product's proposal is the latter."""
    factors = PRODUCTS["power"]
    sharpened, cold = normalised(sequence_sum(factors, 3)), local_sum(factors, 3)
    assert total_variation(sharpened, cold) > 0.1
    target = product_of(factors, 3)
    assert normalised(masses(infer(told(target), Enumerate()))) == pytest.approx(sharpened, rel=1e-12)
    local = infer(told(target.proposal), Enumerate())  # which is a text like any other
    assert masses(local) == pytest.approx(cold, rel=1e-12)
    for value in local.values:
        assert assess(told(target.proposal), {"text": value}).log_weight == pytest.approx(math.log(cold[value.tokens]))
    at_temperature = infer(told(A.text("a", max_tokens=3, temperature=0.25)), Enumerate())
    assert masses(at_temperature) == pytest.approx(cold, rel=1e-12)


@pytest.mark.parametrize("name", PRODUCTS)
def test_the_proposal_is_the_locally_normalised_product(name: str) -> None:
    """log q of every token is log f - log C, and it sums to one."""
    law = local_sum(PRODUCTS[name], 3)
    for trace, _ in enumerate_traces(told(product_of(PRODUCTS[name], 3))):
        assert trace.site("text").log_q == pytest.approx(math.log(law[trace.value.tokens]), rel=1e-10, abs=1e-12)
    assert math.fsum(law.values()) == pytest.approx(1.0)


@pytest.mark.parametrize("name", PRODUCTS)
def test_the_weight_gains_the_normalisers(name: str) -> None:
    """A draw weighs log f(text) - log q(text), and its trace records log f."""
    by_hand, law = sequence_sum(PRODUCTS[name], 3), local_sum(PRODUCTS[name], 3)
    for seed in range(20):
        drawn = simulate(told(product_of(PRODUCTS[name], 3)), seed)
        assert drawn.trace is not None
        log_f, log_q = (math.log(table[drawn.value.tokens]) for table in (by_hand, law))
        assert drawn.trace.log_joint == pytest.approx(log_f) == drawn.value.log_p
        assert drawn.log_weight == pytest.approx(log_f - log_q, abs=1e-10)


@pytest.mark.parametrize("name", ["power", "inverse", "ratio"])
@pytest.mark.parametrize("method", [Importance(8), SMC(16, ess_threshold=1.0), SMC(8, resample_at="token")],
                         ids=["importance", "smc", "token"])
def test_backends_are_unbiased(name: str, method: Any) -> None:
    """E[Zhat] = Z, properly weighted, calibrated: the sequence-level target, resampled inside the text."""
    assert_exact(method, OracleModel.of(told(product_of(PRODUCTS[name], 3)), tokens=lambda v: len(v.tokens)), runs=200)


@pytest.mark.slow
@pytest.mark.parametrize("name", PRODUCTS)
@pytest.mark.parametrize("method", [Importance(32), SMC(16, ess_threshold=1.0), SMC(32, resample_at="token")],
                         ids=["importance", "smc", "token"])
def test_backends_are_unbiased_on_every_product(name: str, method: Any) -> None:
    """The same, for all products and 500 runs."""
    assert_exact(method, OracleModel.of(told(product_of(PRODUCTS[name], 3)), tokens=lambda v: len(v.tokens)), runs=500)


def test_proper_weighting_of_a_power_is_exact() -> None:
    """Summed over every random choice of the sampler: the expected weight of each text is its mass."""
    lm = TableLM.random(3, seed=4, scale=1.0)
    model = OracleModel("power", lambda wrap: told(power(wrap(lm), 2.5).text("a", max_tokens=2)))
    for make in (lambda resample: Importance(1), lambda resample: SMC(2, resample=resample, ess_threshold=1.0)):
        report = check_measure(make, model)
        assert report.passed, report


@pytest.mark.parametrize("particles", [1, 2])
def test_proper_weighting_of_a_product_is_exact(particles: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same for a ratio of models, whose draws are taken from a tape through the uniforms that mean them."""
    lm, other = (TableLM.random(3, seed=s, scale=1.0) for s in (4, 5))
    factors: list[Factor] = [(lm, "a", 1.5), (other, "b", -0.5)]
    target = product_of(factors, 2)

    def run(tape: Tape) -> Any:
        def draw(log_f: np.ndarray, u: np.ndarray) -> Any:
            q = np.exp(log_f) / np.exp(log_f).sum(-1, keepdims=True)
            chosen = [tape.choose(row) for row in q]
            middle = [row[:k].sum() + row[k] / 2 for row, k in zip(q, chosen, strict=True)]
            return inverse_cdf(log_f, np.array(middle))

        monkeypatch.setattr(product_module, "inverse_cdf", draw)
        return infer(told(target), SMC(particles, resample=TapedMultinomial(tape), ess_threshold=1.0), progress=False)

    found: dict[tuple[int, ...], float] = {}
    for probability, posterior in exhaust(run):
        evidence = probability * math.exp(posterior.log_evidence)
        for value, weight in zip(posterior.values, posterior.weights, strict=True):
            found[value.tokens] = found.get(value.tokens, 0.0) + evidence * weight
    assert found == pytest.approx(sequence_sum(factors, 2), rel=1e-9)


def test_tokens_as_targets() -> None:
    """lm.next(c) ** 2 * lm2.next(d): every token has the product of its powers; two sites multiply."""
    product = A.next("a") ** 2 * B.next("b")
    f = np.exp(2 * A.next("a").log_probs() + B.next("b").log_probs())
    exact = infer(token_of(product), Enumerate())
    assert dict(zip(exact.values, np.exp(exact.log_weights), strict=True)) == pytest.approx(dict(enumerate(f)))
    assert_exact(Importance(4), OracleModel.of(token_of(product)), runs=200)


@pytest.mark.parametrize("factors", [[(A, "a", 1.5), (B, "b", -0.4)], [(A, "", -1.0)], [(A, "a", 0.0)]])
def test_a_grid_of_uniforms_draws_every_token_in_proportion(factors: list[Factor]) -> None:
    """Inverse CDF: frequencies are the normalised product to one part in n, and log q belongs to them."""

    class Grid:
        def uniform(self) -> np.ndarray:
            return (np.arange(n) + 0.5) / n

    n = 20_000
    token = ProductToken(tuple((lm.next(prompt), a) for lm, prompt, a in factors))
    local = token.proposal
    assert isinstance(local, LocalToken)
    drawn, log_q = LocalToken.draw([local] * n, Grid())  # type: ignore[arg-type]
    f = np.exp(ProductToken.log_prob([token] * 4, range(4)))
    assert np.bincount(drawn, minlength=4) / n == pytest.approx(f / f.sum(), abs=3 / n)  # type: ignore[arg-type]
    assert log_q == pytest.approx(LocalToken.log_prob([local] * n, drawn), abs=1e-12)
    assert np.exp(LocalToken.log_prob([local] * 4, range(4))) == pytest.approx(f / f.sum(), abs=1e-12)


def test_other_proposals_leave_the_target_alone() -> None:
    """sample(product, proposal=...): any text over the same tokens; and a product may itself propose."""
    target, draft = product_of(PRODUCTS["models"], 3), A.text("", max_tokens=3, temperature=2.0)
    pairs: list[tuple[Any, Any]] = [
        (target, draft), (target, A.text("a", max_tokens=3).favouring("ab")),
        (target, power(B, 0.5).text("a", max_tokens=3)), (A.text("a", max_tokens=3), target),
        (A.text("a", max_tokens=3), target.proposal),
    ]
    for text, proposal in pairs:
        exact = infer(told(text), Enumerate())
        assert masses(infer(told(text, proposal), Enumerate())) == pytest.approx(masses(exact), rel=1e-12)
        for seed in range(10):
            drawn = simulate(told(text, proposal), seed)
            assert drawn.trace is not None
            site = drawn.trace.site("text")
            assert drawn.log_weight == pytest.approx(site.log_p - site.log_q, abs=1e-12)
    for dist, proposal in ((A.next("a") ** 2, B.next("")), (A.next("a"), A.next("a") * B.next("b"))):
        for seed in range(10):
            drawn = simulate(token_of(dist, proposal), seed)
            q = infer(token_of(getattr(proposal, "proposal", proposal)), Enumerate())
            assert drawn.trace is not None
            log_q = q.log_weights[q.values.index(drawn.value)]
            assert drawn.log_weight == pytest.approx(drawn.trace.log_joint - log_q, abs=1e-12)


def test_smc_stops_at_every_token() -> None:
    """The weight changes at every token, so that is where SMC compares its particles by default."""
    posterior = infer(told(product_of(PRODUCTS["models"], 3)), SMC(8, ess_threshold=1.0), seed=4)
    assert posterior.genealogy is not None
    assert len(posterior.genealogy) == max(len(v.tokens) for v in posterior.values) == 3


def test_how_product_texts_end() -> None:
    """By the stop strings, end of text and limit of the texts, and the end-of-text tokens of the first factor."""
    text = A.text("a", stop="bc", max_tokens=3) * B.text("b", stop="bc", max_tokens=3)
    ends = {v.tokens: (str(v), v.finish) for v in infer(told(text), Enumerate()).values}
    assert ends[2, 3] == ("", "stop") and ends[1, 2, 3] == ("a", "stop")
    assert ends[1, 0] == ("a", "eos") and ends[3, 3, 3] == ("ccc", "length")
    endless = TableLM.random(4, seed=9, eos=None, vocabulary=["<eos>", "a", "b", "c"])
    endless.tokenizer = A.tokenizer
    finishes = [{v.finish for v in infer(told(p.text("", max_tokens=2)), Enumerate()).values}
                for p in (A * endless, endless * A)]
    assert finishes == [{"eos", "length"}, {"length"}]


@pytest.mark.parametrize("name", PRODUCTS)
def test_verbs_agree(name: str) -> None:
    """assess, update and regenerate score a text as it was drawn: whole, token by token, and finished half-way."""
    model = told(product_of(PRODUCTS[name], 3))
    by_hand, law = sequence_sum(PRODUCTS[name], 3), local_sum(PRODUCTS[name], 3)
    traces = {t.value.tokens: t for t, _ in enumerate_traces(model)}
    for tokens, trace in list(traces.items())[::5]:
        log_f, log_q = math.log(by_hand[tokens]), math.log(law[tokens])
        whole = assess(model, {"text": trace.value})
        single = assess(model, {f"text/token#{k}": x for k, x in enumerate(tokens)})
        kept = update(trace, {})
        for done, weight in ((whole, log_f), (single, log_f), (kept, 0.0)):
            assert done.trace is not None and done.log_weight == pytest.approx(weight, abs=1e-10)
            site = done.trace.site("text")
            assert (site.log_p, site.log_q) == (pytest.approx(log_f), pytest.approx(log_q, rel=1e-10, abs=1e-12))
        again = regenerate(trace, ["text"], 3)
        assert again.trace is not None
        ratio = {t: math.log(by_hand[t]) - math.log(law[t]) for t in (tokens, again.value.tokens)}
        assert again.log_weight == pytest.approx(ratio[again.value.tokens] - ratio[tokens], abs=1e-9)


def test_observing_a_product() -> None:
    """observe(lm1 * lm2, text): the weight gains log f(text), for texts and tokens, in one teacher-forced pass."""
    text = product_of(PRODUCTS["ratio"], 3)
    by_hand = sequence_sum(PRODUCTS["ratio"], 3)

    @program
    async def seen(value: str) -> None:
        await observe(text, value, "seen")
        await observe(A.next("a") ** 2 / B.next("b"), 2, "token")

    token = 2 * A.next("a").log_probs()[2] - B.next("b").log_probs()[2]
    spelled = A.tokenizer.encode
    for value, tokens in (("", (0,)), ("ba", (*spelled("ba"), 0)), ("abc", spelled("abc"))):
        assert simulate(seen(value)).log_weight == pytest.approx(math.log(by_hand[tokens]) + token)
    assert simulate(seen("abca")).log_weight == -math.inf


def test_programs_over_next_tokens_run_on_products() -> None:
    """A program that takes a model takes a product: the hard sentence on lm ** 2 * lm2, against the plain sum."""
    product = A**2 * B**0.5
    exact = infer(sentence(product, "twist", 3), Enumerate())  # type: ignore[arg-type]

    from steersman.inference.testing.programs import hand_sum

    class Weights:
        """The product's rows in place of a model's."""

        eos = A.eos

        def next_log_probs(self, prefixes: Any, *_: Any) -> np.ndarray:
            return np.array(2 * A.next_log_probs(prefixes, None, None) + 0.5 * B.next_log_probs(prefixes, None, None))

    by_hand = hand_sum(Weights(), 3)  # type: ignore[arg-type]
    found = {v: p * math.exp(exact.log_evidence) for v, p in exact.probabilities().items()}
    assert found == pytest.approx(by_hand, rel=1e-12)


def test_products_run_bit_for_bit() -> None:
    """Any batch, together or alone, forked or replayed: equal particles."""
    for name in ("power", "ratio"):
        report = check_equivalences(told(product_of(PRODUCTS[name], 3)), SMC(8, ess_threshold=1.0))
        assert report.passed, report


@pytest.mark.parametrize("name", ["flattened", "ratio"])
def test_chains_leave_the_product_invariant(name: str) -> None:
    """Suffix and edit moves (which finish a half-drawn text in one pass), started from the exact law, keep it."""
    text = product_of(PRODUCTS[name], 3)
    exact = infer(told(text), Enumerate())
    chains = 500
    posterior = infer(told(text), MH(chains, 4, cycle(suffix(), edit()), warmup=0, init=exact), seed=5)
    assert all(rate > 0.05 for rate in posterior.chains.acceptance().values())  # type: ignore[union-attr]
    for f in (lambda v: float(v.finish == "eos"), lambda v: float(len(v.tokens)), lambda v: float("a" in v)):
        means = np.array([f(v) for v in posterior.values]).reshape(chains, -1).mean(1)
        assert abs(means.mean() - exact.expectation(f)) < 4.5 * means.std(ddof=1) / math.sqrt(chains)
