"""What a pattern may not have, and where it has it."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from typing import Any, NoReturn

from ..errors import BadSource

_parser: Any = importlib.import_module("re._parser")

HINTS = {
    "lookaround": "Two conditions on one text are regex(a) & regex(b); anything else is predicate(fn).",
    "backreference": "What a group matched cannot be asked for again; list the cases with `|`, or use predicate(fn).",
    "conditional group": "Write the two cases out with `|`.",
    "word boundary": "Say which characters stand on each side, as in [^\\w].",
    "atomic group": "Use a plain group (?:...).",
    "possessive quantifier": "Use the quantifier without its +.",
    "anchor": "The whole text is matched in any case: ^ and \\A may only stand at its beginning, $ and \\Z at its end.",
}
_OPENERS = {
    "?=": "lookaround", "?!": "lookaround", "?<=": "lookaround", "?<!": "lookaround", "?(": "conditional group",
    "?P=": "backreference", "?>": "atomic group",
}  # none begins another


def refuse(what: str, pattern: str, flags: int, which: int = 0) -> NoReturn:
    """Raises BadSource at the place of this thing in the pattern; which: how many of its kind come before it."""
    places = [at for kind, at in _places(pattern, bool(flags & re.VERBOSE)) if kind == what]
    at = places[which] if which < len(places) else places[0] if places else None
    line = column = None
    if at is not None:
        line, column = pattern.count("\n", 0, at) + 1, at - pattern.rfind("\n", 0, at)
    named = {"lookaround": what, "anchor": "an anchor inside the pattern", "atomic group": f"an {what}"}
    why = f"{named.get(what, f'a {what}')} is not supported"
    raise BadSource("regex", why, pattern, line, column, HINTS[what])


def _places(pattern: str, verbose: bool) -> Iterator[tuple[str, int]]:
    """The kinds of things that may have to be refused, and where they are, from left to right."""
    at, quantified = 0, False
    while at < len(pattern):
        start, c = at, pattern[at]
        at += 1
        if c == "\\":
            escape = pattern[at:at + 1]
            at += 1
            if escape and escape in "bB":
                yield "word boundary", start
            elif escape and escape in "AZz":
                yield "anchor", start
            elif escape and escape in "123456789" and not _octal(pattern, start):
                yield "backreference", start
        elif c == "[":
            at = _after_class(pattern, at)
        elif c == "(":
            kind = next((kind for opener, kind in _OPENERS.items() if pattern.startswith(opener, at)), None)
            if pattern.startswith("?#", at):
                at = pattern.find(")", at) + 1 or len(pattern)
            elif pattern.startswith("?", at):
                at += 1
            if kind:
                yield kind, start
        elif c in "^$":
            yield "anchor", start
        elif c == "#" and verbose:
            at = pattern.find("\n", at) + 1 or len(pattern)
        elif c in "+*?}":
            if c == "+" and quantified:
                yield "possessive quantifier", start
            quantified = not quantified
            continue
        elif c.isspace() and verbose:
            continue
        quantified = False


def _octal(pattern: str, at: int) -> bool:
    r"""Whether the escape at this place is a character like \101: three octal digits."""
    return re.match(r"\\[0-3][0-7][0-7]", pattern[at:at + 4]) is not None


def _after_class(pattern: str, at: int) -> int:
    """Where the class ends whose `[` stands before this place. A `]` that comes first is a member."""
    at += pattern.startswith("^", at)
    at += pattern.startswith("]", at)
    while at < len(pattern) and pattern[at] != "]":
        at += 2 if pattern[at] == "\\" else 1
    return at + 1
