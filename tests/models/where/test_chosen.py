"""A choice among members: exact draws, exact evidence, over all tokenizations, under every method."""

from __future__ import annotations

import math

import numpy as np
import pytest

from steersman.inference import MH, SMC, Enumerate, Importance, ParticleGibbs, infer, site
from steersman.inference.testing import check_chain, check_method
from steersman.models.where import ChosenText, ConditionedText
from steersman.ppl import Text, assess, factor, observe, program, sample
from steersman.ppl.constraints.choice import choice
from tests.models.listed import pieces_lm, truth

PIECES = ["a", "b", "ab", "aba", ".", "b."]
MEMBERS = ["ab", "abab", "b", "aab"]


@program
async def draw(text: ChosenText) -> tuple[tuple[int, ...], str, str]:
    value = await sample(text, "text")
    return value.tokens, str(value), value.finish


def _chosen(seed: int = 0, **options: object) -> ChosenText:
    lm = pieces_lm(PIECES, seed=seed)
    text = lm.text("a", where=choice(MEMBERS), **{"max_tokens": 4, "stop": ".", **options})  # type: ignore[call-overload]
    assert isinstance(text, ChosenText)
    return text


@pytest.mark.parametrize("options", [{}, {"stop": None}, {"max_tokens": 2}, {"temperature": 0.6}], ids=str)
def test_enumeration_is_the_conditional(options: dict[str, object]) -> None:
    """Every token sequence that spells a member, with every end: the same as the sum over all draws of the model."""
    text = _chosen(seed=1, **options)
    posterior = infer(draw(text), Enumerate())
    if "temperature" not in options:  # the truth sums the model as it is
        log_z, expected = truth(text.text)
        assert posterior.log_evidence == pytest.approx(log_z, abs=1e-9)
        assert posterior.probabilities() == pytest.approx(expected, abs=1e-9)
    tokenwise = infer(draw(text.text), Enumerate())
    assert posterior.log_evidence == pytest.approx(tokenwise.log_evidence, abs=1e-9)
    assert posterior.probabilities() == pytest.approx(tokenwise.probabilities(), abs=1e-9)


def test_every_draw_weighs_the_same() -> None:
    """The weight of each particle is P(C): masks alone would have weights that differ."""
    text = _chosen(seed=2)
    log_z, _ = truth(text.text)
    posterior = infer(draw(text), Importance(50), seed=1)
    assert np.ptp(posterior.log_weights) < 1e-9
    assert posterior.log_evidence == pytest.approx(log_z, abs=1e-9)
    masked = infer(draw(text.text), Importance(50), seed=1)
    assert np.ptp(masked.log_weights) > 0.1


def test_canonical_members_have_one_spelling() -> None:
    """Asked for, each member counts with the tokens that the tokenizer gives it, whatever ends it."""
    lm = pieces_lm(PIECES, seed=1)
    text = lm.text("a", where=choice(MEMBERS, "canonical"), max_tokens=4, stop=".")
    assert isinstance(text, ChosenText)
    own = {member: lm.tokenizer.encode(member) for member in MEMBERS}
    endings = {"eos": 1, "length": 0}
    for value in text.spellings:
        if value.finish in endings:
            assert value.tokens[: len(value.tokens) - endings[value.finish]] == own[value]
    _, expected = truth(text.text)
    kept = {(s.tokens, str(s), s.finish) for s in text.spellings}
    assert kept < set(expected)
    assert {m for m in MEMBERS if len(own[m]) <= 4} == {str(s) for s in text.spellings}


@program
async def judged(text: ChosenText) -> tuple[tuple[int, ...], str, str]:
    value = await sample(text, "text")
    await factor(1.5 * str(value).count("ab"))
    return value.tokens, str(value), value.finish


@pytest.mark.slow
def test_methods_agree() -> None:
    """SMC, MH and particle Gibbs move it as one choice."""
    report = check_method(SMC(8), judged(_chosen(seed=3)), runs=200, error_bars=False)
    assert report.passed, report
    for method in (MH(300, 4, site(), warmup=100), ParticleGibbs(4, 2, chains=300, warmup=10)):
        report = check_chain(method, judged(_chosen(seed=3)), seed=2)
        assert report.passed, f"{method}: {report}"


def test_texts_know_their_scores() -> None:
    """Values are Texts with the log-probability of each token, and score as such when imposed or observed."""
    text = _chosen(seed=4)
    value = infer(draw(text), Importance(1), seed=5).traces[0]["text"]
    assert isinstance(value, Text)
    own = text.text.lm.score_sequences([text.text.context.tokens], [value.tokens])[0]
    assert value.token_log_p == pytest.approx(own)
    assert assess(draw(text), {("text", 0): value}).log_weight == pytest.approx(value.log_p)
    assert assess(draw(text), {("text", 0): "ba"}).log_weight == -math.inf

    @program
    async def seen() -> None:
        await observe(text, value)

    assert infer(seen(), Importance(1)).log_evidence == pytest.approx(value.log_p)


def test_many_spellings_are_drawn_token_by_token() -> None:
    """The same measure, sampled with masks, where there is too much to enumerate; conditioned further it is, too."""
    lm = pieces_lm(PIECES, seed=5)
    assert isinstance(lm.text("a", where=choice(["ab" * 20]), max_tokens=40), ConditionedText)
    assert isinstance(_chosen().where(choice(["ab", "b"])), ConditionedText)


def test_cost() -> None:
    """The ledger counts each token of each spelling once."""
    text = _chosen(seed=6, stop=None)
    prefixes = {s.tokens[: k + 1] for s in text.spellings for k in range(len(s.tokens))}
    assert infer(draw(text), Importance(1)).cost.tokens == len(prefixes)
