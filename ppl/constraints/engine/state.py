"""`EngineState`: a text so far, in a language of the engine."""

from __future__ import annotations

from collections.abc import Hashable

from ..masks import Packed, has
from ..protocol import State
from .root import Node, Root


class EngineState(State):
    """text: the bytes so far, None after a special token, which no language of the engine has. The engine is asked only
    when this state is: until then it knows its parent, whose matcher is then copied. Texts that are equal share what is
    known about them, as long as their root keeps it (see `Root`)."""

    __slots__ = ("_node", "_parent", "_token", "root", "text", "vocabulary")

    def __init__(
        self, root: Root, text: bytes | None, node: Node | None, parent: EngineState | None, token: int,
    ) -> None:
        self.root, self.text, self.vocabulary = root, text, root.vocabulary
        self._node, self._parent, self._token = node, parent, token

    @classmethod
    def start(cls, root: Root) -> EngineState:
        return cls(root, b"", root.start, None, -1)

    def advance(self, token: int) -> EngineState:
        piece = self.vocabulary.token_bytes[token]
        if self.text is None or not piece:
            return EngineState(self.root, None, self.root.dead, None, -1)
        return EngineState(self.root, self.text + piece, None, self, token)

    @property
    def node(self) -> Node:
        node = self._node
        if node is None:
            tokens: list[int] = []
            state = self
            while (node := state._node or self.root.find(state.text)) is None:  # type: ignore[arg-type]
                tokens.append(state._token)
                state = state._parent  # type: ignore[assignment]
            if tokens:
                node = self.root.grow(node, tokens[::-1], self.text)  # type: ignore[arg-type]
            self._node, self._parent = node, None
        return node

    @property
    def accepting(self) -> bool:
        return self.root.accepting(self.node)

    @property
    def dead(self) -> bool:
        return self.node.dead

    def mask(self) -> Packed:
        return self.root.mask(self.node)

    def allows(self, token: int) -> bool:
        # A token that is to be read is cheaper to read than to look up in a mask that nobody else needs.
        mask = self.node.mask
        return not self.advance(token).dead if mask is None else has(mask, token)

    def key(self) -> Hashable:
        return (self.root, self.text)
