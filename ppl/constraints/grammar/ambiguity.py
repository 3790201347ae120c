"""Where reading as much as possible loses texts: maximal munch against the language of the productions."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import or_
from typing import NamedTuple

from .characters import bits
from .productions import START, Chars, Item, Lexeme, Productions
from .terminals import Terminals


class Conflict(NamedTuple):
    """After a word of `first` the lexer may go on to read `second`, though what comes next could begin there. text:
    such a word and the next character; empty where only the first bytes of two characters are the same."""

    first: str
    second: str
    text: str


class LexerAmbiguity(UserWarning):
    """The engine reads a terminal as far as it can, and so rejects texts that the grammar generates."""


def conflicts(productions: Productions, terminals: Terminals, ignored: Sequence[str]) -> list[Conflict]:
    """None at all means that the engine reads exactly the language of the productions.

    The engine's lexer reads on while some terminal that the parser allows can go on, and forgets shorter matches. A
    text is lost only if terminals U and V are allowed at one place, w is a word of U, V can go on behind w with a
    character whose first byte also begins what may follow U. Places are told apart by the terminal just read, so the
    test errs only on the side of finding conflicts: it follows the pairs of occurrences that can be allowed together,

        R = first(start)^2  and  follow(o) x follow(o')  for (o, o') in R with a word in common.

    An ignored terminal that goes on with itself is no conflict: Lark reads it as far as it can, too.
    """
    occurrences = Occurrences(productions)
    items, follow = occurrences.items, occurrences.follow
    common: dict[tuple[Item, Item], bool] = {}
    beyond: dict[tuple[Item, str], list[int]] = {}
    first_atoms = [_first(item, terminals) for item in items]
    next_atoms = [reduce(or_, (first_atoms[o] for o in bits(mask)), 0) for mask in follow]
    alphabet = terminals.alphabet
    found: dict[tuple[str, str], Conflict] = {}
    for o, row in enumerate(_together(occurrences, terminals, common)):
        u = items[o]
        for other in bits(row):
            v = items[other]
            if not isinstance(v, Lexeme) or (u.terminal, v.terminal) in found:
                continue
            if (u, v.terminal) not in beyond:
                beyond[u, v.terminal] = _beyond(u, v.terminal, terminals)
            for going_on in beyond[u, v.terminal]:
                after = next_atoms[o]
                if u == v and v.terminal in ignored:
                    after &= ~going_on
                if alphabet.bytes_of(after) & alphabet.bytes_of(going_on):
                    text = _example(u, v.terminal, after & going_on, terminals)
                    found[u.terminal, v.terminal] = Conflict(u.terminal, v.terminal, text)
                    break
    return list(found.values())


class Occurrences:
    """The places of terminals in the productions. Sets of places are bit masks.

    items[o]: what stands there. follow[o]: the places that can be read next. start: those that can be read first.
    """

    def __init__(self, productions: Productions) -> None:
        self.items: list[Lexeme | Chars] = []
        numbered: dict[str, list[list[str | int]]] = {}
        for name, alternatives in productions.items():
            numbered[name] = []
            for alternative in alternatives:
                row: list[str | int] = []
                for item in alternative:
                    if isinstance(item, str):
                        row.append(item)
                    else:
                        row.append(len(self.items))
                        self.items.append(item)
                numbered[name].append(row)
        nullable: set[str] = set()
        first = dict.fromkeys(productions, 0)
        follow = dict.fromkeys(productions, 0)
        self.follow = [0] * len(self.items)
        changed = True
        while changed:
            before = (len(nullable), tuple(first.values()))
            for name, rows in numbered.items():
                for row in rows:
                    for symbol in row:
                        first[name] |= 1 << symbol if isinstance(symbol, int) else first[symbol]
                        if isinstance(symbol, int) or symbol not in nullable:
                            break
                    else:
                        nullable.add(name)
            changed = before != (len(nullable), tuple(first.values()))
        changed = True
        while changed:
            before = (0, tuple(follow.values()))
            for name, rows in numbered.items():
                for row in rows:
                    then = follow[name]
                    for symbol in reversed(row):
                        if isinstance(symbol, int):
                            self.follow[symbol] |= then
                            then = 1 << symbol
                        else:
                            follow[symbol] |= then
                            then = first[symbol] | (then if symbol in nullable else 0)
            changed = before != (0, tuple(follow.values()))
        self.start = first.get(START, 0)


def _together(occurrences: Occurrences, terminals: Terminals, common: dict[tuple[Item, Item], bool]) -> list[int]:
    """rows[o]: the places that can be allowed where o is."""
    items, follow = occurrences.items, occurrences.follow
    rows = [0] * len(items)
    done: set[tuple[int, int]] = set()

    def together(a: int, b: int) -> None:
        if (a, b) not in done:
            done.add((a, b))
            for o in bits(a):
                if new := b & ~rows[o]:
                    rows[o] |= new
                    queue.append((o, new))

    queue: list[tuple[int, int]] = []
    together(occurrences.start, occurrences.start)
    while queue:
        o, new = queue.pop()
        for other in bits(new):
            pair = items[o], items[other]
            if pair not in common:
                common[pair] = common[pair[1], pair[0]] = _common(*pair, terminals)
            if common[pair]:
                together(follow[o], follow[other])
    return rows


def _common(u: Lexeme | Chars, v: Lexeme | Chars, terminals: Terminals) -> bool:
    """Whether the two have a word in common."""
    if isinstance(u, Lexeme) and isinstance(v, Lexeme):
        return u == v or terminals.common(u.terminal, v.terminal)
    if isinstance(u, Chars) and isinstance(v, Chars):
        return bool(u.mask & v.mask)
    if isinstance(u, Lexeme):
        return _common(v, u, terminals)
    words = terminals.automata[v.terminal]
    return any(u.mask >> a & 1 and s in words.accepting for a, s in words.next[0].items())


def _first(item: Lexeme | Chars, terminals: Terminals) -> int:
    return item.mask if isinstance(item, Chars) else terminals.automata[item.terminal].going_on(0)


def _beyond(u: Lexeme | Chars, v: str, terminals: Terminals) -> list[int]:
    """The atoms that v may go on with behind a word of u; one mask for each way to be there."""
    words = terminals.automata[v]
    if isinstance(u, Chars):
        return [words.going_on(s) for a, s in words.next[0].items() if u.mask >> a & 1]
    if u.terminal == v:
        return [words.going_on(q) for q in words.accepting]
    return [terminals.beyond(u.terminal, v)]


def _example(u: Lexeme | Chars, v: str, after: int, terminals: Terminals) -> str:
    if not after or isinstance(u, Chars):
        return ""
    return terminals.word(u.terminal, v, after) + terminals.alphabet.example(after)
