"""`regex(pattern)`: texts that Python's `re.fullmatch` matches."""

from __future__ import annotations

import re

from .definition import Definition
from .engine.constraint import EngineConstraint
from .patterns.translate import translate


def regex(pattern: str | re.Pattern[str], flags: int | re.RegexFlag = 0) -> Regex:
    r"""The texts that ``re.fullmatch(pattern, text, flags)`` matches: ``\d``, ``\w`` and case folding are those of
    Python, lazy quantifiers change nothing, and anchors at the ends are allowed.

    Raises BadSource, with the place, for a mistake and for what a regular language cannot have: lookaround,
    backreferences, conditional and atomic groups, possessive quantifiers, ``\b``, and anchors inside the pattern.
    """
    return Regex(pattern, flags)


class Regex(EngineConstraint):
    """See `regex`. A regular language: masks are exact."""

    def __init__(self, pattern: str | re.Pattern[str], flags: int | re.RegexFlag = 0) -> None:
        if isinstance(pattern, re.Pattern):
            flags, pattern = flags | pattern.flags, pattern.pattern
        if not isinstance(pattern, str):
            raise TypeError(f"regex: expected a str or a compiled pattern of str, got {pattern!r}")
        self.pattern, self.flags = pattern, int(flags) & ~int(re.DEBUG)
        translate(pattern, self.flags, "x")  # a mistake shows here rather than where a text begins

    def definition(self, prefix: str) -> Definition:
        expression, classes, least = translate(self.pattern, self.flags, prefix)
        return Definition.of_terminal(prefix, expression, tuple(f"{name}: {atom}" for name, atom in classes), least)

    def __repr__(self) -> str:
        flags = f", {re.RegexFlag(self.flags & ~int(re.UNICODE))!r}" if self.flags & ~int(re.UNICODE) else ""
        return f"regex({self.pattern!r}{flags})"
