"""`TableLM`: an n-gram table whose every number can be checked by hand."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steersman.models import TableLM
from steersman.ppl import Key
from steersman.ppl.constraints.masks import pack

LM = TableLM.random(4, order=3, seed=5)
prefixes = st.lists(st.integers(1, 3), max_size=5).map(tuple)


def row(table: np.ndarray, prefix: tuple[int, ...]) -> np.ndarray:
    """log p(next) by definition: the last two tokens, V before the beginning."""
    padded = (4, 4, *prefix)
    logits = table[padded[-2], padded[-1]]
    return logits - np.log(np.exp(logits).sum())


@given(prefixes)
def test_rows_are_the_softmax_of_the_table(prefix: tuple[int, ...]) -> None:
    """next_log_probs = log softmax of the row that the last n - 1 tokens choose."""
    table = 1.5 * np.random.default_rng(5).normal(size=(5, 5, 4))
    assert LM.next_log_probs([prefix], None, None)[0] == pytest.approx(row(table, prefix), rel=1e-12)


@given(st.lists(prefixes, min_size=1, max_size=6), st.integers(0, 2**32))
def test_batches_change_no_bit(batch: list[tuple[int, ...]], seed: int) -> None:
    """Draws and scores of a batch are those of its members one by one, with and without modifiers of others."""
    u = Key(seed).uniforms(len(batch))
    temperatures = np.where(u < 0.5, 1.0, 0.5 + u)
    masks = pack(np.stack([np.arange(4) % 2 == i % 2 if t < 0.3 else np.ones(4, bool) for i, t in enumerate(u)]))
    tokens, log_q = LM.draw_next(batch, u, temperatures, masks)
    for i, prefix in enumerate(batch):
        plain = temperatures[i] == 1.0 and masks[i] == 15
        t, m = (None, None) if plain else (temperatures[i : i + 1], masks[i : i + 1])
        one, lq = LM.draw_next([prefix], u[i : i + 1], t, m)
        assert (one[0], lq[0]) == (tokens[i], log_q[i])
        assert LM.score_next([prefix], one, t, m)[0] == lq[0]
    scored = LM.score_sequences([()] * len(batch), batch)
    for sequence, scores in zip(batch, scored, strict=True):
        assert scores.tolist() == [LM.next_log_probs([sequence[:i]], None, None)[0][t] for i, t in enumerate(sequence)]


def test_draws_follow_the_cdf() -> None:
    """Inverse CDF: the token whose cell holds the uniform; impossible tokens have empty cells, also at the ends."""
    lm = TableLM([-np.inf, 0.0, -np.inf, math.log(3.0), -np.inf], eos=None)
    u = np.array([1e-300, 0.2499999, 0.2500001, 1 - 2**-53])
    tokens, log_q = lm.draw_next([()] * 4, u, None, None)
    assert tokens.tolist() == [1, 1, 3, 3]
    assert np.exp(log_q) == pytest.approx([0.25, 0.25, 0.75, 0.75])


def test_masks_and_temperatures_normalise() -> None:
    """p^(1/t) on the allowed tokens, renormalised."""
    p = np.exp(LM.next_log_probs([(1,)], None, None)[0])
    mask = np.array([True, False, True, True])
    found = np.exp(LM.next_log_probs([(1,)], np.array([2.0]), pack(mask[None]))[0])
    expected = np.where(mask, np.sqrt(p), 0)
    assert found == pytest.approx(expected / expected.sum(), rel=1e-12)


def test_a_mask_without_possible_tokens() -> None:
    """Where a mask leaves only impossible tokens log q is -inf, whatever the uniform; the rows beside it do not
    change."""
    lm = TableLM([0.0, -np.inf, 0.0], eos=None)
    masks, u = pack(np.array([[False, True, False], [True, True, False]])), np.array([0.9, 0.9])
    assert lm.next_log_probs([()] * 2, None, masks).tolist() == [[-np.inf] * 3, [0.0, -np.inf, -np.inf]]
    tokens, log_q = lm.draw_next([()] * 2, u, np.array([0.5, 1.0]), masks)
    assert (tokens.tolist(), log_q.tolist()) == ([0, 0], [-np.inf, 0.0])
    assert lm.score_next([()] * 2, np.array([1, 1]), None, masks).tolist() == [-np.inf, -np.inf]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"logits": np.zeros((2, 2))}, "shape"),
        ({"logits": np.zeros(0)}, "shape"),
        ({"logits": [0.0, math.nan]}, "finite or -inf"),
        ({"logits": [0.0, math.inf]}, "finite or -inf"),
        ({"logits": [-math.inf, -math.inf]}, "at least one possible token"),
        ({"logits": [0.0, 0.0], "eos": 2}, "eos=2"),
        ({"logits": [0.0, 0.0], "vocabulary": ["a"]}, "1 symbols for a table of 2"),
        ({"logits": [0.0, 0.0, 0.0], "eos": None, "vocabulary": ["a", "b", "a"]}, "distinct"),
        ({"logits": [0.0, 0.0], "eos": None, "vocabulary": ["a", "ab"]}, "'a' begins symbol 'ab'"),
        ({"logits": [0.0, 0.0], "eos": None, "vocabulary": ["a", ""]}, "not empty"),
    ],
)
def test_bad_tables(arguments: dict[str, Any], words: str) -> None:
    """A table that is no model is refused with the reason."""
    with pytest.raises(ValueError, match=words):
        TableLM(**arguments)


def test_default_vocabularies() -> None:
    """Letters while they last, the end-of-text token apart."""
    assert TableLM(np.zeros(3)).tokenizer.encode("ab") == (1, 2)
    assert TableLM(np.zeros(30)).tokenizer.decode([29]) == "<28>"
    assert repr(TableLM(np.zeros(3), eos=1)) == "TableLM(vocabulary=['a', '<eos>', 'b'], order=1)"
