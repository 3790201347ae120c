"""`Root`: a grammar compiled for a vocabulary, and what is known after the texts that were read with it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from threading import Lock
from typing import Any

import numpy as np

from ..errors import ConstraintError, Unsatisfiable
from ..masks import Packed
from ..vocabulary import Vocabulary

ITEMS_IN_STEP = 5_000_000
"""What the parser may make for one mask (about 20,000 a ms). The engine's own limit of 50,000 refuses grammars with
terminals that are read character by character, for vocabularies of 32,000 tokens."""


class Node:
    """What is known after one text. dead: no continuation is in the language. matcher: None where no token can follow,
    because the node is dead or because no token spells what would have to follow."""

    __slots__ = ("accepting", "dead", "mask", "matcher")

    def __init__(self, matcher: Any | None) -> None:
        self.matcher, self.dead = matcher, matcher is None
        self.accepting: bool | None = False if self.dead else None
        self.mask: Packed | None = None


class Root:
    """Texts that are equal share a node. The engine's matchers may not be used by two threads at once: one lock for all
    of a root; a root belongs to the thread that made it, so that the lock is free unless states are handed over.

    Raises Unsatisfiable where the engine sees that the language is empty, ConstraintError where it refuses the grammar.
    """

    def __init__(self, vocabulary: Vocabulary, tokenizer: Any, grammar: str, what: str, bound: int = 1024) -> None:
        from llguidance import LLMatcher, LLParserLimits

        self.vocabulary, self.what, self.bound = vocabulary, what, bound
        limits = LLParserLimits(step_max_items=ITEMS_IN_STEP)
        matcher = LLMatcher(tokenizer, grammar, log_level=0, limits=limits)
        if matcher.is_error():
            why = matcher.get_error()
            if why:
                raise ConstraintError(f"{what}: the grammar engine refuses it: {why.split('<backtrace>')[0].strip()}")
            raise Unsatisfiable(f"{what}: no text is in the language")
        self.start = Node(matcher)
        self.dead = Node(None)
        self.nodes: OrderedDict[bytes, Node] = OrderedDict()
        self._lock = Lock()

    def find(self, text: bytes) -> Node | None:
        """The node of a text, if it is still kept."""
        node = self.nodes.get(text)
        if node is not None:
            with self._lock:
                if text in self.nodes:
                    self.nodes.move_to_end(text)
        return node

    def grow(self, node: Node, tokens: Sequence[int], text: bytes) -> Node:
        """The node of `text`, which is what `node` has read and these tokens. The least recently used is forgotten."""
        with self._lock:
            if node.matcher is None:
                return self.dead
            matcher = node.matcher.deep_copy()
            consumed = matcher.try_consume_tokens(list(tokens))
            if matcher.is_error():
                raise self._failed(matcher)
            new = Node(matcher) if consumed == len(tokens) else self.dead
            self.nodes[text] = new
            while len(self.nodes) > self.bound:
                self.nodes.popitem(last=False)
        return new

    def accepting(self, node: Node) -> bool:
        if node.accepting is None:
            with self._lock:
                if node.accepting is None:  # a mask computed meanwhile may have settled it
                    node.accepting = bool(node.matcher.is_accepting())  # type: ignore[union-attr]
        return node.accepting

    def mask(self, node: Node) -> Packed:
        """The viable tokens [ceil(V / 32)], without the engine's own end-of-text token."""
        if node.mask is None:
            with self._lock:
                bits = None if node.matcher is None else self._bits(node)
            size, words = self.vocabulary.size, self.vocabulary.words
            mask = np.zeros(words, np.uint32) if bits is None else np.frombuffer(bits, "<u4")[:words].copy()
            if size % 32:
                mask[-1] &= np.uint32((1 << size % 32) - 1)
            mask.setflags(write=False)
            node.mask = mask
        return node.mask

    def _bits(self, node: Node) -> bytes | None:
        """The engine's mask; None, and no matcher from then on, where it finds no token at all."""
        matcher: Any = node.matcher
        bits: bytes = matcher.compute_bitmask()
        if not matcher.is_error():
            return bits
        if not matcher.get_error().startswith("NoExtensionBias"):
            raise self._failed(matcher)
        # No token can follow and the text may not end: the engine takes this for an error and is of no use afterwards.
        node.accepting, node.matcher = False, None
        return None

    def reads(self, tokens: Sequence[int]) -> bool:
        """Whether these tokens are a whole text of the language."""
        with self._lock:
            matcher = self.start.matcher.deep_copy()  # type: ignore[union-attr]
            consumed = matcher.try_consume_tokens(list(tokens))
            if matcher.is_error():
                raise self._failed(matcher)
            return bool(consumed == len(tokens) and matcher.is_accepting())

    def reach(self, tokens: Sequence[int]) -> int:
        """How many of these tokens a text of the language can begin with."""
        with self._lock:
            matcher = self.start.matcher.deep_copy()  # type: ignore[union-attr]
            consumed = int(matcher.try_consume_tokens(list(tokens)))
            if matcher.is_error():
                raise self._failed(matcher)
            return consumed

    def _failed(self, matcher: Any) -> ConstraintError:
        """The engine gave up, which says nothing about the text: it would otherwise look like a dead end."""
        why = str(matcher.get_error()).split("<state>")[0].strip()
        return ConstraintError(f"{self.what}: too complex for the grammar engine: {why}")
