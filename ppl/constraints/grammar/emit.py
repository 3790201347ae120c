"""The productions in the syntax of the engine."""

from __future__ import annotations

import json
from collections.abc import Mapping

from ..definition import Definition
from .lexemes import character_class, expression
from .productions import START, Chars, Item, Lexeme, Productions
from .terminals import Terminals


def emit(productions: Productions, terminals: Terminals, literals: Mapping[str, str], prefix: str) -> Definition:
    """literals: the terminals that are just a string."""
    rules = {name: f"{prefix.lower()}_g{i}" for i, name in enumerate(productions)}
    classes: dict[int, str] = {}
    lexemes: dict[str, str] = {}
    lines: list[str] = []

    def class_of(mask: int) -> str:
        if mask not in classes:
            classes[mask] = f"{prefix.upper()}_C{len(classes)}"
            lines.append(f"{classes[mask]}: {character_class(mask, terminals.alphabet)}")
        return classes[mask]

    def shown(item: Item) -> str:
        if isinstance(item, str):
            return rules[item]
        if isinstance(item, Chars):
            return class_of(item.mask)
        name = item.terminal
        if name not in lexemes:
            if name in literals:
                body: str | None = json.dumps(literals[name], ensure_ascii=False)
            else:
                body = expression(terminals.automata[name], class_of)
            lexemes[name] = f"{prefix.upper()}_L{len(lexemes)}"
            lines.append(f"{lexemes[name]}: {body}")
        return lexemes[name]

    for name, alternatives in productions.items():
        lines.append(f"{rules[name]}: " + " | ".join(" ".join(map(shown, a)) or '""' for a in alternatives))
    return Definition(rules[START], tuple(lines), None, least_bytes(productions, terminals)[START])


def least_bytes(productions: Productions, terminals: Terminals) -> dict[str, int]:
    """The bytes of the shortest text of each production: the least fixpoint of l(A) = min over A -> x of sum l(x_i)."""
    known: dict[str, float] = dict.fromkeys(productions, float("inf"))
    words = {name: automaton.shortest(terminals.alphabet) for name, automaton in terminals.automata.items()}

    def length(item: Item) -> float:
        if isinstance(item, Lexeme):
            shortest = words[item.terminal]
            return float("inf") if shortest is None else shortest
        return terminals.alphabet.shortest(item.mask) if isinstance(item, Chars) else known[item]

    changed = True
    while changed:
        changed = False
        for name, alternatives in productions.items():
            best = min((sum(map(length, a)) for a in alternatives), default=float("inf"))
            if best < known[name]:
                known[name], changed = best, True
    return {name: int(n) for name, n in known.items()}
