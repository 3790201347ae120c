"""`Definition`: a language in the syntax of the grammar engine, in a form that can be put together."""

from __future__ import annotations

from typing import NamedTuple


class Definition(NamedTuple):
    """expression: what stands for the language in the body of a rule. rules: the lines that define the names used in
    it, each name beginning with a prefix that is its own. regular: the language as one regular expression in the
    engine's dialect, where it has one: what is put together of such parts stays one lexeme, and is exact.
    least_bytes: no text of the language is shorter.
    """

    expression: str
    rules: tuple[str, ...] = ()
    regular: str | None = None
    least_bytes: int = 0
