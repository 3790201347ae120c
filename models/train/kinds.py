"""Kinds of text: the sources in a few groups, and a guess of the group for an unmarked document.

``heldout.txt`` does not say which source a document came from. A Kneser-Ney bigram model of every
kind, trained on that kind's own train files, tells them apart: the likeliest kind is taken.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .baselines import NGram

KINDS: Mapping[str, str] = {
    "tinystories": "TinyStories",
    "african": "African Storybook",
    "pratham": "Pratham Books",
    "gutenberg": "Older children's books",
    "gutenberg_fairy": "Fairy tales",
    "fairytaleqa": "Fairy tales",
}
"""Name of the kind by file-name prefix; the longest matching prefix counts."""


def kind_of(source: str) -> str:
    """Kind of a source (train file name); the source itself where no prefix matches."""
    matches = [prefix for prefix in KINDS if source.startswith(prefix)]
    return KINDS[max(matches, key=len)] if matches else source


def guess_kinds(
    train: Sequence[Sequence[int]],
    kinds: Sequence[str],
    heldout: Sequence[Sequence[int]],
    vocabulary: int,
    end: int,
) -> list[str]:
    """The likeliest kind of each held-out document; ``kinds[i]`` is that of ``train[i]``."""
    models = {
        kind: NGram(2, vocabulary, end).fit([d for d, k in zip(train, kinds, strict=True) if k == kind])
        for kind in dict.fromkeys(kinds)
    }
    return [min(models, key=lambda kind: models[kind].nats(document)) for document in heldout]
