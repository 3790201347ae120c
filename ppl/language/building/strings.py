"""Strings: escapes, interpolation, raw and verbatim strings."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lark import Token

from .. import nodes as n
from .builder import Builder, place
from .escapes import unescaped
from .interpolation import interpolated


def string(b: Builder, t: Token) -> n.String:
    """`"..."` with escapes and interpolation, or `r"..."` with neither."""
    if t.type == "RAW_STRING":
        return n.String(b.span(t), _texts([_body(t)]), str(t))
    return n.String(b.span(t), _texts(_parts(b, t)), str(t))


def verbatim(b: Builder, t: Token) -> n.String:
    """The literal of `grammar "..."`: neither escapes nor interpolation."""
    return n.String(b.span(t), _texts([_body(t)]), str(t), verbatim=True)


def quotes(source: str) -> tuple[int, int]:
    """Lengths of what opens a literal and of what closes it."""
    raw = source[:1] == "r"
    width = 3 if source[raw : raw + 3] in ('"""', "'''") else 1
    return raw + width, width


def _body(t: Token) -> str:
    opening, closing = quotes(t)
    return str(t)[opening:-closing]


PLAIN = re.compile(r"[^\\{}]+")


def _parts(b: Builder, t: Token) -> Iterator[str | n.Interpolation]:
    source = str(t)
    at, closing = quotes(source)
    end = len(source) - closing
    while at < end:
        plain = PLAIN.match(source, at, end)
        if plain:
            yield plain[0]
            at = plain.end()
        elif source[at] == "\\":
            text, at = unescaped(b, t, at)
            yield text
        elif source[at : at + 2] in ("{{", "}}"):
            yield source[at]
            at += 2
        elif source[at] == "}":
            b.error("lone-brace", "a lone '}' in a string", place(b, t, at, at + 1), "write }} for a brace")
            at += 1
        else:
            part, at = interpolated(b, t, at, end)
            if part is not None:
                yield part


def _texts(parts: Iterator[str | n.Interpolation] | list[str]) -> tuple[str | n.Interpolation, ...]:
    """Neighbouring texts in one."""
    done: list[str | n.Interpolation] = []
    for part in parts:
        if isinstance(part, str) and done and isinstance(done[-1], str):
            done[-1] += part
        elif part != "":
            done.append(part)
    return tuple(done)
