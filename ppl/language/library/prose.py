"""Built-in functions of English prose: words, sentences, syllables."""

from __future__ import annotations

import re

from ..limits import Meter
from ..values import Items, items
from .registry import function, needs
from .syllables import syllables_of

_WORD = re.compile(r"[^\W\d_]+(?:['’\-][^\W\d_]+)*|\d+")
_END = re.compile(r"[.!?…]+[\"'”’)]*(?=\s|$)")


@function("list", needs("text", "str"), example='words_of("It\'s a hill.")', metered=True)
def words_of(meter: Meter, text: str) -> Items:
    """The words of a text, without punctuation; "it's" and "well-known" are one word each."""
    meter.charge(1 + len(text) // 16)
    found = _WORD.findall(text)
    meter.items(len(found))
    return items(found, meter.limits)


@function("list", needs("text", "str"), example='sentences_of("It rains. We go in!")', metered=True)
def sentences_of(meter: Meter, text: str) -> Items:
    """The sentences of a text, each with its full stop, question or exclamation mark."""
    meter.charge(1 + len(text) // 16)
    found, start = [], 0
    for end in _END.finditer(text):
        found.append(text[start:end.end()].strip())
        start = end.end()
    found.append(text[start:].strip())
    found = [sentence for sentence in found if sentence]
    meter.items(len(found))
    return items(found, meter.limits)


@function("int", needs("text", "str"), example='syllables("a quiet little pond")', metered=True)
def syllables(meter: Meter, text: str) -> int:
    """How many syllables an English text has (a rule of thumb, right for about nine words in ten)."""
    meter.charge(1 + len(text) // 8)
    return sum(syllables_of(part) for word in _WORD.findall(text) for part in re.split(r"['’\-]", word) if part)
