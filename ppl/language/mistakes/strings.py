"""Mistakes with quotes."""

from __future__ import annotations

from ..nodes import Span
from .failure import Failure, Finding, end_of, start_of

LITERALS = ("STRING", "RAW_STRING")


def unclosed(f: Failure) -> Finding | None:
    if f.kind != "UNCLOSED":
        return None
    text = str(f.token).removeprefix("r")
    quote = text[:3] if text[:3] in ('"""', "'''") else text[0]
    at = f.span()
    opening = Span(at.line, at.column, at.line, at.column + len(str(f.token)) - len(text) + len(quote))
    if len(quote) == 3:
        return Finding("unclosed-string", f"a string that begins with {quote} is never closed", opening,
                       f"close it with {quote}", None)
    return Finding("unclosed-string", "a string is not closed on its line", opening,
                   f'close it with {quote}; a string over several lines stands in """..."""', f.cut_line())


def inner_quotes(f: Failure) -> Finding | None:
    """`"{words["a"]}"`, `'it's'`: the string ends at the inner quote."""
    prev = f.prev
    if prev is None or prev.type != "STRING" or end_of(prev) != start_of(f.token):
        return None
    text = str(prev).replace("{{", "")
    other = "'" if text[0] == '"' else '"'
    if text.rfind("{") <= text.rfind("}"):
        if f.kind != "NAME":
            return None
        return Finding("unclosed-string", f"the string ends before '{f.token}'", f.span(prev),
                       f"write {other}...{other} around it, or \\{text[0]} inside it", f.cut_line())
    return Finding("unclosed-brace", f"the string ends at this {text[0]}, inside {{...}}", f.span(prev),
                   f"inside {{...}} write the other kind of quotes: {other}", f.cut_line())


def adjacent(f: Failure) -> Finding | None:
    prev = f.prev
    if prev is None or prev.type not in LITERALS or f.kind not in LITERALS:
        return None
    at = end_of(prev)
    patched = f.cut_line() if at == start_of(f.token) else f.text[:at] + "+" + f.text[at + (f.text[at] != "\n") :]
    return Finding("missing-operator", "two strings stand in a row", f.span(),
                   "join them with +, or put a comma between them", patched)


RULES = (unclosed, inner_quotes, adjacent)
