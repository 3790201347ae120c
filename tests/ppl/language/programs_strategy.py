"""Random .steer files: syntax trees that the grammar can produce, and their sources with comments strewn in.

    from programs_strategy import files, remarked

The trees mean little (names need not exist) but are rich in syntax; their spans are dummies.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

from steersman.ppl.language import nodes as n
from steersman.ppl.language.building.numbers import FLOAT, WHOLE
from steersman.ppl.language.comments import TOKEN, comments_of
from steersman.ppl.language.format import format_file
from steersman.ppl.language.formatting.document import laid_out
from steersman.ppl.language.formatting.expressions import Expressions
from steersman.ppl.language.formatting.remarks import Remarks

HERE = n.Span(1, 1, 1, 1)
WORDS = ["x", "y", "words", "context", "lm", "found", "text", "n", "Normal", "len", "sentence", "naïve", "_",
         "a_rather_long_name_that_fills_its_line"]
NUMBERS = ["0", "1", "42", "1_000", "1.5", "2.", ".5", "1e-3", "6.02e23"]
TYPES = [None, "str", "int", "float", "bool", "list", "dict"]

words = st.sampled_from(WORDS)
names = words.map(lambda w: n.Name(HERE, w))
targets = st.lists(names, min_size=1, max_size=2).map(tuple)


def _number(source: str) -> n.Number:
    assert WHOLE.fullmatch(source) or FLOAT.fullmatch(source)
    return n.Number(HERE, int(source) if WHOLE.fullmatch(source) else float(source), source)


numbers = st.sampled_from(NUMBERS).map(_number)
constants = st.sampled_from([True, False, None]).map(lambda v: n.Constant(HERE, v))
texts = st.text(st.sampled_from("ab Zé\n\t\\\"'{}#~:,()[]\0…"), max_size=12)


# Strings


def _escaped(text: str, quote: str) -> str:
    text = text.replace("\\", "\\\\").replace("{", "{{").replace("}", "}}").replace("\n", "\\n").replace("\0", "\\x00")
    return text.replace(quote, "\\" + quote)


@st.composite
def strings(draw: Any) -> n.String:
    """Escaped, with interpolations of expressions without quotes, or raw."""
    if draw(st.integers(0, 5)) == 0:
        text = draw(st.text("ab{}#[0-9]+ ", max_size=8))
        quote = draw(st.sampled_from(['"', "'", '"""', "'''"]))
        return n.String(HERE, (text,) if text else (), f"r{quote}{text}{quote}")
    quote = draw(st.sampled_from(['"', "'"]))
    parts: list[str | n.Interpolation] = []
    source = ""
    for _ in range(draw(st.integers(0, 3))):
        if (parts and isinstance(parts[-1], str)) or draw(st.booleans()):
            value = draw(st.one_of(names, st.builds(_sum, names, numbers), st.builds(_index, names, numbers)))
            format = draw(st.sampled_from([None, ".2f", ">8", "03d"]))
            parts.append(n.Interpolation(HERE, value, format))
            source += "{" + flat(value) + ("" if format is None else ":" + format) + "}"
        elif text := draw(texts):
            parts.append(text)
            source += _escaped(text, quote)
    return n.String(HERE, tuple(parts), quote + source + quote)


def _sum(left: n.Expression, right: n.Expression) -> n.Binary:
    return n.Binary(HERE, "+", left, right)


def _index(value: n.Expression, index: n.Expression) -> n.Index:
    return n.Index(HERE, value, index)


def flat(e: n.Expression) -> str:
    return laid_out(Expressions(Remarks(())).of(e), 0, 10**6)


def _grammar(text: str) -> n.Call:
    return n.Call(HERE, n.Name(HERE, "grammar"), (n.String(HERE, (text,), f'"""{text}"""', verbatim=True),), ())


verbatim = st.text("abc: {}|\n", min_size=1, max_size=10).map(_grammar)


# Expressions


def _compounds(inner: st.SearchStrategy[n.Expression]) -> st.SearchStrategy[n.Expression]:
    some = st.lists(inner, max_size=3).map(tuple)
    maybe = st.none() | inner
    keywords = st.lists(st.builds(n.Keyword, st.just(HERE), words, inner), max_size=2).map(tuple)
    comparison = st.sampled_from(["==", "!=", "<", "<=", ">", ">=", "in", "not in"])
    clauses = st.lists(
        st.builds(n.Clause, st.just(HERE), targets, inner, st.lists(inner, max_size=1).map(tuple)), min_size=1,
        max_size=2,
    ).map(tuple)
    here = st.just(HERE)
    return st.one_of(
        st.builds(n.ListOf, here, some),
        st.builds(n.DictOf, here, st.lists(st.tuples(inner, inner), max_size=2).map(tuple)),
        st.builds(n.Unary, here, st.sampled_from(["-", "+", "not"]), inner),
        st.builds(n.Binary, here, st.sampled_from(["+", "-", "*", "/", "//", "%", "**", "&", "|"]), inner, inner),
        st.builds(n.Logical, here, st.sampled_from(["and", "or"]), inner, inner),
        st.builds(n.Compare, here, inner, st.lists(st.tuples(comparison, inner), min_size=1, max_size=2).map(tuple)),
        st.builds(n.Conditional, here, inner, inner, inner),
        st.builds(n.Call, here, inner, some, keywords),
        st.builds(n.Member, here, inner, words, here),
        st.builds(n.Index, here, inner, inner),
        st.builds(n.Slice, here, inner, maybe, maybe, maybe),
        st.builds(n.Comprehension, here, inner, clauses),
    )


leaves: st.SearchStrategy[n.Expression] = st.one_of(names, numbers, constants, strings(), verbatim)
expressions: st.SearchStrategy[n.Expression] = st.recursive(leaves, _compounds, max_leaves=6)
calls = st.builds(n.Call, st.just(HERE), names, st.lists(expressions, max_size=3).map(tuple), st.just(()))

# Statements

here = st.just(HERE)
sites = st.none() | strings()
simple: st.SearchStrategy[n.Statement] = st.one_of(
    st.builds(n.Draw, here, names, expressions, st.none() | expressions, sites),
    st.builds(n.Observe, here, expressions, expressions, sites),
    st.builds(n.Weigh, here, st.sampled_from(["condition", "factor", "twist"]), expressions, sites),
    st.builds(n.Assign, here, targets, st.none(), expressions),
    st.builds(n.Assign, here, names.map(lambda x: (x,)), st.sampled_from(["+", "-", "*", "/", "//", "%"]), expressions),
    st.builds(n.Evaluate, here, calls),
    st.builds(n.Return, here, st.none() | expressions),
    st.builds(n.Jump, here, st.sampled_from(["break", "continue", "pass"])),
)


def _blocks(inner: st.SearchStrategy[n.Statement]) -> st.SearchStrategy[n.Statement]:
    body = st.lists(inner, min_size=1, max_size=3).map(tuple)
    branches = st.lists(st.tuples(expressions, body), min_size=1, max_size=3).map(tuple)
    return st.one_of(
        st.builds(n.If, here, branches, st.none() | body),
        st.builds(n.For, here, targets, expressions, body),
        st.builds(n.While, here, expressions, body),
    )


statements: st.SearchStrategy[n.Statement] = st.recursive(simple, _blocks, max_leaves=5)


@st.composite
def _parameters(draw: Any) -> tuple[n.Parameter, ...]:
    ids = draw(st.lists(words, unique=True, max_size=4))
    plain = draw(st.integers(0, len(ids)))
    return tuple(
        n.Parameter(HERE, name, draw(st.sampled_from(TYPES)), draw(expressions) if i >= plain else None)
        for i, name in enumerate(ids)
    )


@st.composite
def _definitions(draw: Any) -> n.Definition:
    doc = draw(st.sampled_from([None, n.String(HERE, ("What it does.",), '"""What it does."""')]))
    body = tuple(draw(st.lists(statements, min_size=1, max_size=4)))
    if doc is None and isinstance(body[0], n.Evaluate) and isinstance(body[0].value, n.String):
        body = (n.Jump(HERE, "pass"), *body)
    kind = draw(st.sampled_from(["program", "def"]))
    return n.Definition(HERE, kind, draw(words), HERE, draw(_parameters()), doc, body)


imported = st.lists(st.tuples(names, st.none() | names), min_size=1, max_size=6).map(tuple)
top_level = st.one_of(
    _definitions(), _definitions(),
    st.builds(n.Models, here, st.lists(names, min_size=1, max_size=3).map(tuple)),
    st.builds(n.Import, here, words, st.none() | names, st.none()),
    st.builds(n.Import, here, words, st.none(), imported),
    st.builds(n.Assign, here, targets, st.none(), expressions),
)


@st.composite
def files(draw: Any) -> n.File:
    doc = draw(st.sampled_from([None, n.String(HERE, ("A file.",), "'A file.'")]))
    return n.File("<random>", "", doc, tuple(draw(st.lists(top_level, max_size=4))), ())


def _places(source: str) -> Iterator[int]:
    """Where a comment may be put: at line ends, at the beginnings of lines, and in brackets."""
    depth = 0
    for match in re.finditer(f"({TOKEN.pattern})|[][(){{}},]", source):
        sign = match[0]
        depth += (sign in "([{") - (sign in ")]}")
        if sign == "\n":
            yield from (match.start(), match.end())
        elif sign in "([{" or (sign == "," and depth):
            yield match.end()


@st.composite
def remarked(draw: Any) -> str:
    """The source of a random file with comments wherever one may stand, and blank lines."""
    source = format_file(draw(files()))
    places = [0, *_places(source)]
    out, last = [], 0
    for i, place in enumerate(sorted(draw(st.lists(st.sampled_from(places), max_size=6)))):
        out.append(source[last:place])
        last = place
        fresh = place == 0 or source[place - 1] == "\n"
        blank = "\n" * draw(st.integers(0, 2)) if fresh else ""
        margin = " " * draw(st.integers(0, 9)) if fresh else "  "
        at_end = source[place : place + 1] == "\n" and not fresh
        out.append(f"{blank}{margin}# remark {i}" + ("" if at_end else "\n"))
    return "".join([*out, source[last:]])


# Comparing trees


def shape(node: Any) -> Any:
    """A tree without its places and the quotes of its strings."""
    if isinstance(node, n.Node):
        kept = [f for f in node.__dataclass_fields__ if not f.endswith(("span", "head", "heads"))]
        if isinstance(node, n.String):
            kept.remove("source")
        return type(node).__name__, *(shape(getattr(node, f)) for f in kept)
    return tuple(map(shape, node)) if isinstance(node, tuple) else node


def file_shape(file: n.File) -> Any:
    return shape(file.doc), shape(file.statements)


def remarks_of(source: str) -> list[str]:
    return [c.text for c in comments_of(source)]
