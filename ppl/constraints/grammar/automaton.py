"""The words that Lark finds for a terminal, as a deterministic automaton."""

from __future__ import annotations

from collections.abc import Sequence

from .characters import Alphabet, bits
from .pattern import _ADVICE, LARGEST, Lacks, Machine

END = 0


def automaton(pattern: Machine, alphabet: Alphabet) -> Automaton:
    """Raises Lacks where the order of preference is in doubt and matters."""
    found = Automaton(pattern, alphabet)
    if pattern.tangled and not equal(found, Automaton(pattern, alphabet, preferred=False)):
        raise Lacks("it repeats what can be empty and prefers short matches", "Write it without nested * or ?")
    return found


def equal(a: Automaton, b: Automaton, p: int = 0, q: int = 0) -> bool:
    """Whether the same words end the reading, from state p of one and state q of the other."""
    seen = {(p, q)}
    queue = [(p, q)]
    for p, q in queue:  # grows while it is read
        if (p in a.accepting) != (q in b.accepting) or a.next[p].keys() != b.next[q].keys():
            return False
        for atom, successor in a.next[p].items():
            pair = (successor, b.next[q][atom])
            if pair not in seen:
                seen.add(pair)
                queue.append(pair)
    return True


class Automaton:
    """next[q]: the state after a character of an atom; a state without way to an accepting one does not exist. State 0
    is the start; no word at all: `next` is [{}] and `accepting` is empty.

    Where a text is read with `re.match`, and the match is cut short in every way and read again (Lark's
    dynamic_complete), the words found are P = {w : re.match(pattern, w) is all of w}: for patterns without assertions a
    match that is preferred on a text is preferred on every shorter text that holds it. P is less than what
    `re.fullmatch` accepts where the pattern prefers a shorter match (``.*?``, ``a|ab``). It is the language of the
    leftmost-first subset automaton: threads in order of preference, those behind a finished one are dropped. (With
    `preferred` False: the language of `re.fullmatch`.) Raises Lacks.
    """

    def __init__(self, machine: Machine, alphabet: Alphabet, preferred: bool = True) -> None:
        self._machine, self._preferred = machine, preferred
        self._masks = [alphabet.sets.get(s.characters, 0) if s.characters else 0 for s in machine.steps]
        self._behind = [alphabet.sets.get(s.behind, 0) if s.behind is not None else -1 for s in machine.steps]
        self._asserts = any(s.behind is not None for s in machine.steps)
        start = self._threads([machine.start], None)
        numbers = {start: 0}
        queue, found, ends = [start], list[dict[int, int]](), set[int]()
        for q, threads in enumerate(queue):  # grows while it is read
            if END in threads:
                ends.add(q)
            found.append({})
            for group in self._groups(threads):
                following = self._after(threads, group)
                if following:
                    if following not in numbers:
                        numbers[following] = len(queue)
                        queue.append(following)
                        if len(queue) > LARGEST:
                            raise Lacks("its automaton is too large", "Use smaller counts, or rules instead")
                    found[q].update(dict.fromkeys(bits(group), numbers[following]))
        self.next, self.accepting = _trimmed(found, ends)

    def _groups(self, threads: tuple[int, ...]) -> list[int]:
        """Atoms that lead to one and the same state, as masks."""
        groups = [-1]
        for thread in threads:
            mask = self._masks[thread]
            groups = [part for g in groups for part in (g & mask, g & ~mask) if part]
        groups = [g for g in groups if g > 0]
        return [1 << a for g in groups for a in bits(g)] if self._asserts else groups

    def _after(self, threads: tuple[int, ...], group: int) -> tuple[int, ...]:
        atom = group & -group
        heads = [self._machine.steps[t].next[0] for t in threads if self._masks[t] & atom]
        return self._threads(heads, atom)

    def _threads(self, heads: Sequence[int], last: int | None) -> tuple[int, ...]:
        """The reading states that are reached without reading, the best first; what is worse than an end is cut."""
        seen, within, out = set[int](), set[int](), list[int]()
        stack = list(reversed(heads))
        while stack:
            state = stack.pop()
            if state < 0:  # all that is reached from there has been seen
                within.remove(~state)
                continue
            step = self._machine.steps[state]
            if step.round is not None:  # not kept in `seen`: where it goes depends on the way to it
                stack.append(step.next[1 if step.round in within else 0])
                continue
            if state in seen:
                continue
            seen.add(state)
            if state == END:
                out.append(END)
                if self._preferred:
                    break
            elif step.characters is not None:
                out.append(state)
            elif step.behind is None:
                within.add(state)
                stack.append(~state)
                stack.extend(reversed(step.next))
            elif last is None:
                raise Lacks("a lookbehind looks at what comes before the terminal", _ADVICE["lookbehind"])
            elif self._behind[state] & last:
                stack.extend(step.next)
        return tuple(out)

    def edges(self, state: int) -> dict[int, int]:
        """Successor -> the mask of the atoms that lead there."""
        out: dict[int, int] = {}
        for atom, successor in self.next[state].items():
            out[successor] = out.get(successor, 0) | 1 << atom
        return out

    def going_on(self, state: int) -> int:
        """The atoms that a word may go on with, as a mask."""
        return sum(1 << atom for atom in self.next[state])

    def shortest(self, alphabet: Alphabet) -> int | None:
        """Bytes of the shortest word; None where there is none."""
        cost = {0: 0}
        queue = {0}
        while queue:
            q = min(queue, key=cost.__getitem__)
            queue.remove(q)
            if q in self.accepting:
                return cost[q]
            for atom, successor in self.next[q].items():
                new = cost[q] + alphabet.least_bytes[atom]
                if new < cost.get(successor, new + 1):
                    cost[successor] = new
                    queue.add(successor)
        return None


def _trimmed(found: list[dict[int, int]], ends: set[int]) -> tuple[list[dict[int, int]], frozenset[int]]:
    before: list[set[int]] = [set() for _ in found]
    for q, edges in enumerate(found):
        for successor in edges.values():
            before[successor].add(q)
    alive, queue = set(ends), list(ends)
    while queue:
        for q in before[queue.pop()] - alive:
            alive.add(q)
            queue.append(q)
    if 0 not in alive:
        return [{}], frozenset()
    number = {q: i for i, q in enumerate(sorted(alive))}
    kept = [{a: number[s] for a, s in found[q].items() if s in alive} for q in sorted(alive)]
    return kept, frozenset(number[q] for q in ends)
