"""Tokenizers: text to tokens and back, exact to the byte."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steersman.models import HuggingFaceTokenizer, SymbolTokenizer

GLUED = SymbolTokenizer(["<eos>", "a", "b.", ".c", "!é"], {0})


@given(st.lists(st.integers(1, 4), max_size=8))
def test_symbols_round_trip(tokens: list[int]) -> None:
    """encode(decode(t)) = t, because no symbol begins another."""
    assert GLUED.encode(GLUED.decode(tokens)) == tuple(tokens)
    assert b"".join(GLUED.token_bytes[t] for t in tokens).decode() == GLUED.decode(tokens)


def test_symbols_that_are_not_there() -> None:
    """Text outside the vocabulary names the place; special tokens have no bytes and are never encoded."""
    with pytest.raises(ValueError, match=r"'cb\.' \(position 3\) is not in the vocabulary"):
        GLUED.encode("ab.cb.")
    with pytest.raises(ValueError, match="position 0"):
        GLUED.encode("<eos>")
    assert GLUED.decode([1, 0, 1]) == "aa"


def byte_level() -> Any:
    """A byte-level BPE with a few merges, some across the bytes of a character, as `transformers` reads it."""
    transformers = pytest.importorskip("transformers")
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    merges = [("Ġ", "t"), ("h", "e"), ("Ã", "©"), ("â", "Ĥ")]
    vocabulary = {c: i for i, c in enumerate(["<|end|>", *alphabet, *(a + b for a, b in merges)])}
    backend = Tokenizer(models.BPE(vocabulary, merges))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    return transformers.PreTrainedTokenizerFast(tokenizer_object=backend, eos_token="<|end|>")


@pytest.fixture(scope="module")
def tokenizer() -> HuggingFaceTokenizer:
    backend = byte_level()
    return HuggingFaceTokenizer(backend, len(backend) + 3)


@settings(deadline=None)
@given(st.text(max_size=12))
def test_byte_level_round_trips(text: str) -> None:
    """decode(encode(s)) = s for any text, control characters and emoji included."""
    global _shared
    if _shared is None:
        backend = byte_level()
        _shared = HuggingFaceTokenizer(backend, len(backend))
    try:
        data = text.encode()
    except UnicodeEncodeError:
        return  # lone surrogates are no text
    tokens = _shared.encode(text)
    assert _shared.decode(tokens) == text
    assert b"".join(_shared.token_bytes[t] for t in tokens) == data


_shared: HuggingFaceTokenizer | None = None


def test_byte_level_bytes(tokenizer: HuggingFaceTokenizer) -> None:
    """Every byte has its token; merged tokens have the bytes of both; special and padded ids have none."""
    single = {b for b in tokenizer.token_bytes if len(b) == 1}
    assert single == {bytes([i]) for i in range(256)}
    assert {b" t", b"he", "é".encode(), b"\xe2\x82"} <= set(tokenizer.token_bytes)
    assert tokenizer.token_bytes[0] == b"" == tokenizer.token_bytes[-1] and tokenizer.special == {0}
    assert tokenizer.decode(tokenizer.encode("€")[:1]) == "�"


def test_word_pieces_with_byte_fallback(tmp_path: Path) -> None:
    """Sentencepiece vocabularies (Llama 2, Gemma): the word mark is a space, <0xNN> a byte."""
    transformers = pytest.importorskip("transformers")
    from tokenizers import Tokenizer, decoders, models, normalizers

    vocabulary = {"<unk>": 0, "</s>": 1, **{f"<0x{b:02X}>": b + 2 for b in range(256)}}
    for piece in ("▁", "a", "b", "▁a", "ab"):
        vocabulary[piece] = len(vocabulary)
    backend = Tokenizer(models.BPE(vocabulary, [("▁", "a"), ("a", "b")], unk_token="<unk>", byte_fallback=True))
    backend.normalizer = normalizers.Replace(" ", "▁")
    backend.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    fast = transformers.PreTrainedTokenizerFast(tokenizer_object=backend, eos_token="</s>", unk_token="<unk>")
    tokenizer = HuggingFaceTokenizer(fast, len(fast))
    for text in ("a ab b", " a", "aé€b", "\n"):
        assert tokenizer.decode(tokenizer.encode(text)) == text
    assert tokenizer.token_bytes[vocabulary["▁a"]] == b" a"
    assert tokenizer.token_bytes[vocabulary["<0xE2>"]] == b"\xe2"
    (tmp_path / "vocabulary.json").write_text(json.dumps(vocabulary))
