"""Read the corpus: plain-text files whose documents are separated by a line ``<|endoftext|>``.

A corpus folder holds ``train/*.txt`` and, for measuring, ``heldout.txt``. A *source* is one train
file; its weight is the expected number of times each of its documents occurs in one pass.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

END_OF_TEXT = "<|endoftext|>"

# Expected occurrences of a document in one weighted pass, by the longest matching file-name prefix.
# Simple present-day stories count most, because that is what the model is for; the older books
# with long sentences count least: they add vocabulary, and too much of them makes a model of this
# size ramble.
SOURCE_WEIGHTS: Mapping[str, float] = {
    "tinystories": 2.5,
    "african": 1.5,
    "pratham": 1.5,
    "gutenberg": 1.0,
    "gutenberg_oz": 0.5,
    "gutenberg_novels": 0.5,
    "gutenberg_fairy": 0.4,
    "fairytaleqa": 0.4,
}


class CorpusError(Exception):
    """The corpus folder cannot be used; the message says why in one line."""


@dataclass(frozen=True)
class Document:
    """One story or chapter."""

    text: str
    source: str
    """Name of the train file it came from, without the suffix."""
    weight: float
    """Expected number of occurrences in one weighted pass."""


def split_documents(text: str) -> list[str]:
    """The documents of a file, stripped of surrounding white space; empty ones are dropped."""
    return [piece for raw in text.split(END_OF_TEXT) if (piece := raw.strip())]


def source_weight(source: str, weights: Mapping[str, float] = SOURCE_WEIGHTS) -> float:
    """Weight of a source: that of its longest matching prefix, 1 when nothing matches."""
    matches = [prefix for prefix in weights if source.startswith(prefix)]
    return weights[max(matches, key=len)] if matches else 1.0


def read_train(folder: Path, weights: Mapping[str, float] = SOURCE_WEIGHTS) -> list[Document]:
    """Every training document of a corpus folder, in file-name order."""
    if not folder.is_dir():
        raise CorpusError(f"corpus folder not found: {folder}")
    files = sorted((folder / "train").glob("*.txt"))
    if not files:
        raise CorpusError(f"no text files in {folder / 'train'}: expected train/*.txt")
    documents = [
        Document(text, path.stem, source_weight(path.stem, weights))
        for path in files
        for text in split_documents(path.read_text(encoding="utf-8"))
    ]
    if not documents:
        raise CorpusError(f"the corpus is empty: no documents in {folder / 'train'}/*.txt")
    return documents


def read_heldout(folder: Path) -> list[str]:
    """The held-out documents (``heldout.txt``); an empty list when the file is missing."""
    path = folder / "heldout.txt"
    return split_documents(path.read_text(encoding="utf-8")) if path.is_file() else []


def weighted_pass(weights: Sequence[float], rng: random.Random) -> list[int]:
    """Document indices of one weighted pass, shuffled.

    Document i occurs floor(w_i) times, plus once more with probability w_i - floor(w_i): the mean
    is exactly w_i, and whole weights have no variance.
    """
    order = [index for index, weight in enumerate(weights) for _ in range(int(weight) + (rng.random() < weight % 1.0))]
    rng.shuffle(order)
    return order
