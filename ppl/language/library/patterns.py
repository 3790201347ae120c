"""Patterns in texts, read by the automaton of the constraints: no pattern can make it slow."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from ...constraints.errors import ConstraintError
from ..limits import Meter
from ..problems import Problem
from .registry import function, needs

LONGEST_PATTERN = 1_000
LONGEST_TEXT = 100_000


@function("bool", needs("text", "str"), needs("pattern", "str"), example='matches("12 cats", r"\\d+ [a-z]+")',
          metered=True)
def matches(meter: Meter, text: str, pattern: str) -> bool:
    """Whether the whole text matches a regular expression."""
    return _reads(meter, "matches", pattern, "{}", text)


@function("str", needs("text", "str"), needs("pattern", "str"), example='find("in 12 days", r"\\d+")', metered=True)
def find(meter: Meter, text: str, pattern: str) -> str | None:
    """The first (and there the longest) passage of the text that matches a regular expression; None without."""
    if not _reads(meter, "find", pattern, "(?s:.*)(?:{})(?s:.*)", text):
        return None
    begins = _language("find", "(?:" + pattern + ")(?s:.*)")
    data = text.encode(errors="surrogatepass")
    for start, at in enumerate(_offsets(text)):
        reach = begins.reach(data[at:])
        meter.charge(1 + reach // 64)
        if reach == len(data) - at and begins.matches(data[at:]):
            return _longest(meter, pattern, text[start:])
    return None


def _longest(meter: Meter, pattern: str, text: str) -> str:
    """The longest beginning of the text that matches; there is one."""
    whole = _language("find", pattern)
    furthest = whole.reach(text.encode())
    longest = text.encode()[:furthest].decode(errors="ignore")
    for end in range(len(longest), -1, -1):
        meter.charge(1 + end // 64)
        if whole.matches(longest[:end]):
            return longest[:end]
    return ""


def _offsets(text: str) -> list[int]:
    """Where each character begins in the bytes of the text, and its end."""
    offsets, at = [0], 0
    for c in text:
        at += len(c.encode())
        offsets.append(at)
    return offsets


def _reads(meter: Meter, what: str, pattern: str, frame: str, text: str) -> bool:
    if len(text) > LONGEST_TEXT:
        raise Problem("limit", f"{what}: the text of {len(text):,} characters is too long: the limit is "
                               f"{LONGEST_TEXT:,}", "test a part of it, such as text[-500:]")
    meter.charge(20 + len(text) // 16)
    _language(what, pattern)  # a mistake is shown in the pattern as it was written
    return bool(_language(what, frame.replace("{}", pattern)).matches(text))


@lru_cache(maxsize=256)
def _language(what: str, pattern: str) -> Any:
    from ...constraints.regex import regex

    if len(pattern) > LONGEST_PATTERN + 40:
        raise Problem("limit", f"{what}: the pattern of {len(pattern):,} characters is too long: the limit is "
                               f"{LONGEST_PATTERN:,}", "test for its parts, one after the other")
    try:
        return regex(pattern)
    except ConstraintError as error:
        raise Problem("value", f"{what}: {error}", 'write a pattern as r"..."') from None
