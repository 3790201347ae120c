"""Parse trees of texts, and the part of the text that each rule stands for."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from lark import Lark, Tree


class Span(NamedTuple):
    """text[begin:end] (characters) is what the rule, or the alias of one of its alternatives, stands for."""

    rule: str
    begin: int
    end: int


def tree(lark: Lark, text: str, skippable: Callable[[str], bool]) -> Tree[Any]:
    """Lark's tree of a text.

    Where the end of a text can be ignored or be part of the last rule, Lark finds two roots and raises RuntimeError;
    then the tree of the longest beginning with one root is taken, behind which all is ignored.
    """
    try:
        return lark.parse(text)
    except RuntimeError:
        from lark.exceptions import UnexpectedInput

        for end in range(len(text) - 1, -1, -1):
            if skippable(text[end:]):
                with suppress(UnexpectedInput, RuntimeError):
                    return lark.parse(text[:end])
        raise


def spans(tree: Tree[Any]) -> list[Span]:
    """The spans of a tree, outer before inner, left before right; trees of empty text have none."""
    out, stack = [], [tree]
    while stack:
        node = stack.pop()
        if not node.meta.empty:
            out.append(Span(str(node.data), node.meta.start_pos, node.meta.end_pos))
        stack.extend(child for child in reversed(node.children) if hasattr(child, "meta"))
    return out
