"""`grammar(source)`: the texts of a context-free grammar in Lark's syntax."""

from __future__ import annotations

import warnings
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ..definition import Definition
from ..engine import EngineConstraint
from .ambiguity import LexerAmbiguity, conflicts
from .emit import emit
from .lexemes import expression
from .productions import Maker, finishing
from .source import Source
from .terminals import Terminals
from .trees import Span, spans, tree

if TYPE_CHECKING:
    from lark import Tree


def grammar(source: str, start: str = "start", exact: bool = True) -> Grammar:
    """The texts that ``lark.Lark(source, start=start, parser="earley", lexer="dynamic_complete")`` accepts.

    source: a grammar in Lark's syntax (rules in lower case, TERMINALS in upper case, %import, %ignore, templates ...).
    A context-free grammar can say what a regular expression cannot: nesting, agreement of brackets, lists of lists.

    The engine's lexer reads as much as it can, so where one terminal can begin another, or what follows it can go on
    with it (``start: A B``, A: /a+/, B: "ab"), it would miss texts. exact: the terminals concerned are read character
    by character, which misses nothing and makes masks slower (about 1 ms for 32,000 tokens); with False they are read
    as far as possible, and a LexerAmbiguity warning names them and a text.

    Raises BadSource (line, column, what was expected) for errors of syntax, names that are not defined, rules that no
    text can finish, terminals that match the empty text or use what no automaton can do (lookahead, backreferences).
    """
    if not isinstance(source, str):
        raise TypeError(f"grammar: source has to be a str in Lark's syntax, got {type(source).__name__}")
    made = _make(source, start, exact)
    for warning in made.warnings:
        warnings.warn(warning, LexerAmbiguity, stacklevel=2)
    return made


class Grammar(EngineConstraint):
    """warnings: where it reads less than Lark (never, if `exact`). spelt: the terminals that are read character by
    character."""

    def __init__(self, source: str, start: str = "start", exact: bool = True) -> None:
        self._source = Source(source, start)
        self.source, self.rule = source, start
        terminals = Terminals(self._source)
        self._check_finishing(terminals)
        literals = {n: p.value for n, p in self._source.patterns.items() if p.type == "str" and not p.flags}
        long = [
            name for name, words in terminals.automata.items()
            if name not in literals and words.accepting and expression(words, "{:x}".format) is None
        ]  # fmt: skip
        spelt, found = set(long), []
        while True:
            made = Maker(terminals, self._source.expansions, start, self._source.ignored, spelt)
            found = conflicts(made.productions, terminals, self._source.ignored)
            if not found or not exact:
                break
            spelt = made.spelt | {conflict.second for conflict in found}
        shown = self._source.shown
        self.warnings = tuple(
            f"grammar: {shown(c.first)} may end where {shown(c.second)} could go on"
            + (f", as in {c.text!r}" if c.text else "")
            + ": the engine reads as much as it can, and misses texts that Lark accepts; exact=True does not"
            for c in found
        )
        self.spelt = tuple(sorted(shown(name) for name in made.spelt))
        self._made, self._terminals, self._literals = made.productions, terminals, literals

    def definition(self, prefix: str) -> Definition:
        return emit(self._made, self._terminals, self._literals, prefix)

    def parse(self, text: str) -> Tree[Any]:
        """Lark's tree of a text (Earley; of several trees the one that priorities choose), with positions.

        Raises lark.exceptions.UnexpectedInput where the text is not in the language.
        """
        return tree(self._source.lark, text, self._skippable)

    def _skippable(self, text: str) -> bool:
        return self._terminals.skippable(text, self._source.ignored)

    def spans(self, text: str) -> list[Span]:
        """What each rule of the tree of a text stands for, as (rule, begin, end) in characters: outer before inner.

        A rule that is inlined (?rule with one part, _rule) has no span. Raises as `parse` does.
        """
        return spans(tree(self._source.whole, text, self._skippable))

    def _check_finishing(self, terminals: Terminals) -> None:
        from lark.grammar import NonTerminal, Terminal

        source = self._source
        words = {Terminal(name): bool(automaton.accepting) for name, automaton in terminals.automata.items()}
        symbols = {NonTerminal(name): alternatives for name, alternatives in source.expansions.items()}
        done = finishing(symbols, lambda symbol: words.get(symbol, False))
        for terminal in {s: None for alternatives in symbols.values() for a in alternatives for s in a if s.is_term}:
            if not words[terminal]:
                raise source.places.bad(f"the terminal {source.shown(terminal.name)} matches no text at all",
                                        source.place_of_terminal(terminal.name))
        needs = {symbol: {s for a in symbols[symbol] for s in a} - done for symbol in symbols if symbol not in done}
        for symbol in needs:
            reached, queue = set(needs[symbol]), list(needs[symbol])
            while queue:
                new = needs.get(queue.pop(), set()) - reached
                reached |= new
                queue.extend(new)
            if symbol in reached and not symbol.name.startswith("__"):
                rule = symbol.name.split("{")[0]
                raise source.places.bad(f"the rule {rule} can never finish: every alternative leads back to it",
                                        source.places.definition(rule), "Add an alternative that ends")

    def __repr__(self) -> str:
        first = self.source.strip().splitlines()[0] if self.source.strip() else ""
        return f"grammar({first[:40]!r}{'...' if self.source.strip() != first[:40] else ''})"


_make = lru_cache(64)(Grammar)
