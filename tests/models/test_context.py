"""`Context`: a persistent prefix of tokens."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steersman.models import Context, TableLM
from steersman.ppl import Text

LM = TableLM.random(4, seed=2)
words = st.text(alphabet="abc", max_size=4)


@given(words, words, st.lists(st.integers(1, 3), max_size=4))
def test_adding(first: str, second: str, tokens: list[int]) -> None:
    """ctx + str appends its encoding, ctx + token(s) appends them; nothing is changed in place."""
    ctx = LM.context(first)
    before = ctx.tokens
    longer = ctx + second
    assert longer == LM.context(first + second) and str(longer) == first + second
    assert (ctx + tokens).tokens == (*before, *tokens) == (ctx + np.array(tokens, np.int64)).tokens
    for t in tokens:
        assert (ctx + t).tokens == (*before, t) == (ctx + np.int64(t)).tokens
    assert ctx.tokens == before and len(ctx) == len(before)


def test_equality() -> None:
    """Equal tokens of one model make equal contexts, usable as keys."""
    other = TableLM.random(4, seed=2)
    assert {LM.context("ab"): 1}[LM.context("a") + "b"] == 1
    assert LM.context("ab") != other.context("ab") and LM.context("ab") != "ab"
    with pytest.raises(ValueError, match=r"lm\.context\(str\(ctx\)\)"):
        LM.next(other.context("ab"))


def test_special_tokens_are_not_said() -> None:
    """The end-of-text and beginning-of-text tokens have no text."""
    lm = TableLM.random(4, seed=2)
    lm.bos = 3
    ctx = lm.context("ab") + 0 + "a"
    assert ctx.tokens == (3, 1, 2, 0, 1) and str(ctx) == "aba" and repr(ctx) == "Context('aba')"
    assert isinstance(ctx, Context)


@pytest.mark.parametrize("bad", [4, -1, np.int64(99), [1, 4], [-1]])
def test_tokens_are_of_the_vocabulary(bad: int | list[int]) -> None:
    """A token that is none is refused where it is added: -1 would read the last row of a table."""
    with pytest.raises(ValueError, match=r"token ids must lie in 0\.\.3, found (4|-1|99)$"):
        LM.context("a") + bad


def test_a_prompt_is_a_text() -> None:
    """A number, None or a coroutine is no prompt."""
    for ask in (LM.next, lambda p: LM.text(p, max_tokens=2), lambda p: LM.score(p, "a")):
        with pytest.raises(TypeError, match="a prompt is a str or a context of this model, got int: 5"):
            ask(5)


def test_a_text_without_tokens_is_a_str() -> None:
    """A Text made by hand is encoded."""
    assert (LM.context("a") + Text("bc")).tokens == (1, 2, 3)
