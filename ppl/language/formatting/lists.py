"""Whatever stands in brackets, with the comments between its items."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..nodes import Span
from .document import HARD, LINE, SOFT, Document, Either, group, nest, row
from .remarks import Place, Remarks, start

Item = tuple[Span, Callable[[], Document]]
"""Where an item stands, and how its document is made: in the order of the source, since that gives out comments."""


class Lists:
    def __init__(self, remarks: Remarks) -> None:
        self.remarks = remarks

    def bracketed(
        self, opening: Document, items: Sequence[Item], closing: Document, stop: Place, *, comma: str = ",",
        short: bool = False,
    ) -> Document:
        """In one line; else all items in one line of their own; else one item in each line, with a comma after the
        last. short: of short items there are as many in each line as it holds, where there are no comments.
        stop: the end of the closing bracket."""
        parts: list[Document] = []
        before = self.remarks.given
        places = [start(span) for span, _ in items]
        for k, (span, make) in enumerate(items):
            last = k == len(items) - 1
            leading, made, beside, after = self.remarks.around(span, make, stop if last else places[k + 1])
            parts += [row(c, HARD) for c in leading]
            parts += [made, Either(comma) if last else comma]
            parts += [f"  {c}" for c in beside]
            parts += [row(HARD, c) for c in after]
            if not last:
                parts.append(HARD if beside or after else LINE)
        rest = self.remarks.before(stop)
        if short and items and self.remarks.given == before:
            parts = _filled(parts)
        if not items and not rest:
            return row(opening, closing)
        parts += [row(HARD, c.text) if items or i else c.text for i, c in enumerate(rest)]
        force = HARD if rest or (items and (beside or after)) else SOFT
        return group(opening, nest(SOFT, group(*parts)), force, closing)


def _filled(parts: Sequence[Document]) -> list[Document]:
    """Each item in one group with the break before it, which is a line end only where the item does not fit. The comma
    after the last depends on the whole list."""
    *body, comma = parts
    return [*body[:2], *(group(*body[k : k + 3]) for k in range(2, len(body), 3)), comma]
