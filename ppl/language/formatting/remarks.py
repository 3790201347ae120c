"""`Remarks`: the comments of a file, each given out once and in order."""

from __future__ import annotations

from collections.abc import Callable

from ..nodes import Comment, Span
from .document import Document

Place = tuple[int, int]
END: Place = (1 << 60, 0)


def start(span: Span) -> Place:
    return span.line, span.column


def end(span: Span) -> Place:
    return span.end_line, span.end_column


def texts(comments: list[Comment]) -> list[str]:
    return [c.text for c in comments]


class Remarks:
    def __init__(self, comments: tuple[Comment, ...]) -> None:
        self.comments = comments
        self.given = 0
        """How many comments have been given out."""

    def around(
        self, span: Span, make: Callable[[], Document], until: Place = END
    ) -> tuple[list[str], Document, list[str], list[str]]:
        """A document with the comments for the lines before it, for its own line, and for the lines after it.

        Those inside that `make` finds no place for come before it, or after it where `make` has given out others.
        """
        leading = self.before(start(span))
        given = self.given
        made = make()
        inside = self.given > given
        left = self.before(end(span))
        beside = self.beside(end(span), until)
        if not inside:
            leading, left = leading + left, []
        if left and beside:
            beside, left = [], left + beside
        return texts(leading), made, texts(beside), texts(left)

    def before(self, place: Place) -> list[Comment]:
        """Those before the place that have not been given out."""
        first = self.given
        while self.given < len(self.comments) and start(self.comments[self.given].span) < place:
            self.given += 1
        return list(self.comments[first : self.given])

    def beside(self, place: Place, until: Place = END) -> list[Comment]:
        """The one that stands in the line of the place, after it."""
        c = self.next(until)
        if c is None or c.alone or c.span.line != place[0] or start(c.span) < place:
            return []
        self.given += 1
        return [c]

    def deeper(self, column: int, until: Place) -> list[Comment]:
        """Those before `until` that stand further to the right than the column: the end of a block."""
        found = []
        while (c := self.next(until)) is not None and (not c.alone or c.span.column > column):
            found.append(c)
            self.given += 1
        return found

    def next(self, until: Place) -> Comment | None:
        if self.given < len(self.comments) and start(self.comments[self.given].span) < until:
            return self.comments[self.given]
        return None
