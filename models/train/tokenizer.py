"""A lossless byte-level BPE tokenizer, and its Hugging Face files.

Lossless means decode(encode(s)) == s for every string: no normaliser, no added prefix space, all
256 bytes in the alphabet, and no clean-up of spaces after decoding.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from .corpus import END_OF_TEXT

# Strings that break tokenizers with a normaliser, a prefix space or an incomplete alphabet.
AWKWARD = (
    "",
    " ",
    "  two leading spaces",
    "trailing  ",
    "a   b\t\tc",
    "\r\n\r\n",
    "\x00NUL\x00",
    "n't , . ! ? 's 're",
    "\u00e9 e\u0301 \ufb01 \u2126",
    "\U0001f469\u200d\U0001f680 \U0001f1eb\U0001f1f7",
    "\u0645\u0631\u062d\u0628\u0627 \u4f60\u597d",
    f"plain {END_OF_TEXT} inside",
)


def train_tokenizer(texts: Iterable[str], size: int) -> Tokenizer:
    """Learn ``size`` byte-level BPE entries; entry 0 is the end-of-text token."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=[END_OF_TEXT],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def end_id(tokenizer: Tokenizer) -> int:
    """Id of the end-of-text token."""
    identifier = tokenizer.token_to_id(END_OF_TEXT)
    if identifier is None:
        raise ValueError(f"the tokenizer has no {END_OF_TEXT} entry")
    return int(identifier)


def lossy_strings(tokenizer: Tokenizer, strings: Iterable[str] = AWKWARD) -> list[str]:
    """Those of ``strings`` that encoding and decoding changes; empty for a lossless tokenizer."""
    return [text for text in strings if tokenizer.decode(tokenizer.encode(text).ids, skip_special_tokens=False) != text]


def save_tokenizer(tokenizer: Tokenizer, folder: Path, positions: int) -> None:
    """Write ``tokenizer.json`` and ``tokenizer_config.json``; ``positions`` is the context length."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    config = {
        "add_prefix_space": False,
        "bos_token": END_OF_TEXT,
        "clean_up_tokenization_spaces": False,
        "eos_token": END_OF_TEXT,
        "model_max_length": positions,
        "pad_token": END_OF_TEXT,
        "tokenizer_class": "PreTrainedTokenizerFast",
    }
    path = folder / "tokenizer_config.json"
    path.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def load_tokenizer(folder: Path) -> Tokenizer:
    """Read ``tokenizer.json`` of a model folder."""
    return Tokenizer.from_file(str(folder / "tokenizer.json"))
