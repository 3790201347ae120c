"""From a Python regular expression to a nondeterministic automaton whose alternatives are in order of preference."""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib import import_module
from typing import Any, NamedTuple

from .characters import LAST, Ranges, category, complement, ignoring_case, merged

LARGEST = 20_000
"""States of the automaton of one terminal."""

_CATEGORIES = {"DIGIT": r"\d", "WORD": r"\w", "SPACE": r"\s"}
_ADVICE = {
    "lookahead": "A terminal is read by itself, whatever follows: say in the rules what may follow, or write a pattern "
    "that leaves out what it must not match",
    "lookbehind": "Only (?<!c) and (?<=c), one character c inside the match, can be read: say in the rules what may "
    "come before, or spell out escapes, as in /\"([^\"\\\\]|\\\\.)*\"/",
    "anchor": "A terminal is read by itself: leave out ^, $, \\A, \\Z, \\b and \\B, and say in the rules what comes "
    "before and after",
    "backreference": "Spell out the alternatives as rules, one for each text that may be repeated",
    "atomic": "Write an ordinary group and ordinary quantifiers (*, +, ?)",
}


class Lacks(Exception):
    """The pattern uses what an automaton cannot do; args: what, advice."""


class Step(NamedTuple):
    """characters: read one of these and go on to next[0]; None: try the states of `next`, the best first. behind: go on
    only if the character just read is one of these. round: the end of one round of the repetition that begins there; go
    on to next[0], or to next[1] if the round was empty (as `re` does)."""

    next: tuple[int, ...]
    characters: Ranges | None = None
    behind: Ranges | None = None
    round: int | None = None


class Machine:
    """The automaton of a pattern. steps[0] is the end of the match. tangled: a repetition of what can be empty is part
    of another one; `re` and the automaton may then prefer different matches."""

    def __init__(self, pattern: str) -> None:
        self._parser, self._compiler = import_module("re._parser"), import_module("re._compiler")
        self.steps: list[Step] = [Step(())]
        self.tangled, self._depth = False, 0
        tree = self._parser.parse(pattern)
        self.start = self._sequence(tree, 0, tree.state.flags)

    def _add(self, step: Step) -> int:
        if len(self.steps) > LARGEST:
            raise Lacks("its automaton is too large", "Use smaller counts in {m,n}, or repeat a rule instead")
        self.steps.append(step)
        return len(self.steps) - 1

    def _sequence(self, nodes: Sequence[tuple[Any, Any]], after: int, flags: int) -> int:
        for code, argument in reversed(nodes):
            after = self._node(str(code), argument, after, flags)
        return after

    def _node(self, code: str, argument: Any, after: int, flags: int) -> int:
        match code:
            case "LITERAL" | "NOT_LITERAL" | "ANY" | "IN":
                return self._add(Step((after,), characters=self._characters(code, argument, flags)))
            case "BRANCH":
                return self._add(Step(tuple([self._sequence(arm, after, flags) for arm in argument[1]])))
            case "SUBPATTERN":
                _, more, fewer, inner = argument
                return self._sequence(inner, after, (flags | more) & ~fewer)
            case "MAX_REPEAT" | "MIN_REPEAT":
                least, most, body = argument
                return self._repeat(least, most, body, after, flags, lazy=code == "MIN_REPEAT")
            case "ASSERT" | "ASSERT_NOT":
                direction, body = argument
                return self._behind(code, direction, body, after, flags)
        what = {"AT": "anchor", "GROUPREF": "backreference", "GROUPREF_EXISTS": "backreference"}.get(code, "atomic")
        name = {"atomic": "an atomic group or a possessive quantifier", "anchor": "an anchor"}.get(what, f"a {what}")
        raise Lacks(f"it uses {name}", _ADVICE[what])

    def _repeat(self, least: int, most: int, body: Any, after: int, flags: int, lazy: bool) -> int:
        def choice(more: int, no_more: int) -> Step:
            return Step((no_more, more) if lazy else (more, no_more))

        nullable = body.getwidth()[0] == 0
        self.tangled |= nullable and self._depth > 0
        self._depth += nullable
        begin = after
        if most == self._parser.MAXREPEAT:
            begin = self._add(Step(()))
            again = self._add(Step((begin, after), round=begin))
            self.steps[begin] = choice(self._sequence(body, again, flags), after)
        else:
            for _ in range(most - least):
                enter = self._add(Step(()))
                leave = self._add(Step((begin, after), round=enter))
                self.steps[enter] = choice(self._sequence(body, leave, flags), after)
                begin = enter
        for _ in range(least):
            begin = self._sequence(body, begin, flags)
        self._depth -= nullable
        return begin

    def _behind(self, code: str, direction: int, body: Any, after: int, flags: int) -> int:
        if direction > 0:
            raise Lacks("it uses a lookahead", _ADVICE["lookahead"])
        if len(body) != 1 or str(body[0][0]) not in ("LITERAL", "NOT_LITERAL", "ANY", "IN"):
            raise Lacks("it uses a lookbehind", _ADVICE["lookbehind"])
        ranges = self._characters(str(body[0][0]), body[0][1], flags)
        return self._add(Step((after,), behind=ranges if code == "ASSERT" else complement(ranges)))

    def _characters(self, code: str, argument: Any, flags: int) -> Ranges:
        if code == "ANY":
            newline = ((10, 10),)
            return ((0, LAST),) if flags & re.DOTALL else complement(newline)
        members = argument if code == "IN" else [(code, argument)]
        negated = str(members[0][0]) == "NEGATE"
        plain = merged(r for member in members for r in _member(str(member[0]), member[1], bool(flags & re.ASCII)))
        plain = complement(plain) if negated else plain
        if not flags & re.IGNORECASE:
            return plain
        state = self._parser.State()
        state.flags, state.str = flags, ""
        node = (getattr(self._parser, code), argument)
        return ignoring_case(plain, self._compiler.compile(self._parser.SubPattern(state, [node]), flags))


def _member(code: str, argument: Any, ascii_only: bool) -> Ranges:
    match code:
        case "LITERAL":
            return ((argument, argument),)
        case "NOT_LITERAL":
            return complement(((argument, argument),))
        case "RANGE":
            return (tuple(argument),)
        case "CATEGORY":
            name = str(argument).removeprefix("CATEGORY_")
            ranges = category(_CATEGORIES[name.removeprefix("NOT_")], ascii_only)
            return complement(ranges) if name.startswith("NOT_") else ranges
    return ()  # NEGATE, which is dealt with by the caller
