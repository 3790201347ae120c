"""Texts under a constraint against the sum over all draws: every end (end of text, stop strings, length), overlapping
tokens, proposals, products, soft constraints."""

from __future__ import annotations

import math
from collections.abc import Hashable
from typing import Any

import pytest

from steersman.inference import (
    MH,
    SMC,
    Algorithm,
    Enumerate,
    Importance,
    Kernel,
    ParticleGibbs,
    block,
    edit,
    infer,
    site,
    suffix,
)
from steersman.inference.testing import check_chain, check_kernel, check_method
from steersman.models import TableLM
from steersman.models.where import ConditionedText
from steersman.ppl import Text, assess, observe, program, sample
from steersman.ppl.constraints.errors import Unsatisfiable
from steersman.ppl.constraints.masks import tokens_of
from tests.models.listed import Listed, pieces_lm, truth

PIECES = ["a", "b", "ab", "a.", ".", ".b", "b.a", ".."]
TEXTS = ["ab", "aab", "b", "ba", "", "abab", "a.", "b.b", "a.b"]


@program
async def draw(text: ConditionedText) -> tuple[tuple[int, ...], str, str]:
    value = await sample(text, "text")
    return value.tokens, str(value), value.finish


CASES = {
    "length": {"max_tokens": 3},
    "stop of one character": {"max_tokens": 4, "stop": "."},
    "stop of two": {"max_tokens": 4, "stop": ".."},
    "stop that overlaps itself": {"max_tokens": 4, "stop": "bab"},
    "two stops": {"max_tokens": 3, "stop": [".b", "aa"]},
    "temperature": {"max_tokens": 3, "stop": ".", "temperature": 1.7},
}


def _text(lm: TableLM, case: str, **options: object) -> ConditionedText:
    return lm.text("a", where=Listed(TEXTS), **{**CASES[case], **options})  # type: ignore[call-overload, no-any-return]


@pytest.mark.parametrize("case", [c for c in CASES if c != "temperature"])
def test_enumeration_is_the_conditional(case: str) -> None:
    """Masks, stops and ends lose no draw, add none, and log Z is log P(C): to rounding."""
    text = _text(pieces_lm(PIECES, seed=3), case)
    log_z, expected = truth(text)
    posterior = infer(draw(text), Enumerate())
    assert posterior.log_evidence == pytest.approx(log_z, abs=1e-9)
    found = posterior.probabilities()
    assert set(found) == set(expected)
    assert all(found[v] == pytest.approx(p, abs=1e-9) for v, p in expected.items())


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("stop", ["token", "weight"])
def test_smc_is_unbiased(case: str, stop: str) -> None:
    """E[Zhat f] = Z E[f] where the masks are the proposal."""
    text = _text(pieces_lm(PIECES, seed=4), case)
    report = check_method(SMC(6, resample_at=stop), draw(text), runs=150, error_bars=False, seed=2)
    assert report.passed, report


@pytest.mark.parametrize("case", [c for c in CASES if c != "temperature"])
def test_equal_keys_have_equal_masks(case: str) -> None:
    """However a text was spelt so far: also where one spelling has come to its last token and another has not."""
    ends = _text(pieces_lm(PIECES), case).ends
    known: dict[Hashable, tuple[list[int], list[bool]]] = {}
    shared, going = 0, [ends.start()]
    while going:
        progress = going.pop()
        allowed = [progress.allows(token) for token in range(ends.vocabulary.size)]
        found = tokens_of(progress.mask()), allowed
        shared += progress.key() in known
        assert known.setdefault(progress.key(), found) == found
        if progress.left > 1:
            pieces = enumerate(ends.vocabulary.token_bytes)
            on = [t for t, piece in pieces if piece and allowed[t] and ends.stop_in(progress.data, piece) is None]
            going += [progress.advance(token) for token in on]
    assert shared


def test_scoring_is_the_target() -> None:
    """assess gives log p(text) where the text is in the language, and kills it where it is not."""
    lm = pieces_lm(PIECES, seed=5)
    text = _text(lm, "stop of one character")
    _, expected = truth(text)
    for tokens, value, finish in expected:
        scored = assess(draw(text), {("text", 0): Text(value, tokens, (), finish, "." if finish == "stop" else None)})
        assert scored.log_weight == pytest.approx(lm.score_sequences([lm.context("a").tokens], [tokens])[0].sum())
    outside = assess(draw(text), {("text", 0): "aa"})
    assert outside.log_weight == -math.inf


@program
async def seen(text: ConditionedText, value: str) -> None:
    await observe(text, value)


def test_observed_texts() -> None:
    """An observed text outside the language has density zero."""
    lm = pieces_lm(PIECES, seed=5)
    text = lm.text("a", where=Listed(TEXTS), max_tokens=3)
    log_z = infer(seen(text, "ab"), Importance(1)).log_evidence
    tokens = (*lm.tokenizer.encode("ab"), 0)
    assert log_z == pytest.approx(lm.score_sequences([lm.context("a").tokens], [tokens])[0].sum())
    assert assess(seen(text, "aa"), {}).log_weight == -math.inf


@pytest.mark.parametrize("method", [
    MH(400, 6, suffix(), warmup=6), ParticleGibbs(4, 2, chains=300, warmup=3),
    ParticleGibbs(3, 2, chains=300, warmup=3, ancestor_sampling=True),
], ids=["suffix", "particle Gibbs", "PGAS"])
def test_chains_agree(method: Algorithm[Any]) -> None:
    """Markov chains over conditioned texts reach the same law."""
    report = check_chain(method, draw(_text(pieces_lm(PIECES, seed=6), "stop of two")), seed=1)
    assert report.passed, report


@pytest.mark.parametrize("move", [block(length=2), edit("text"), site()], ids=lambda k: k.name)
def test_moves_leave_it_invariant(move: Kernel) -> None:
    """Blocks, edits and whole texts: what is kept of a text is weighed by the constraint, too."""
    report = check_kernel(move, draw(_text(pieces_lm(PIECES, seed=6), "stop of one character")), chains=400, steps=2)
    assert report.passed, report


def test_other_proposals() -> None:
    """Another prompt, temperature or a favoured phrase as proposal is steered by the constraint too, and changes
    nothing about the target."""
    lm = pieces_lm(PIECES, seed=7)
    text = _text(lm, "stop of one character")

    @program
    async def proposed(which: str) -> tuple[tuple[int, ...], str, str]:
        q = {
            "prompt": lm.text("b", max_tokens=4, stop="."),
            "conditioned": lm.text("b", max_tokens=4, stop=".", temperature=2.0, where=Listed(TEXTS[:6])),
            "favoured": text.favouring("ab", boost=2.0),
        }[which]
        value = await sample(text, "text", proposal=q)
        return value.tokens, str(value), value.finish

    for which in ("prompt", "conditioned", "favoured"):
        report = check_method(SMC(6), proposed(which), runs=150, error_bars=False, seed=3)
        assert report.passed, f"{which}: {report}"


def test_products_are_conditioned_as_a_whole() -> None:
    """(lm1 * lm2 ** 0.5).text(where=C): the product's measure, restricted."""
    first, second = pieces_lm(PIECES, seed=8), pieces_lm(PIECES, seed=9)
    second.tokenizer = first.tokenizer
    text = (first * second**0.5).text("a", max_tokens=3, where=Listed(TEXTS))
    exact = infer(draw(text), Enumerate())
    report = check_method(SMC(6), draw(text), runs=200, error_bars=False, seed=5)
    assert report.passed, report
    assert {v for _, v, _ in exact.probabilities()} <= set(TEXTS)
    with pytest.raises(TypeError, match="condition the product"):
        _text(first, "length") ** 2


@pytest.mark.parametrize("case", ["length", "stop of one character", "stop of two"])
def test_soft_constraints_weigh(case: str) -> None:
    """Texts outside the language keep exp(-penalty) of their mass, whenever it is charged."""
    lm = pieces_lm(PIECES, seed=10)
    listed = Listed(TEXTS)
    text = lm.text("a", where=listed.softly(1.3), **CASES[case])  # type: ignore[call-overload]
    log_z, expected = truth(text, lambda s: 1.0 if listed.matches(s) else math.exp(-1.3))
    posterior = infer(draw(text), Enumerate())
    assert posterior.log_evidence == pytest.approx(log_z, abs=1e-9)
    assert posterior.probabilities() == pytest.approx(expected, abs=1e-9)
    report = check_method(SMC(6), draw(text), runs=150, error_bars=False, seed=2)
    assert report.passed, report


def test_masks_alone_draw_something_else() -> None:
    """What constrained decoding without weights samples, locally masked tokens, is not the conditional: nats apart."""
    lm = pieces_lm(["a", "b", "ab", "."], seed=4, scale=2.0)
    text = lm.text("a", where=Listed(["aaaab", "b", "bb."]), max_tokens=6)
    _, expected = truth(text)
    masked = infer(draw(text.proposal), Enumerate()).probabilities()
    assert set(masked) == set(expected)
    assert sum(q * math.log(q / expected[v]) for v, q in masked.items()) > 5


def test_bad_input() -> None:
    """Errors name the argument and the fix."""
    lm = pieces_lm(PIECES)
    with pytest.raises(TypeError, match=r"where=.*regex"):
        lm.text("a", max_tokens=3, where="a+")  # type: ignore[call-overload]
    with pytest.raises(TypeError, match=r"where=.*predicate"):
        lm.text("a", max_tokens=3, where=len)  # type: ignore[call-overload]
    with pytest.raises(TypeError, match=r"where=.*choice"):
        lm.text("a", max_tokens=3, where=["a"])  # type: ignore[call-overload]
    with pytest.raises(Unsatisfiable, match="raise max_tokens"):
        lm.text("a", max_tokens=1, where=Listed(["abababa"]))
