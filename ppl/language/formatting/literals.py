"""Strings, with double quotes where that changes nothing."""

from __future__ import annotations

from ..nodes import String


def literal(s: String) -> str:
    """As written; nothing inside is touched, the expressions in braces neither."""
    source = s.source
    raw = source[:1] == "r"
    if source[raw] != "'" or '"' in source:
        return source
    width = 3 if source[raw : raw + 3] == "'''" else 1
    return source[:raw] + '"' * width + source[raw + width : -width] + '"' * width
