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


def spans(tree: Tree[Any] | Any) -> list[Span]:
    """The spans of a tree that holds all its tokens, outer before inner, left before right; rules that stand for the
    empty text have none. (Lark's own positions leave out brackets of inlined rules.)"""
    out: list[Span] = []
    _collect(tree, out)
    return out


def _collect(tree: Any, out: list[Span]) -> tuple[int, int] | None:
    if not hasattr(tree, "children"):  # a token, or None for an optional part that is missing
        return None if tree is None else (tree.start_pos, tree.end_pos)
    place = len(out)
    ends = [end for child in tree.children if (end := _collect(child, out)) is not None]
    if not ends:
        return None
    out.insert(place, Span(str(tree.data), ends[0][0], ends[-1][1]))
    return ends[0][0], ends[-1][1]
