"""What the card says about each kind of training text: origin and licence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Origin:
    """Where a kind of text comes from and on what terms."""

    what: str
    licence: str


ORIGINS: Mapping[str, Origin] = {
    "TinyStories": Origin(
        "machine-written stories in simple words by Ronen Eldan and Yuanzhi Li "
        "(`roneneldan/TinyStories`), read from copies in public repositories",
        "CDLA-Sharing-1.0",
    ),
    "African Storybook": Origin("`github.com/global-asp/asp-source`, the CC BY stories only", "CC BY"),
    "Pratham Books": Origin(
        "StoryWeaver, `github.com/global-asp/pb-source`, CC BY and public-domain stories only", "CC BY"
    ),
    "Older children's books": Origin(
        "Project Gutenberg texts (GITenberg repositories) and one Standard Ebooks text, edited",
        "public domain in the USA; CC0",
    ),
    "Fairy tales": Origin(
        "Project Gutenberg texts, some through FairytaleQA (`github.com/uci-soe/FairytaleQAData`, story text only)",
        "public domain in the USA; repository Apache-2.0",
    ),
}
