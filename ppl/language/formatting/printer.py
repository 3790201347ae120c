"""`Printer`: the lines of a file."""

from __future__ import annotations

from collections.abc import Callable

from .. import nodes as n
from .document import INDENT, Document, laid_out
from .expressions import Expressions
from .literals import literal
from .remarks import END, Place, Remarks, start
from .statements import definition_head, for_head, if_head, simple

WIDTH = 100


class Printer:
    """Single blank lines of the source are kept, others removed; two stand before and after a definition."""

    def __init__(self, file: n.File) -> None:
        self.file = file
        self.source = file.source.split("\n")
        self.remarks = Remarks(file.comments)
        self.expressions = Expressions(self.remarks)
        self.lines: list[str] = []
        self.first = True
        """Whether what comes next begins its block, so that no blank line stands before it."""

    def text(self) -> str:
        gap = 0
        if self.file.doc is not None:
            self._documentation(self.file.doc, 0)
            gap = 1
        statements = self.file.statements
        for i, s in enumerate(statements):
            defines = isinstance(s, n.Definition)
            self._lead(s.span, gap, 2 if defines else 0)
            self._statement(s, 0, start(statements[i + 1].span) if i + 1 < len(statements) else END)
            gap = 2 if defines else 0
        self._comments(self.remarks.before(END), 0, gap)
        return "".join(line + "\n" for line in self.lines)

    def _lead(self, span: n.Span, gap: int, own: int) -> None:
        """The comments before a statement of the top level. gap: blank lines that the statement before demands after
        it; own: those that this one demands before itself and the comments that touch it."""
        comments = self.remarks.before(start(span))
        touching = len(comments)
        following = span.line
        while touching and not self._blank_before(following):
            touching -= 1
            following = comments[touching].span.line
        if touching:
            self._comments(comments[:touching], 0, gap)
            gap = 0
        gap = max(gap, own)
        if touching < len(comments):
            self._comments(comments[touching:], 0, gap)
        else:
            self._gap(span.line, gap)

    # Statements

    def _block(self, body: n.Body, indent: int, column: int, until: Place) -> None:
        """The statements, and the comments after them that stand further to the right than their head."""
        for i, s in enumerate(body):
            self._comments(self.remarks.before(start(s.span)), indent)
            self._gap(s.span.line)
            self._statement(s, indent, start(body[i + 1].span) if i + 1 < len(body) else until)
        self._comments(self.remarks.deeper(column, until), indent)

    def _statement(self, s: n.Statement | n.Definition | n.Models | n.Import, indent: int, until: Place) -> None:
        x = self.expressions
        inner = indent + INDENT
        match s:
            case n.If():
                self._if(s, indent, until)
            case n.For():
                self._written(s.head or s.span, lambda: for_head(x, s), indent, inner, start(s.body[0].span))
                self._block_of(s.body, inner, s.span.column, until)
            case n.While():
                self._written(s.head or s.span, lambda: if_head(x, "while", s.test), indent, inner,
                              start(s.body[0].span))
                self._block_of(s.body, inner, s.span.column, until)
            case n.Definition():
                inside = s.doc or s.body[0]
                self._written(s.head or s.span, lambda: definition_head(x, s), indent, inner, start(inside.span))
                self.first = True
                if s.doc is not None:
                    self._comments(self.remarks.before(start(s.doc.span)), inner)
                    self._documentation(s.doc, inner)
                self._block(s.body, inner, s.span.column, until)
            case _:
                self._written(s.span, lambda: simple(x, s), indent, indent)

    def _if(self, s: n.If, indent: int, until: Place) -> None:
        words = ["if", *["elif"] * (len(s.branches) - 1), "else"]
        branches: list[tuple[n.Expression | None, n.Body]] = [*s.branches]
        if s.otherwise is not None:
            branches.append((None, s.otherwise))
        heads = s.heads or (s.span,) * len(branches)
        for i, (test, body) in enumerate(branches):
            self._comments(self.remarks.before(start(heads[i])), indent)
            self._written(heads[i], self._head(words[i], test), indent, indent + INDENT, start(body[0].span))
            end = start(heads[i + 1]) if i + 1 < len(branches) else until
            self._block_of(body, indent + INDENT, s.span.column, end)

    def _head(self, word: str, test: n.Expression | None) -> Callable[[], Document]:
        return lambda: "else:" if test is None else if_head(self.expressions, word, test)

    def _block_of(self, body: n.Body, indent: int, column: int, until: Place) -> None:
        self.first = True
        self._block(body, indent, column, until)

    # Lines

    def _documentation(self, doc: n.String, indent: int) -> None:
        if not self.lines:
            self._comments(self.remarks.before(start(doc.span)), indent)
        self._gap(doc.span.line)
        self._written(doc.span, lambda: literal(doc), indent, indent)

    def _written(
        self, span: n.Span, make: Callable[[], Document], indent: int, inner: int, until: Place = END
    ) -> None:
        """One statement or head with its comments. inner: the indentation of comments in the lines after it."""
        leading, made, beside, after = self.remarks.around(span, make, until)
        self._say(leading, indent)
        text = " " * indent + laid_out(made, indent, WIDTH)
        self.lines.append("  ".join([text, *beside]))
        self._say(after, inner)
        self.first = False

    def _comments(self, comments: list[n.Comment], indent: int, gap: int = 0) -> None:
        for i, c in enumerate(comments):
            self._gap(c.span.line, gap if i == 0 else 0)
            self._say([c.text], indent)
            self.first = False

    def _say(self, texts: list[str], indent: int) -> None:
        self.lines += [" " * indent + text for text in texts]

    def _gap(self, line: int, least: int = 0) -> None:
        """Blank lines before what stands in this line of the source."""
        if not self.first:
            self.lines += [""] * max(least, int(self._blank_before(line)))

    def _blank_before(self, line: int) -> bool:
        return 2 <= line <= len(self.source) + 1 and not self.source[line - 2].strip()
