"""The productions that the engine reads: Lark's, with ignored text made explicit and some terminals spelt out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from .automaton import Automaton
from .terminals import Terminals


class Lexeme(NamedTuple):
    """A terminal that the engine's lexer reads in one piece, as long as it can."""

    terminal: str


class Chars(NamedTuple):
    """One character, of one of these atoms; part of a terminal that is spelt out."""

    mask: int
    terminal: str


Item = str | Lexeme | Chars
Productions = dict[str, list[tuple[Item, ...]]]
START = "start"


class Maker:
    """expansions: Lark's productions. ignored: the terminals that may stand before each terminal and at the end. spelt:
    the terminals that become productions over characters.

    A spelt terminal is left-linear, one name for each state q: ``T_q -> T_p c | c``. The parser then keeps one item a
    state, however long the text. Ignored terminals that stay lexemes are munched, as Lark munches them; spelt ones keep
    the state in which they ended, and what comes next may not begin with what they could have gone on with.
    """

    def __init__(
        self, terminals: Terminals, expansions: Mapping[str, list[list[Any]]], start: str, ignored: list[str],
        spelt: Iterable[str],
    ) -> None:  # fmt: skip
        self.terminals, self.ignored = terminals, ignored
        self.productions: Productions = {}
        self.spelt = set(spelt)
        if self.spelt & set(ignored):
            self.spelt |= set(ignored)
            self.spelt |= {name for name in terminals.automata for k in self._endings() if self._split(name, k)}
        for name, alternatives in expansions.items():
            for expansion in alternatives:
                self._add(f"n {name}", *[self._place(s) if s.is_term else f"n {s.name}" for s in expansion])
        self._add(START, f"n {start}")
        if self.spelt & set(ignored):
            for ending in self._endings():
                self._add(START, f"n {start}", self._skipped(ending))
        elif ignored:
            self._add(START, f"n {start}", "i")
            for name in ignored:
                self._add("i", Lexeme(name))
                self._add("i", "i", Lexeme(name))
        self.productions = without_chains(useful(self.productions, terminals))

    def _add(self, name: str, *items: Item) -> None:
        alternatives = self.productions.setdefault(name, [])
        if items not in alternatives:
            alternatives.append(items)

    def _place(self, terminal: Any) -> Item:
        """Where a terminal stands in a rule: the terminal, with ignored text before it."""
        name = str(terminal.name)
        if not self.ignored:
            return self._word(name)
        place = f"t {name}"
        if place not in self.productions:
            self._add(place, self._word(name))
            if not self.spelt & set(self.ignored):
                self._add(place, "i", self._word(name))
            else:
                first = self.terminals.automata[name].going_on(0)
                for ending in self._endings():
                    if first & ~ending:
                        self._add(place, self._skipped(ending), self._word(name, ending if first & ending else 0))
        return place

    def _word(self, name: str, without: int = 0) -> Item:
        """The words of a terminal; without: atoms that they must not begin with."""
        if name not in self.spelt:
            return Lexeme(name)
        words = self.terminals.automata[name]
        head = f"w {name} {without:x}"
        if head not in self.productions:
            self.productions[head] = [(f"{head} {q}",) for q in sorted(words.accepting)]
            for q, mask in words.edges(0).items():
                if mask & ~without:
                    self._add(f"{head} {q}", Chars(mask & ~without, name))
            self._inner(head, name, words)
        return head

    def _inner(self, head: str, name: str, words: Automaton) -> None:
        for p in range(len(words.next)):
            for q, mask in words.edges(p).items():
                self._add(f"{head} {q}", f"{head} {p}", Chars(mask, name))

    def _endings(self) -> list[int]:
        """What ignored terminals could go on with where they end, as masks."""
        words = [self.terminals.automata[name] for name in self.ignored]
        return sorted({w.going_on(q) for w in words for q in w.accepting})

    def _split(self, name: str, ending: int) -> bool:
        first = self.terminals.automata[name].going_on(0)
        return bool(first & ending and first & ~ending)

    def _skipped(self, ending: int) -> str:
        """Ignored text that could have gone on with just these atoms."""
        if "i" not in self.productions:
            self.productions["i"] = []  # made once; no production of this name is used
            for name in self.ignored:
                words = self.terminals.automata[name]
                head = f"i {name}"
                for q in words.accepting:
                    self._add(f"k {words.going_on(q):x}", f"{head} {q}")
                for q, mask in words.edges(0).items():
                    self._add(f"{head} {q}", Chars(mask, name))
                    for other in self._endings():
                        if mask & ~other:
                            self._add(f"{head} {q}", f"k {other:x}", Chars(mask & ~other, name))
                self._inner(head, name, words)
        return f"k {ending:x}"


def finishing(productions: Mapping[Any, list[Any]], ends: Callable[[Any], bool]) -> set[Any]:
    """The names from which a text can be made: the least set with an alternative whose items end or are in it."""
    done: set[Any] = set()
    before = -1
    while before < len(done):
        before = len(done)
        done |= {
            name for name, alternatives in productions.items()
            if any(all(item in done or ends(item) for item in a) for a in alternatives)
        }  # fmt: skip
    return done


def useful(productions: Productions, terminals: Terminals) -> Productions:
    """Without what can never finish, and what is never reached."""

    def ends(item: Item) -> bool:
        return isinstance(item, Chars) or (isinstance(item, Lexeme) and bool(terminals.automata[item[0]].accepting))

    done = finishing(productions, ends)
    kept = {n: [a for a in productions[n] if all(i in done or ends(i) for i in a)] for n in productions if n in done}
    reached, queue = {START}, [START]
    while queue:
        for alternative in kept.get(queue.pop(), []):
            for item in alternative:
                if isinstance(item, str) and item not in reached:
                    reached.add(item)
                    queue.append(item)
    return {name: alternatives for name, alternatives in kept.items() if name in reached}


def without_chains(productions: Productions) -> Productions:
    """Names that only stand for another item are replaced by it: the parser has fewer steps to go."""
    chains = {n: a[0][0] for n, a in productions.items() if n != START and len(a) == 1 and len(a[0]) == 1}

    def end(item: Item) -> Item:
        while isinstance(item, str) and item in chains:
            item = chains[item]
        return item

    return {n: [tuple(map(end, a)) for a in alternatives] for n, alternatives in productions.items() if n not in chains}
