"""`words([...])`: texts made of given words."""

from __future__ import annotations

from collections.abc import Iterable

from .choice import checked_texts
from .definition import Definition
from .engine.constraint import EngineConstraint
from .engine.syntax import quoted, times
from .errors import ConstraintError


def words(words: Iterable[str], separator: str = " ", min: int = 1, max: int | None = None) -> Words:
    """At least `min` and at most `max` of the words (None: any number), with the separator between them:
    ``words(["la", "li"])`` has "la", "li la la", ... Raises ConstraintError for an empty list, a word that is there
    twice or is empty, and counts that make no sense.
    """
    return Words(checked_texts("words", words), separator, min, max)


class Words(EngineConstraint):
    """See `words`."""

    def __init__(self, words: tuple[str, ...], separator: str, min: int, max: int | None) -> None:
        if "" in words:
            raise ConstraintError("words: a word is empty")
        if min < 0 or (max is not None and max < min):
            raise ConstraintError(f"words: expected 0 <= min <= max, got min={min}, max={max}")
        checked_texts("words: separator", [separator])
        self.words, self.separator, self.min, self.max = words, separator, min, max

    def definition(self, prefix: str) -> Definition:
        word = f"{prefix.upper()}_WORD"
        after = f"({quoted(self.separator)} {word})"
        most = None if self.max is None else self.max - 1
        some = f"({word} {times(after, max(self.min - 1, 0), most)})" if self.max != 0 else quoted("")
        whole = some if self.min else times(some, 0, 1)
        shortest = min(len(text.encode()) for text in self.words)
        least = self.min * shortest + max(self.min - 1, 0) * len(self.separator.encode())
        rules = (f"{word}: {' | '.join(map(quoted, self.words))}",)
        return Definition.of_terminal(prefix, whole, rules, least)

    def __repr__(self) -> str:
        shown = ", ".join(map(repr, self.words[:5]))
        return f"words([{shown}{', ...' if len(self.words) > 5 else ''}])"
