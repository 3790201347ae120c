"""The algebra of models, texts and tokens: its laws, what it combines, and what it refuses."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from toy_tokens import SPLIT, byte_lm

from steersman.models import Context, Contexts, ContextTooLong, ProductLM, ProductText, ProductToken, TableLM, power
from steersman.models.algebra import log_product
from steersman.ppl import Text, program, sample, simulate

A, B, C = (TableLM.random(4, seed=s, scale=1.3) for s in (1, 2, 3))
LEVELS = {
    "model": (A, B, C),
    "text": tuple(lm.text(p, max_tokens=3) for lm, p in ((A, "a"), (B, "bc"), (A, ""))),
    "token": (A.next("a"), B.next("b", temperature=0.7), A.next("a").masked([1, 2])),
}


def exponents_of(product: Any) -> dict[Any, float]:
    return {factor.identity: a for factor, a in product.factors}


def log_density(of: Any, value: Any) -> float:
    """log of the density of a token, or of a text."""
    if isinstance(of, (TableLM, ProductLM)):
        of = of.text("a", max_tokens=3)
    return float(type(of).log_prob([of], [value])[0])


@pytest.mark.parametrize("level", LEVELS)
@settings(max_examples=30, deadline=None)
@given(a=st.floats(-3, 3), b=st.floats(-3, 3), c=st.floats(-3, 3))
def test_the_density_is_the_product_of_powers(level: str, a: float, b: float, c: float) -> None:
    """log f = a log p1 + b log p2 - c log p3, at every level, however it is written."""
    p1, p2, p3 = LEVELS[level]
    value: Any = 1 if level == "token" else "ab"
    expected = a * log_density(p1, value) + b * log_density(p2, value) - c * log_density(p3, value)
    for product in (p1**a * p2**b / p3**c, p2**b / p3**c * p1**a, (p1**-a / p2**b * p3**c) ** -1):
        assert log_density(product, value) == pytest.approx(expected, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("level", LEVELS)
def test_equal_factors_add_up(level: str) -> None:
    """lm * lm = lm ** 2, (lm ** 2) ** 3 = lm ** 6, lm1 / lm2 * lm2 = lm1: no factor is evaluated twice or in vain."""
    p1, p2, _ = LEVELS[level]
    assert exponents_of(p1 * p1) == exponents_of(power(p1, 2)) == {p1.identity: 2.0}
    assert exponents_of((p1**2) ** 3) == {p1.identity: 6.0}
    assert exponents_of(p1 / p2 * p2) == {p1.identity: 1.0}
    assert exponents_of(p1**0.1 * p1**0.2 / p1**0.3 * p2) == {p2.identity: 1.0}
    assert exponents_of(p1 / p1) == {p1.identity: 0.0}


def test_what_makes_factors_equal() -> None:
    """The same model, prompt and temperature (and mask, and ends) are one factor; any other is another."""
    text = A.text("a", stop="b", max_tokens=3)
    assert len((text * A.text("a", stop="b", max_tokens=3)).factors) == 1
    assert len((text * A.text("b", stop="b", max_tokens=3)).factors) == 2
    assert len((text * A.text("a", stop="b", max_tokens=3, temperature=2.0)).factors) == 2
    assert len((A.next("a") * A.next("a").masked([1])).factors) == 2
    assert len((A.next("a").masked([1]) * A.next("a").masked([1])).factors) == 1
    assert len((A.next("a") * B.next("a")).factors) == 2


def test_a_model_product_shares_its_prompt() -> None:
    """(lm1 * lm2).text(p) is lm1.text(p) * lm2.text(p), and the same for the next token."""
    product = A * B**0.5
    text, token = product.text("ab", stop="c", max_tokens=3), product.next("ab")
    assert isinstance(product, ProductLM) and isinstance(text, ProductText) and isinstance(token, ProductToken)
    ends: dict[str, Any] = {"stop": "c", "max_tokens": 3}
    assert exponents_of(text) == exponents_of(A.text("ab", **ends) * B.text("ab", **ends) ** 0.5)
    assert exponents_of(token) == exponents_of(A.next("ab") * B.next("ab") ** 0.5)
    assert (product.tokenizer, product.vocab_size, product.eos) == (A.tokenizer, A.vocab_size, A.eos)


def test_contexts_of_a_product_grow_together() -> None:
    """`+` adds text, drawn text, a token or tokens to the context of every factor; equal ones are equal."""
    product = A * B
    context = product.context("a")
    assert isinstance(context, Contexts)
    drawn = Text("b", (2, 0), (-1.0, -1.0), "eos")
    longer = context + "b" + drawn + 3 + [1, 2] + iter([1])
    assert str(longer) == "abbcaba" and len(longer) == 7
    assert longer.each == tuple(lm.context("abbcaba") for lm in (A, B))
    assert longer == product.context("abbcaba") and hash(longer) == hash(product.context("abbcaba"))
    assert longer != context and longer != A.context("abbcaba")
    assert longer.to_json() == A.context("abbcaba").to_json()
    assert repr(context) == "Contexts('a', 'a')"
    assert exponents_of(product.next(longer)) == exponents_of(product.next("abbcaba"))
    assert exponents_of((A**2).next(A.context("a"))) == exponents_of((A**2).next("a"))  # of its only model
    for wrong in (A.context("a"), (B * A).context("a"), C.context("a")):
        with pytest.raises(ValueError, match="rebuild it with"):
            product.text(wrong, max_tokens=2)


def test_texts_of_a_product_may_be_continued() -> None:
    """A program that builds its context from what it drew runs on a product as on a model."""

    @program
    async def two(lm: Any) -> str:
        context = lm.context("a")
        for name in "xy":
            context = context + await sample(lm.text(context, max_tokens=2), name)
        return str(context)

    for lm in (A, A**2, A * B):
        trace = simulate(two(lm), 1).trace
        assert trace is not None and trace.value == "a" + trace["x"] + trace["y"]


@pytest.mark.parametrize("bad", [math.inf, -math.inf, math.nan])
@pytest.mark.parametrize("level", LEVELS)
def test_exponents_must_be_finite(level: str, bad: float) -> None:
    """An exponent that is no finite number is refused where it is written."""
    with pytest.raises(ValueError, match="must be finite"):
        power(LEVELS[level][0], bad)
    with pytest.raises(ValueError, match="must be finite"):
        (LEVELS[level][0] ** 1e200) ** 1e200


def test_factors_must_share_a_vocabulary() -> None:
    """Models with other tokens have no product, at any level; separate tokenizers that agree are fine."""
    other = TableLM.random(4, seed=1, vocabulary=["<eos>", "x", "y", "z"])
    pairs: list[tuple[Any, Any]] = [
        (A, other), (A.next("a"), other.next("x")), (A.text("a", max_tokens=2), other.text("x", max_tokens=2)),
        (A * B, other**2), (A, TableLM.random(5)),
    ]
    for p, q in pairs:
        for combine in (lambda p, q: p * q, lambda p, q: p / q):
            with pytest.raises(ValueError, match="different tokenizers"):
                combine(p, q)
    assert A.tokenizer is not B.tokenizer
    assert len((byte_lm(SPLIT) * byte_lm(SPLIT, seed=3)).factors) == 2


def test_factors_of_a_text_must_end_alike() -> None:
    """Other stop strings or another max_tokens are refused, naming both; their order does not matter."""
    text = A.text("a", stop=["b", "c"], max_tokens=3)
    assert text * B.text("", stop=["c", "b"], max_tokens=3)
    with pytest.raises(ValueError, match=r"stop is \['b', 'c'\] in .* and \['b'\] in"):
        text * B.text("", stop="b", max_tokens=3)
    with pytest.raises(ValueError, match=r"max_tokens is 3 in .* and 4 in"):
        text / B.text("", stop=["b", "c"], max_tokens=4)


def test_a_product_must_fit_every_context_window() -> None:
    """The shortest context window limits a product."""
    short = TableLM.random(4, seed=5)
    short.max_length = 4
    with pytest.raises(ContextTooLong):
        (A * short).text("aa", max_tokens=3)


def test_what_cannot_be_multiplied() -> None:
    """Levels do not mix, numbers are no factors, and a locally normalised text is none either."""
    text, token = A.text("a", max_tokens=2), A.next("a")
    for p, q in ((A, text), (text, token), (A, token), (A * B, text), (A, 2), (2, A), (text, (text * text).proposal)):
        with pytest.raises(TypeError, match="unsupported operand"):
            p * q  # type: ignore[operator]
    with pytest.raises(TypeError, match="unsupported operand"):
        A ** B  # type: ignore[operator]
    with pytest.raises(TypeError, match="is no factor"):
        (text**2).proposal ** 2


def test_zeros() -> None:
    """0^a = 0 and 0 / 0 = 0, p / 0 = inf, anything^0 = 1."""
    zero, half = -math.inf, math.log(0.5)
    table = [
        ([zero, half], [1.0, 1.0], zero), ([zero, half], [2.0, -1.0], zero), ([zero, zero], [1.0, -1.0], zero),
        ([half, zero], [1.0, -1.0], math.inf), ([zero], [-2.0], math.inf), ([zero, zero], [-1.0, 0.5], zero),
        ([zero], [0.0], 0.0), ([half, half], [3.0, -1.0], 2 * half), ([zero, half], [0.0, 1.0], half),
    ]
    for log_p, a, expected in table:
        found = log_product(np.array(log_p)[:, None], np.array(a)[:, None])
        assert found.shape == (1,) and found[0] == pytest.approx(expected, abs=1e-15)


def test_products_print_what_they_are() -> None:
    """repr: the factors and their exponents."""
    assert repr(A * B**0.5) == f"{A!r} * {B!r} ** 0.5"
    assert repr(A.next("a") ** 2) == "TokenDistribution('a') ** 2"
    text = A.text("a", max_tokens=2)
    assert repr(text / B.text("b", max_tokens=2)) == f"{text!r} * lm.text('b', stop=[], max_tokens=2) ** -1"
    assert repr((text**2).proposal) == f"LocalText({text!r} ** 2)"


def test_a_context_reads_itself() -> None:
    """`Context.each` is what `Contexts.each` is made of."""
    context = A.context("a")
    assert isinstance(context, Context) and context.each == (context,)
