"""The constraints, for `where=`, and their members."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ...constraints.canonical import canonical as _canonical
from ...constraints.protocol import Constraint
from ..containers import Items
from ..kinds import Function, described
from ..limits import Limits, Meter
from ..operators import composed
from ..problems import Problem
from .data import plain
from .registry import function, keyword, may, member, needs

LONGEST_SOURCE = 20_000
MOST = 10_000
"""Repetitions of a part, and rejections of a predicate."""
A_VERDICT = 50
"""A predicate may take this share of the steps of a run for one text."""


@function("constraint", needs("pattern", "str"), example='regex(r"[a-z]+")', metered=True)
def regex(meter: Meter, pattern: str) -> Constraint:
    """The texts that a regular expression matches as a whole."""
    from ...constraints.regex import regex

    _source(meter, "regex", pattern)
    meter.charge(len(pattern) // 2)
    return regex(str(pattern))


@function("constraint", needs("source", "str"), example='grammar(r"""start: "a" "b"?""")', metered=True)
def grammar(meter: Meter, source: str) -> Constraint:
    """The texts of a grammar in Lark's notation, which begins with the rule `start`."""
    from ...constraints.grammar import grammar

    _source(meter, "grammar", source)
    meter.charge(len(source) ** 2 // 1_000)  # Lark takes so long for rules that name one another
    return grammar(str(source))


@function("constraint", needs("schema", "dict", "bool"), example='json_schema({"type": "integer"})', metered=True)
def json_schema(meter: Meter, schema: Any) -> Constraint:
    """The JSON texts whose values are valid under a schema."""
    from ...constraints.json_schema import json_schema

    size = getattr(schema, "size", None)
    meter.charge(200 if size is None else 200 + 4 * size.items + size.characters // 16)
    return json_schema(plain(schema))


@function("constraint", needs("members", "list"), may("tokenizations", "str"), example='choice(["yes", "no"])',
          metered=True)
def choice(meter: Meter, members: Items, tokenizations: str = "all") -> Constraint:
    """One of these texts, with its exact probability; tokenizations="canonical": each in its usual tokens only."""
    from ...constraints.choice import choice

    meter.charge(20 + len(members) + members.size.characters // 64)
    return choice(members, tokenizations)  # type: ignore[arg-type]


@function("constraint", needs("words", "list"), may("separator", "str"), may("min", "int"), may("max", "int", "none"),
          example='words(["la", "li"], max=4)', metered=True)
def words(meter: Meter, words: Items, separator: str = " ", min: int = 1, max: int | None = None) -> Constraint:
    """Texts made of these words, with the separator between them."""
    from ...constraints.words import words as make

    meter.charge(20 + len(words) // 2 + words.size.characters // 64)
    return make(words, separator, _times("words", "min", min), None if max is None else _times("words", "max", max))


@function("constraint", needs("text", "str"), keyword("chunk", "str", "none"),
          example='substring("to be or not to be")', metered=True)
def substring(meter: Meter, text: str, chunk: str | None = None) -> Constraint:
    """Any passage of the text, the empty one included; chunk="word": of whole words."""
    from ...constraints.substring import substring

    _source(meter, "substring", text)
    return substring(str(text), chunk)  # type: ignore[arg-type]


@function("constraint", example="canonical()")
def canonical() -> Constraint:
    """Texts in the tokens that the tokenizer itself would give them: `regex(...) & canonical()`."""
    return _canonical()


@function("constraint", needs("test", "function"), keyword("cap", "int"), keyword("exact", "bool"), metered=True)
def predicate(meter: Meter, test: Function, cap: int = 64, exact: bool = False) -> Constraint:
    """Texts that a def of the text so far accepts: True, False (hopeless for good), or None (not decided yet)."""
    from ...constraints.predicate import predicate

    test.accepts(1)
    return predicate(_Verdict(test, meter.limits), name=test.name, cap=_times("predicate", "cap", cap), exact=exact)


class _Verdict:
    """Asks a def about a text, with a meter of its own: the sampler asks outside any run, and for every token."""

    def __init__(self, test: Function, limits: Limits) -> None:
        self.test, self.limits = test, replace(limits, steps=max(1, limits.steps // A_VERDICT))

    def __call__(self, text: str) -> Any:
        try:
            answer = self.test.call(Meter(self.limits), text)
            if answer is None or isinstance(answer, bool):
                return answer
            raise Problem("kind", f"{self.test.name}: a predicate answers True, False or None, not {described(answer)}",
                          "return True or False, and None while it is undecided")
        except Problem as problem:
            raise self.test.at_fault(problem) from None


@member("constraint", "constraint", needs("next", "constraint"), example='regex("a").then(regex("b"))')
def then(first: Any, next: Any) -> Constraint:
    """Texts of this constraint followed by texts of the next."""
    return composed(lambda: _engine("then", first).then(next), first, next)  # type: ignore[no-any-return]


@member("constraint", "constraint", may("min", "int"), may("max", "int", "none"), example='regex("a").repeat(1, 3)')
def repeat(constraint: Any, min: int = 0, max: int | None = None) -> Constraint:
    """At least min and at most max texts of this constraint, one after the other."""
    most = None if max is None else _times("repeat", "max", max)
    least = _times("repeat", "min", min)
    return composed(lambda: _engine("repeat", constraint).repeat(least, most), constraint)  # type: ignore[no-any-return]


@member("constraint", "constraint", needs("penalty", "float"), example='regex("a+").softly(3.0)')
def softly(constraint: Constraint, penalty: float) -> Constraint:
    """Soft: other texts are allowed and weighed by exp(-penalty)."""
    return composed(lambda: constraint.softly(penalty), constraint)  # type: ignore[no-any-return]


@member("constraint", "bool", needs("text", "str"), example='regex("a+").matches("aa")', metered=True)
def matches(meter: Meter, constraint: Constraint, text: str) -> bool:
    """Whether a whole text meets the constraint."""
    meter.charge(20 + len(text) // 16)
    return constraint.matches(str(text))


def _engine(what: str, constraint: Any) -> Any:
    if not hasattr(constraint, "then"):
        raise Problem("kind", f"{what}: this constraint has no grammar; regex, words, substring, choice, grammar and "
                              "json_schema have one")
    return constraint


def _source(meter: Meter, what: str, source: str) -> None:
    meter.charge(50)
    if len(source) > LONGEST_SOURCE:
        raise Problem("limit", f"{what}: its text of {len(source):,} characters is too long: the limit is "
                               f"{LONGEST_SOURCE:,}", "make it shorter, or join several with | and &")


def _times(what: str, name: str, n: int) -> int:
    if n > MOST:
        raise Problem("limit", f"{what}: {name}={n} is too large: the limit is {MOST:,}",
                      f"write {name}={MOST}")
    return n


