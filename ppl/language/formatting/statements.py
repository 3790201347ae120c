"""Simple statements, and the heads of the others, as documents."""

from __future__ import annotations

from collections.abc import Callable

from .. import nodes as n
from .document import Document, Either, row
from .expressions import Expressions
from .literals import literal
from .remarks import end

Simple = n.Draw | n.Observe | n.Weigh | n.Assign | n.Evaluate | n.Return | n.Jump | n.Models | n.Import


def simple(x: Expressions, s: Simple) -> Document:
    match s:
        case n.Draw():
            if s.proposal is None:
                return row(s.target.id, " ~ ", x.alone(s.dist), _site(s.site))
            return row(s.target.id, " ~ ", x.clear(s.dist), " using ", x.clear(s.proposal), _site(s.site))
        case n.Observe():
            return row("observe ", x.alone(s.value), " ~ ", x.alone(s.dist), _site(s.site))
        case n.Weigh():
            return row(s.kind + " ", x.alone(s.value), _site(s.site))
        case n.Assign():
            return row(_names(s.targets), f" {s.op or ''}= ", x.alone(s.value))
        case n.Evaluate():
            return x.of(s.value)
        case n.Return():
            return "return" if s.value is None else row("return ", x.alone(s.value))
        case n.Jump():
            return s.kind
        case n.Models():
            return f"model {_names(s.names)}"
        case n.Import():
            return _import(x, s)


def if_head(x: Expressions, word: str, test: n.Expression) -> Document:
    return row(word + " ", x.alone(test), ":")


def for_head(x: Expressions, s: n.For) -> Document:
    return row(f"for {_names(s.targets)} in ", x.alone(s.source), ":")


def definition_head(x: Expressions, d: n.Definition) -> Document:
    stop = end(d.head or d.span)
    items = [(p.span, _parameter(x, p)) for p in d.parameters]
    return row(f"{d.kind} {d.name}", x.bracketed("(", items, ")", stop), ":")


def _parameter(x: Expressions, p: n.Parameter) -> Callable[[], Document]:
    def made() -> Document:
        name = p.name if p.type is None else f"{p.name}: {p.type}"
        if p.default is None:
            return name
        return row(name, "=" if p.type is None else " = ", x.of(p.default))

    return made


def _import(x: Expressions, s: n.Import) -> Document:
    if s.names is None:
        return f"import {s.module}" + ("" if s.alias is None else f" as {s.alias.id}")
    items = []
    for name, alias in s.names:
        text = name.id if alias is None else f"{name.id} as {alias.id}"
        last = name if alias is None else alias
        span = n.Span(name.span.line, name.span.column, last.span.end_line, last.span.end_column)
        items.append((span, _said(text)))
    return row(f"from {s.module} import ", x.bracketed(Either("("), items, Either(")"), end(s.span)))


def _said(text: str) -> Callable[[], Document]:
    return lambda: text


def _site(s: n.String | None) -> Document:
    return "" if s is None else f" as {literal(s)}"


def _names(names: tuple[n.Name, ...]) -> str:
    return ", ".join(name.id for name in names)
