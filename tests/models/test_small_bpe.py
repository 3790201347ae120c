"""Table models over a real tokenizer, and the one that tests share."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pytest
from small_bpe import SENTENCES, SIZE, small_bpe, small_bpe_lm

from steersman.models import TableLM
from steersman.ppl import Text, assess, observe, program, sample, simulate
from steersman.ppl.constraints.vocabulary import Vocabulary


def test_the_tokenizer() -> None:
    """All bytes, one token without bytes, merges; exact to the byte, and with several spellings of a text."""
    tokenizer = small_bpe()
    vocabulary = Vocabulary.of(tokenizer)
    assert len(tokenizer.token_bytes) == SIZE and not vocabulary.missing_bytes
    assert [t for t, piece in enumerate(tokenizer.token_bytes) if not piece] == [0]
    assert len(set(tokenizer.token_bytes)) == SIZE
    for text in [*SENTENCES, "été €", "\x00\n"]:
        tokens = tokenizer.encode(text)
        assert b"".join(tokenizer.token_bytes[t] for t in tokens) == text.encode()
    merged = tokenizer.encode(" the")
    assert len(merged) == 1 and tokenizer.token_bytes[merged[0]] == b" the"
    assert sum(len(piece) > 1 for piece in tokenizer.token_bytes) == SIZE - 257


def test_the_tokenizer_is_always_the_same() -> None:
    """Training has no chance in it: tests with fixed seeds mean the same tokens everywhere."""
    digest = hashlib.sha256(repr(small_bpe().token_bytes).encode()).hexdigest()
    assert digest.startswith("1cbe0412f20e8a78")


def test_texts_have_their_density() -> None:
    """A drawn text scores what it was drawn with; observed as a str it is encoded, and ends with eos."""
    lm = small_bpe_lm(seed=3)

    @program
    async def model() -> Text:
        return await sample(lm.text("The cat", max_tokens=5), "text")

    trace = simulate(model(), 1).trace
    text = trace["text"]
    assert assess(model(), {"text": text}).log_weight == pytest.approx(trace.log_joint, rel=1e-12)
    context = lm.context("The cat")
    total = 0.0
    for token in text.tokens:
        total += float(lm.next(context).log_probs()[token])
        context = context + token
    assert trace.log_joint == pytest.approx(total, rel=1e-12)

    @program
    async def heard() -> None:
        await observe(lm.text("The", max_tokens=9), " cat")

    tokens = (*small_bpe().encode(" cat"), 0)
    rows = lm.score_sequences([lm.context("The").tokens], [tokens])
    assert simulate(heard(), 0).log_weight == pytest.approx(float(rows[0].sum()), rel=1e-12)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"logits": np.zeros(299)}, "a tokenizer of 300 tokens for a table of 299"),
        ({"logits": np.zeros(300), "eos": 5}, "eos=5 stands for b'.' in this tokenizer"),
        ({"logits": np.zeros(300), "vocabulary": ["a"] * 300}, "a vocabulary or a tokenizer, not both"),
    ],
)
def test_tokenizers_that_do_not_fit(arguments: dict[str, Any], words: str) -> None:
    """A tokenizer of another size, or whose end-of-text token is a word, is refused."""
    with pytest.raises(ValueError, match=words):
        TableLM(**arguments, tokenizer=small_bpe())


def test_a_large_table_does_not_print_its_vocabulary() -> None:
    """repr stays one line."""
    assert repr(small_bpe_lm()) == "<TableLM: 300 tokens, order=2>"
