"""The comments of a source."""

from __future__ import annotations

import re

from .nodes import Comment, Span

TOKEN = re.compile(r'''"""(?:\\[\s\S]|[^\\])*?"""|\'\'\'(?:\\[\s\S]|[^\\])*?\'\'\'|"(?:\\[\s\S]|[^"\\\n])*"'''
                   r"""|'(?:\\[\s\S]|[^'\\\n])*'|["'][^\n]*|\#[^\n]*|\n""")
"""Strings, comments and line ends, as the grammar reads them; an unclosed string goes up to the end of its line."""


def comments_of(source: str) -> tuple[Comment, ...]:
    found: list[Comment] = []
    line, start = 1, 0
    for token in TOKEN.finditer(source):
        text = token[0]
        if text[0] == "#":
            column = token.start() - start + 1
            alone = not source[start : token.start()].strip()
            found.append(Comment(Span(line, column, line, column + len(text)), text.rstrip(), alone))
        if "\n" in text:
            line += text.count("\n")
            start = token.start() + text.rfind("\n") + 1
    return tuple(found)
