"""Grammars compiled for vocabularies, each once."""

from __future__ import annotations

from collections import OrderedDict
from threading import local
from typing import Any

from ..vocabulary import Vocabulary
from .root import Root
from .tokens import engine_tokenizer

KEPT = 64
"""Grammars kept for each vocabulary and thread: programs make their constraints anew in every execution."""


class Roots(local):
    """The roots of one vocabulary, for each thread its own: matchers that come from one root share a lexer behind a
    mutex."""

    def __init__(self, vocabulary: Vocabulary, tokenizer: Any) -> None:
        self.vocabulary, self.tokenizer = vocabulary, tokenizer
        self.kept: OrderedDict[str, Root] = OrderedDict()

    def get(self, grammar: str, what: str) -> Root:
        """Raises as `Root` does; what: the name of the language in errors."""
        root = self.kept.get(grammar)
        if root is None:
            root = self.kept[grammar] = Root(self.vocabulary, self.tokenizer, grammar, what)
            if len(self.kept) > KEPT:
                self.kept.popitem(last=False)
        self.kept.move_to_end(grammar)
        return root


def root_of(vocabulary: Vocabulary, grammar: str, what: str) -> Root:
    """A grammar compiled for a vocabulary; made once for each thread. Raises as `Root` does."""
    if vocabulary.engine is None:
        vocabulary.engine = Roots(vocabulary, engine_tokenizer(vocabulary))
    root: Root = vocabulary.engine.get(grammar, what)
    return root
