"""The terminals of a grammar as automata over one alphabet."""

from __future__ import annotations

from collections.abc import Sequence

from .automaton import Automaton, automaton, equal
from .characters import Alphabet, bits
from .pattern import Lacks, Machine
from .source import Source


class Terminals:
    """automata[name]: the words of a terminal. Raises BadSource where a pattern uses what no automaton can do."""

    def __init__(self, source: Source) -> None:
        machines: dict[str, Machine] = {}
        for name, pattern in source.patterns.items():
            try:
                machines[name] = Machine(pattern.to_regexp())
            except Lacks as lack:
                raise _refused(source, name, lack) from None
        steps = [step for machine in machines.values() for step in machine.steps]
        self.alphabet = Alphabet(s for step in steps for s in (step.characters, step.behind) if s is not None)
        self.automata: dict[str, Automaton] = {}
        for name, machine in machines.items():
            try:
                self.automata[name] = automaton(machine, self.alphabet)
            except Lacks as lack:
                raise _refused(source, name, lack) from None
        self._check_ignored(source)

    def _check_ignored(self, source: Source) -> None:
        """Lark skips as much as an ignored terminal can match, and goes on only behind that. One character ahead says
        whether it can match more, unless it may begin to go on and then fail; then nothing else may begin like that."""
        for name in source.ignored:
            words = self.automata[name]
            doubtful = {(a, s) for q in words.accepting for a, s in words.next[q].items() if s not in words.accepting}
            for other, theirs in self.automata.items():
                for atom, going_on in doubtful:
                    anew = theirs.next[0].get(atom)
                    if anew is None or (other == name and equal(words, words, going_on, anew)):
                        continue
                    raise source.places.bad(
                        f"after the ignored {source.shown(name)}, {self.alphabet.example(1 << atom)!r} may go on with "
                        f"it or begin {source.shown(other)}; Lark would look more than one character ahead to decide",
                        source.place_of_terminal(name),
                        f"Let {source.shown(name)} match one piece only (it may be repeated), or single characters",
                    )

    def common(self, a: str, b: str) -> bool:
        """Whether some word is a word of both."""
        return any(p in self.automata[a].accepting and q in self.automata[b].accepting for p, q in self._pairs(a, b))

    def beyond(self, a: str, b: str) -> int:
        """The atoms that a word of b may go on with where it has just read a word of a, as a mask."""
        second, out = self.automata[b], 0
        for p, q in self._pairs(a, b):
            if p in self.automata[a].accepting:
                out |= second.going_on(q)
        return out

    def word(self, a: str, b: str, then: int) -> str:
        """A shortest word of a with which b, too, can begin, and go on with one of the atoms."""
        first, second = self.automata[a], self.automata[b]
        spelt = {(0, 0): ""}
        queue = [(0, 0)]
        for p, q in queue:  # grows while it is read
            if p in first.accepting and second.going_on(q) & then:
                return spelt[p, q]
            for atom in bits(first.going_on(p) & second.going_on(q)):
                pair = first.next[p][atom], second.next[q][atom]
                if pair not in spelt:
                    spelt[pair] = spelt[p, q] + self.alphabet.example(1 << atom)
                    queue.append(pair)
        return ""

    def skippable(self, text: str, ignored: Sequence[str]) -> bool:
        """Whether a text at the end of the input is nothing but ignored terminals, each read as far as it can be."""
        reached = {0}
        for at in range(len(text)):
            if at in reached:
                ends = (self._longest(name, text, at) for name in ignored)
                reached.update(end for end in ends if end is not None)
        return len(text) in reached

    def _longest(self, name: str, text: str, at: int) -> int | None:
        """Where the longest word that begins at a place ends."""
        words, q, end = self.automata[name], 0, None
        for i in range(at, len(text)):
            successor = words.next[q].get(self.alphabet.atom(text[i]))
            if successor is None:
                break
            q = successor
            if q in words.accepting:
                end = i + 1
        return end

    def _pairs(self, a: str, b: str) -> list[tuple[int, int]]:
        """The states in which the two can be after one and the same text."""
        first, second = self.automata[a], self.automata[b]
        queue, seen = [(0, 0)], {(0, 0)}
        for p, q in queue:  # grows while it is read
            for atom, successor in first.next[p].items():
                if atom in second.next[q]:
                    pair = successor, second.next[q][atom]
                    if pair not in seen:
                        seen.add(pair)
                        queue.append(pair)
        return queue


def _refused(source: Source, name: str, lack: Lacks) -> Exception:
    why, advice = lack.args
    shown, place = source.shown(name), source.place_of_terminal(name)
    return source.places.bad(f"the terminal {shown} cannot be used: {why}", place, advice)
