"""`pattern`: a regular expression rewritten so that ECMA 262 (the standard's) and Python's `re` both agree to it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from .errors import Path, refusal

# What is escaped only as \uXXXX cannot be in a text: the engine reads such escapes as other characters than they are.
_WRITABLE = r"[^\x{0}-\x{7}\x{b}\x{e}-\x{1f}\x{7f}]"
_ANY = rf"(?:{_WRITABLE})*"
# A class is allowed what both dialects allow, and a complement leaves out what either leaves out.
_CLASSES = {
    "CATEGORY_DIGIT": (r"0-9", r"\p{Nd}"),
    "CATEGORY_WORD": (r"0-9A-Za-z_", r"\p{L}\p{N}\p{M}_"),
    "CATEGORY_SPACE": (
        r"\x{9}-\x{d}\x{20}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}",
        r"\x{9}-\x{d}\x{1c}-\x{20}\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}\x{feff}",
    ),
}
# Read as one thing by one dialect and as another by the other.
_AMBIGUOUS = re.compile(r"\\[AZaUNGz]|\\[1-9]|\\0[0-9]|\\.|\(\?(?![:=!<])|\[\^?\]|\{,", re.DOTALL)


def translate(pattern: str, path: Path) -> str:
    """A pattern that matches the whole of the strings in which the given one is found.

    Raises BadSource for what is no regular language (lookarounds, back references, word boundaries), for `^` and `$`
    that are not at the ends, and for what ECMA 262 and Python read differently (inline flags, `\\A`, `[]`).
    """
    for found in _AMBIGUOUS.finditer(pattern):
        if found[0][0] != "\\" or found[0][1] in "AZaUNGz123456789" or len(found[0]) > 2:
            raise refusal(path, f"{found[0]!r} in the pattern {pattern!r} is not read alike by all validators")
    try:
        tree: Any = re._parser.parse(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise refusal(path, f"the pattern {pattern!r}: {error}", "Patterns are ECMA 262 regular expressions.") from None
    return f"^(?:{_found(list(tree), pattern, path)})$"


def _found(items: list[Any], pattern: str, path: Path) -> str:
    """The texts in which the items are found, `^` and `$` at their ends being anchors."""
    if len(items) == 1:
        op, argument = items[0]
        if str(op) == "BRANCH":
            return "|".join(f"(?:{_found(list(part), pattern, path)})" for part in argument[1])
        if str(op) == "SUBPATTERN":
            return _found(list(argument[3]), pattern, path)
    begins, ends = _is_anchor(items[:1], "AT_BEGINNING"), _is_anchor(items[-1:], "AT_END")
    body = _sequence(items[begins : len(items) - ends], pattern, path)
    return f"{'' if begins else _ANY}{body}{'' if ends else _ANY}"


def _is_anchor(items: list[Any], name: str) -> bool:
    return bool(items) and str(items[0][0]) == "AT" and str(items[0][1]) == name


def _sequence(items: Iterable[Any], pattern: str, path: Path) -> str:
    return "".join([_one(str(op), argument, pattern, path) for op, argument in items])


def _one(op: str, argument: Any, pattern: str, path: Path) -> str:
    match op:
        case "LITERAL":
            if _is_writable(argument):
                return _character(argument)
            why = "a control character, which JSON can write only as an escape that the engine reads wrongly"
        case "NOT_LITERAL":
            return f"[[^{_character(argument)}]&&{_WRITABLE}]"
        case "ANY":
            return rf"[[^\x{{a}}\x{{d}}\x{{2028}}\x{{2029}}]&&{_WRITABLE}]"
        case "IN":
            return _class(argument)
        case "BRANCH":
            return f"(?:{'|'.join([_sequence(part, pattern, path) for part in argument[1]])})"
        case "SUBPATTERN":
            return f"(?:{_sequence(argument[3], pattern, path)})"
        case "MAX_REPEAT" | "MIN_REPEAT":
            low, high, body = argument
            most = "" if str(high) == "MAXREPEAT" else str(high)
            return f"(?:{_sequence(body, pattern, path)}){{{low},{most}}}"
        case "AT":
            why = "^ or $ that is not at an end, or a word boundary"
        case "ASSERT" | "ASSERT_NOT":
            why = "a lookaround"
        case "GROUPREF" | "GROUPREF_EXISTS":
            why = "a back reference"
        case _:
            why = f"{op.lower()}"
    raise refusal(path, f"the pattern {pattern!r} has {why}",
                  "Write it without, as in '^(cat|dog)s?$'; two patterns can be asked for with `allOf`.")


def _class(parts: list[Any]) -> str:
    negated = str(parts[0][0]) == "NEGATE"
    inside = "".join([_member(str(op), argument, negated) for op, argument in parts[negated:]])
    return f"[[{'^' if negated else ''}{inside}]&&{_WRITABLE}]"


def _member(op: str, argument: Any, widest: bool) -> str:
    if op == "LITERAL":
        return _character(argument)
    if op == "RANGE":
        return f"{_character(argument[0])}-{_character(argument[1])}"
    name = str(argument)
    if "NOT_" in name:
        return f"[^{_CLASSES[name.replace('NOT_', '')][not widest]}]"
    return _CLASSES[name][widest]


def is_writable(text: str) -> bool:
    """Whether JSON can write a text without the escapes that texts cannot have."""
    return all(map(_is_writable, map(ord, text)))


def _is_writable(code: int) -> bool:
    return not (code < 8 or code == 0xB or 0xD < code < 0x20 or code == 0x7F or 0xD800 <= code < 0xE000)


def _character(code: int) -> str:
    return rf"\x{{{code:x}}}"
