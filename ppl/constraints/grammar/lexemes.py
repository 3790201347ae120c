"""From automata back to expressions: terminals as the engine's lexer wants them."""

from __future__ import annotations

from collections.abc import Callable

from .automaton import Automaton
from .characters import Alphabet

LONGEST = 20_000
"""Characters of an expression; a terminal that needs more is spelt out."""

_UNION, _SEQUENCE, _ATOM = range(3)
_Expression = tuple[str, int]
"""Text and how tightly its last operator binds."""


def expression(words: Automaton, name: Callable[[int], str]) -> str | None:
    """An expression over names of character classes (name(mask)), by eliminating states; None where it gets too long.

    Eliminating q: every way p -> q -> r becomes an edge p_q (q_q)* q_r. The state with the fewest such ways goes first.
    """
    last = len(words.next)
    edges: dict[tuple[int, int], _Expression] = {}
    for p in range(last):
        for q, mask in words.edges(p).items():
            edges[p, q] = (name(mask), _ATOM)
    begin = -1
    edges[begin, 0] = ("", _ATOM)
    for q in words.accepting:
        edges[q, last] = ("", _ATOM)
    left = set(range(last))
    while left:
        ins: dict[int, list[int]] = {q: [] for q in left}
        outs: dict[int, list[int]] = {q: [] for q in left}
        for p, r in edges:
            if p != r:
                if r in left:
                    ins[r].append(p)
                if p in left:
                    outs[p].append(r)
        q = min(left, key=lambda s: (len(ins[s]) * len(outs[s]), s))
        left.remove(q)
        loop = edges.pop((q, q), None)
        again = (_tight(loop) + "*", _ATOM) if loop else ("", _ATOM)
        for p in ins[q]:
            for r in outs[q]:
                way = _then(_then(edges[p, q], again), edges[q, r])
                edges[p, r] = _either(edges[p, r], way) if (p, r) in edges else way
                if len(edges[p, r][0]) > LONGEST:
                    return None
        for p in ins[q]:
            del edges[p, q]
        for r in outs[q]:
            del edges[q, r]
    return edges[begin, last][0] if (begin, last) in edges else None


def _tight(e: _Expression) -> str:
    return e[0] if e[1] == _ATOM else f"({e[0]})"


def _then(a: _Expression, b: _Expression) -> _Expression:
    if not a[0] or not b[0]:
        return b if not a[0] else a
    left, right = (x[0] if x[1] > _UNION else f"({x[0]})" for x in (a, b))
    return f"{left} {right}", _SEQUENCE


def _either(a: _Expression, b: _Expression) -> _Expression:
    if not a[0] or not b[0]:
        some = a if a[0] else b
        return (some[0], some[1]) if some[0].endswith(("*", "?")) and some[1] == _ATOM else (_tight(some) + "?", _ATOM)
    return f"{a[0]} | {b[0]}", _UNION


def character_class(mask: int, alphabet: Alphabet) -> str:
    """A set of characters in the engine's dialect, one that never depends on flags."""
    return f"/[{''.join(map(_range, alphabet.characters(mask)))}]/"


def _range(ends: tuple[int, int]) -> str:
    low, high = map(_character, ends)
    return low if low == high else f"{low}-{high}"


def _character(code: int) -> str:
    c = chr(code)
    return c if c.isascii() and c.isalnum() else f"\\u{{{code:X}}}"

