"""Expressions as documents; parentheses where the grammar needs them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .. import nodes as n
from .document import LINE, SOFT, Document, Either, group, nest, row
from .lists import Lists
from .literals import literal
from .remarks import end

CONDITIONAL, OR, AND, NOT, COMPARE, BAR, AMPERSAND, SUM, PRODUCT, SIGN, POWER, PRIMARY = range(12)
"""How tightly expressions bind, loosest first, as in the grammar."""
BINARY = {"|": BAR, "&": AMPERSAND, "+": SUM, "-": SUM, "*": PRODUCT, "/": PRODUCT, "//": PRODUCT, "%": PRODUCT,
          "**": POWER}
SHORT = 24
"""Characters of a string that shares its line with others."""


def level(e: n.Expression) -> int:
    match e:
        case n.Conditional():
            return CONDITIONAL
        case n.Logical():
            return OR if e.op == "or" else AND
        case n.Unary():
            return NOT if e.op == "not" else SIGN
        case n.Compare():
            return COMPARE
        case n.Binary():
            return BINARY[e.op]
        case _:
            return PRIMARY


def _short(e: n.Expression) -> bool:
    """Whether several stand in one line of a broken list: numbers, names and short strings."""
    match e:
        case n.Unary():
            return isinstance(e.operand, n.Number)
        case n.String():
            return len(e.source) <= SHORT and "\n" not in e.source
        case _:
            return isinstance(e, n.Number | n.Constant | n.Name)


class Expressions(Lists):
    def alone(self, e: n.Expression) -> Document:
        """Where nothing brackets the expression: parentheses come where an operator has to be broken."""
        if level(e) == PRIMARY:
            return self.of(e)
        return group(Either("("), nest(SOFT, self.of(e)), SOFT, Either(")"))

    def clear(self, e: n.Expression) -> Document:
        """With parentheses around a conditional expression, so that it does not run into the words after it."""
        return self.of(e, OR) if isinstance(e, n.Conditional) else self.alone(e)

    def of(self, e: n.Expression, least: int = CONDITIONAL) -> Document:
        """An expression that must bind at least so tightly."""
        if level(e) >= least:
            return group(self._open(e))
        return group("(", nest(SOFT, self._open(e)), SOFT, ")")

    def _open(self, e: n.Expression) -> Document:
        match e:
            case n.Number():
                return e.source
            case n.Constant():
                return str(e.value)
            case n.String():
                return literal(e)
            case n.Name():
                return e.id
            case n.ListOf():
                items = [(x.span, self._made(x)) for x in e.items]
                return self.bracketed("[", items, "]", end(e.span), short=all(map(_short, e.items)))
            case n.DictOf():
                return self.bracketed("{", [self._pair(k, v) for k, v in e.pairs], "}", end(e.span))
            case n.Comprehension():
                clauses = [(c.span, self._clause(c)) for c in e.clauses]
                return self.bracketed("[", [(e.item.span, self._made(e.item)), *clauses], "]", end(e.span), comma="")
            case n.Call():
                return self._call(e)
            case n.Member():
                value = row("(", self.of(e.value), ")") if isinstance(e.value, n.Number) else self.of(e.value, PRIMARY)
                return row(value, "." + e.name)
            case n.Index():
                return row(self.of(e.value, PRIMARY), "[", self.of(e.index), "]")
            case n.Slice():
                return self._slice(e)
            case n.Unary():
                return row("not " if e.op == "not" else e.op, self.of(e.operand, level(e)))
            case n.Compare():
                first = self.of(e.first, BAR)
                return row(first, *(row(LINE, op + " ", self.of(x, BAR)) for op, x in e.rest))
            case n.Conditional():
                then = self.of(e.then, OR)
                return row(then, LINE, "if ", self.of(e.test, OR), LINE, "else ", self.of(e.otherwise))
            case n.Binary(op="**"):
                return row(self.of(e.left, PRIMARY), " ** ", self.of(e.right, SIGN))
            case n.Binary() | n.Logical():
                own = level(e)
                left = self._open(e.left) if level(e.left) == own else self.of(e.left, own)
                return row(left, LINE, e.op + " ", self.of(e.right, own + 1))

    def _made(self, e: n.Expression) -> Callable[[], Document]:
        return lambda: self.of(e)

    def _pair(self, key: n.Expression, value: n.Expression) -> tuple[n.Span, Callable[[], Document]]:
        span = n.Span(key.span.line, key.span.column, value.span.end_line, value.span.end_column)
        return span, lambda: row(self.of(key), ": ", self.of(value))

    def _keyword(self, k: n.Keyword) -> Callable[[], Document]:
        return lambda: row(k.name + "=", self.of(k.value))

    def _clause(self, c: n.Clause) -> Callable[[], Document]:
        def made() -> Document:
            head = f"for {', '.join(t.id for t in c.targets)} in "
            source = self.of(c.source, OR)
            return row(head, source, *(row(LINE, "if ", self.of(t, OR)) for t in c.tests))

        return made

    def _call(self, e: n.Call) -> Document:
        function = self.of(e.function, PRIMARY)
        if len(e.arguments) == 1 and isinstance(e.arguments[0], n.String) and e.arguments[0].verbatim:
            return row(function, " ", literal(e.arguments[0]))
        items = [(x.span, self._made(x)) for x in e.arguments] + [(k.span, self._keyword(k)) for k in e.keywords]
        short = all(map(_short, (*e.arguments, *(k.value for k in e.keywords))))
        return row(function, self.bracketed("(", items, ")", end(e.span), short=short))

    def _slice(self, e: n.Slice) -> Document:
        value = self.of(e.value, PRIMARY)
        parts: Sequence[Document] = [
            *([] if e.start is None else [self.of(e.start)]), ":",
            *([] if e.stop is None else [self.of(e.stop)]),
            *([] if e.step is None else [":", self.of(e.step)]),
        ]
        return row(value, "[", *parts, "]")
