"""Files: their doc string, definitions, models, imports and constants."""

from __future__ import annotations

from collections.abc import Callable

from lark import Token, Tree

from .. import nodes as n
from .builder import Builder, Piece, token, tree
from .expressions import expression, optional, targets
from .statements import head, statements
from .strings import string

TYPES = ("str", "int", "float", "bool", "list", "dict")

TopLevel = n.Definition | n.Models | n.Import | n.Assign


def file(b: Builder, t: Tree[Token], source: str, comments: tuple[n.Comment, ...]) -> n.File:
    doc, rest = _documented(b, list(t.children))
    return n.File(b.path, source, doc, tuple(RULES[tree(p).data](b, tree(p)) for p in rest), comments)


def _documented(b: Builder, pieces: list[Piece]) -> tuple[n.String | None, list[Piece]]:
    if pieces and tree(pieces[0]).data == "doc":
        literal = string(b, token(tree(pieces[0]).children[0]))
        if any(not isinstance(part, str) for part in literal.parts):
            b.error("doc-interpolation", "a doc string interpolates nothing", literal.span, "write {{ }} for braces")
        return literal, pieces[1:]
    return None, pieces


def _definition(b: Builder, t: Tree[Token]) -> TopLevel:
    kind, name, *parameters, inner = t.children
    made = tuple(_parameter(b, tree(p)) for p in parameters if p is not None)
    doc, rest = _documented(b, list(tree(inner).children))
    if not rest:
        b.error("empty-body", f"'{name}' has no statement", b.span(token(name)),
                "write at least `return ...` or `pass`")
    body = statements(b, rest) if rest else ()
    end = body[-1].span if body else doc.span if doc else b.span(token(name))
    at = b.span(t)
    span = n.Span(at.line, at.column, end.end_line, end.end_column)
    _check_parameters(b, made)
    where = b.span(token(name))
    return n.Definition(span, str(kind), b.word(token(name)), where, made, doc, body, head(b, t, inner))


def _parameter(b: Builder, t: Tree[Token]) -> n.Parameter:
    name, kind, default = t.children
    if kind is not None and str(kind) not in TYPES:
        b.error("unknown-type", f"unknown type '{kind}'", b.span(token(kind)),
                f"write one of {', '.join(TYPES)}, or leave the type out")
    return n.Parameter(b.span(t), b.word(token(name)), None if kind is None else str(kind), optional(b, default))


def _check_parameters(b: Builder, parameters: tuple[n.Parameter, ...]) -> None:
    seen: set[str] = set()
    defaults = False
    for p in parameters:
        if p.name in seen:
            b.error("repeated-parameter", f"the parameter '{p.name}' stands twice", p.span, "give one another name")
        seen.add(p.name)
        if defaults and p.default is None:
            b.error("parameter-order", f"the parameter '{p.name}' has no default but follows one that has", p.span,
                    "give it a default, or move it forward")
        defaults = defaults or p.default is not None


def _models(b: Builder, t: Tree[Token]) -> TopLevel:
    return n.Models(b.span(t), tuple(b.name(token(c)) for c in t.children))


def _import_module(b: Builder, t: Tree[Token]) -> TopLevel:
    module, alias = t.children
    return n.Import(b.span(t), str(module), None if alias is None else b.name(token(alias)), None)


def _import_names(b: Builder, t: Tree[Token]) -> TopLevel:
    module, *imported = t.children
    names = []
    for piece in imported:
        name, alias = tree(piece).children
        names.append((b.name(token(name)), None if alias is None else b.name(token(alias))))
    return n.Import(b.span(t), str(module), None, tuple(names))


def _constant(b: Builder, t: Tree[Token]) -> TopLevel:
    names, value = t.children
    return n.Assign(b.span(t), targets(b, names), None, expression(b, value))


RULES: dict[str, Callable[[Builder, Tree[Token]], TopLevel]] = {
    "definition": _definition, "models": _models, "import_module": _import_module, "import_names": _import_names,
    "assign": _constant,
}
