"""`canonical()`: pairs of tokens that a tokenizer never gives are masked, and nothing that it gives is lost."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Regex, Tokenizer, pre_tokenizers, trainers
from tokenizers import models as tokenizer_models
from transformers import PreTrainedTokenizerFast

from steersman import models
from steersman.inference.testing import ConstraintLaws, Spellings
from steersman.models.tokenizer import HuggingFaceTokenizer, SymbolTokenizer
from steersman.ppl.constraints import canonical
from steersman.ppl.constraints.masks import has, tokens_of, unpack
from steersman.ppl.constraints.merges import Merges
from steersman.ppl.constraints.pairs import Pairs
from steersman.ppl.constraints.vocabulary import Vocabulary

# how the vocabularies in use cut texts into words: GPT-2, Llama 3, GPT-4o (shortened), Qwen's single digits
WORDS = {
    "gpt2": r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
    "llama3": r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
              r"|\s+(?!\S)|\s+",
    "qwen": r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
            r"|\s+(?!\S)|\s+",
    "cases": r"[^\r\n\p{L}\p{N}]?\p{Lu}*\p{Ll}+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?\p{Lu}+\p{Ll}*"
             r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    "none": r"[\s\S]+",
}
CORPUS = [
    "They'll say: 'it's the theory that we'd tested'. You're sure I've 12345 or 1000 of 2024?\n\n",
    "the cat's hat; the dogs' house -- \"there\", he said... thethe   then\n  indented\n\n\nand\t\ttabs \n \n x",
    "He was there, wasn't he? l'été, déjà, naïve, 10€ and 200€ HTMLPage camelCase isn't McDonald's ''s ''' '''",
    "sssss tttt ll 'lll 're're  'tis  x'x .'s .'s .'s '' '' '''' 00 000 0000 00000 12 123 1234 aaa aaaa aaaaaaaa",
]


@cache
def trained(words: str, size: int = 420, *, ignore_merges: bool = False) -> HuggingFaceTokenizer:
    """A byte-level BPE that has merged whatever it could."""
    bpe = Tokenizer(tokenizer_models.BPE(ignore_merges=ignore_merges))
    bpe.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(WORDS[words]), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
    ])
    trainer = trainers.BpeTrainer(
        vocab_size=size, special_tokens=["<eos>"], show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    bpe.train_from_iterator(CORPUS, trainer)
    fast = PreTrainedTokenizerFast(tokenizer_object=bpe, eos_token="<eos>")
    return HuggingFaceTokenizer(fast, len(fast))


@cache
def embedded() -> models.Tokenizer:
    return models.load().tokenizer


NAMES = [*WORDS, "ignore_merges", "embedded"]


def tokenizer_of(name: str) -> models.Tokenizer:
    if name == "embedded":
        return embedded()
    return trained("llama3", ignore_merges=True) if name == "ignore_merges" else trained(name)


FRAGMENTS = st.sampled_from([
    *"'’ \n\r\t.,!-/\"0123aehrstvmdlxTHE€éñ漢", "  ", "'s", "'ll", "'re", "...", "\n\n", "''", "\"'", "the", " the",
    "he", "there", " 12", "200", "l'", "aaa", "Mc", "HT", "é€", "\u00a0", "🙂", "\u2028",
])
TEXTS = st.lists(FRAGMENTS, max_size=14).map("".join) | st.text(max_size=12)


@pytest.mark.parametrize("name", NAMES)
def test_no_canonical_text_is_lost(name: str) -> None:
    """Every pair of neighbours in encode(text) passes: the state is never dead on the way, and accepts at the end."""
    tokenizer = tokenizer_of(name)
    vocabulary = Vocabulary.of(tokenizer)

    @settings(max_examples=120 if name == "embedded" else 400, deadline=None, derandomize=True, database=None)
    @given(TEXTS)
    def law(text: str) -> None:
        tokens = tokenizer.encode(text)
        for a, b in pairwise(tokens):
            pair = vocabulary.token_bytes[a], vocabulary.token_bytes[b]
            assert has(vocabulary.pairs.after(a), b), f"{pair} in the tokens of {text!r}"
        state = canonical().start(tokenizer)
        for token in tokens:
            assert state.allows(token)
            state = state.advance(token)
        assert state.accepting and not state.dead

    law()


@pytest.mark.parametrize("name", ["gpt2", "llama3", "embedded"])
def test_other_spellings_are_refused(name: str) -> None:
    """Of all spellings of a text one is accepted: the tokenizer's."""
    tokenizer = tokenizer_of(name)
    for text in ["the cat", "there's", "''s x", "été!", "\n\n x", "1234", "HTMLs", " 'll"]:
        accepted = []
        for tokens in Spellings(tokenizer).all(text.encode()):
            state = canonical().start(tokenizer)
            for token in tokens:
                state = state.advance(token)
            if state.accepting:
                accepted.append(tokens)
        assert accepted == [tokenizer.encode(text)], text


def test_words_are_masked_exactly() -> None:
    """Where two pieces are letters, a pair passes if and only if the tokenizer gives it to their bytes."""
    tokenizer = embedded()
    vocabulary = Vocabulary.of(tokenizer)
    letters = [t for t, piece in enumerate(vocabulary.token_bytes) if piece.isalpha() and piece.isascii()]
    rng = np.random.default_rng(3)
    refused = 0
    for a in rng.choice(letters, 40).tolist():
        after = vocabulary.pairs.after(a)
        for b in rng.choice(letters, 400).tolist():
            own = tokenizer.encode((vocabulary.token_bytes[a] + vocabulary.token_bytes[b]).decode()) == (a, b)
            assert has(after, b) == own, (vocabulary.token_bytes[a], vocabulary.token_bytes[b])
            refused += not own
    assert refused > 500


def test_few_other_pairs_pass() -> None:
    """Over all pairs of the vocabulary, of those that the tokenizer does not give to their own bytes nearly all are
    refused: the pairs alone nearly decide."""
    tokenizer = embedded()
    vocabulary = Vocabulary.of(tokenizer)
    rng = np.random.default_rng(4)
    passed = wrong = 0
    for a, b in rng.integers(1, vocabulary.size, (20000, 2)).tolist():
        data = vocabulary.token_bytes[a] + vocabulary.token_bytes[b]
        if not data.isascii() or tokenizer.encode(data.decode()) == (a, b):
            continue
        wrong += 1
        passed += has(vocabulary.pairs.after(a), b)
    assert wrong > 250 and passed < 0.02 * wrong, (passed, wrong)


def spelt(pieces: Sequence[int], merges: Sequence[tuple[int, int, int]]) -> list[int]:
    """Byte-pair encoding as it is defined: the lowest rank first, the leftmost of equals."""
    found, rank = list(pieces), {(a, b): (r, c) for r, (a, b, c) in reversed(list(enumerate(merges)))}
    while any(pair in rank for pair in pairwise(found)):
        r, i = min((rank[pair][0], i) for i, pair in enumerate(pairwise(found)) if pair in rank)
        found[i : i + 2] = [merges[r][2]]
    return found


@given(st.data())
@settings(max_examples=200, deadline=None, derandomize=True, database=None)
def test_merges_agree_with_the_encoder(data: st.DataObject) -> None:
    """A pair is apart only if byte-pair encoding joins something over its middle; and, where merges come in the order
    of training, if it does. Tokens may be made by several merges."""
    in_order = data.draw(st.booleans())
    spelling: list[tuple[int, ...]] = [(0,), (1,), (2,)]
    merges: list[tuple[int, int, int]] = []
    for _ in range(data.draw(st.integers(1, 9))):
        a, b = (data.draw(st.integers(0, len(spelling) - 1)) for _ in "ab")
        joined = spelling[a] + spelling[b]
        if len(joined) > 6 or (joined in spelling and in_order) or any(m[:2] == (a, b) for m in merges):
            continue
        if joined not in spelling:
            spelling.append(joined)
        merges.append((a, b, spelling.index(joined)))
    if not in_order:
        merges = data.draw(st.permutations(merges))
    table = Merges(merges, len(spelling))
    reachable = [t for t, s in enumerate(spelling) if spelt(s, merges) == [t]]
    for a in reachable:
        apart = table.crossing(a) >= 0
        for b in reachable:
            own = spelt(spelling[a] + spelling[b], merges) == [a, b]
            assert not (own and apart[b]), (merges, spelling[a], spelling[b])
            assert not in_order or own == (not apart[b]), (merges, spelling[a], spelling[b])


def test_without_merges() -> None:
    """A tokenizer that tells no merges is asked pair by pair. That refuses no more than a few pairs more: those that
    are kept apart by the ends of words."""
    tokenizer = trained("gpt2", 300)
    vocabulary = Vocabulary.of(tokenizer)
    asked = Pairs(vocabulary.encode, vocabulary.token_bytes, vocabulary.ordinary, None)
    text = [t for t, piece in enumerate(vocabulary.token_bytes) if piece and piece.isascii()]
    more = 0
    for a in text[::3]:
        known, found = (set(tokens_of(pairs.after(a))) & set(text) for pairs in (vocabulary.pairs, asked))
        assert found <= known
        more += len(known - found)
    assert more <= 10
    for line in CORPUS:
        assert all(has(asked.after(a), b) for a, b in pairwise(tokenizer.encode(line)))


def test_symbols() -> None:
    """Where no symbol begins another, every text has one spelling, and nothing is refused."""
    tokenizer = SymbolTokenizer(["<eos>", "a", "b", "cd"], special=[0])
    state = canonical().start(tokenizer)
    for token in (1, 3, 3, 2, 1):
        assert tokens_of(state.mask()) == [1, 2, 3] and state.accepting
        state = state.advance(token)


def test_masks_are_lazy_cheap_and_few() -> None:
    """Nothing is worked out before it is asked; a mask costs far fewer encodes than there are tokens; the memory is
    bounded."""
    tokenizer, calls = embedded(), [0]
    vocabulary = Vocabulary.of(tokenizer)

    def encode(text: str) -> tuple[int, ...]:
        calls[0] += 1
        return tokenizer.encode(text)

    merges = tokenizer.merges  # type: ignore[attr-defined]
    pairs = Pairs(encode, vocabulary.token_bytes, vocabulary.ordinary, merges)
    assert calls[0] == 0
    tokens = np.random.default_rng(0).permutation(np.arange(1, vocabulary.size))[:2100].tolist()
    for token in tokens[:50]:
        pairs.after(token)
    assert calls[0] < 50 * vocabulary.size / 10
    before = calls[0]
    assert pairs.after(tokens[10]) is pairs.after(tokens[10]) and calls[0] == before
    pairs._encode = lambda text: ()  # the rest only fills the cache
    for token in tokens:
        pairs.after(token)
    assert len(pairs._masks) == 2048 and tokens[-1] in pairs._masks and tokens[0] not in pairs._masks


def test_bytes_that_are_no_text() -> None:
    """Half a character may be on its way to a whole one, but no text ends there."""
    tokenizer = trained("gpt2")
    vocabulary = Vocabulary.of(tokenizer)
    first, second, third = (vocabulary.spelled[bytes([b])] for b in "漢".encode())
    state = canonical().start(tokenizer).advance(first)
    assert not state.accepting and not state.dead and state.allows(second)
    state = state.advance(second).advance(third)
    assert state.accepting
    assert canonical().matches("漢") and canonical().matches("漢".encode())
    assert not canonical().matches("漢".encode()[:2]) and not canonical().matches("\ud800")


def test_a_value() -> None:
    """All of them are one, and show what they are."""
    assert canonical() == canonical() and hash(canonical()) == hash(canonical()) and canonical() != 1
    assert repr(canonical()) == "canonical()"
    assert unpack(canonical().start(embedded()).mask(), 4096).sum() == 4095


class TestCanonicalLaws(ConstraintLaws):
    """The laws; its weights are those of tokens."""

    constraint = canonical()
    tokenizer = tokenizer_of("llama3")
    texts = ("", "the cat's", "''s 1234", "été", "\n\n  x", "there's 10€", "aaaaa")

    def weigh(self, tokens: Sequence[int]) -> float:
        text = Spellings(self.tokenizer).join(tokens).decode()
        return 0.0 if self.tokenizer.encode(text) == tuple(tokens) else -math.inf
