"""The parser: what every construct becomes, and where it stands."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from programs_strategy import expressions, file_shape, files, flat, shape

from steersman.ppl.language import nodes as n
from steersman.ppl.language import parse
from steersman.ppl.language.format import format_file

FAST = settings(max_examples=25, phases=[Phase.generate], deadline=None, derandomize=True, database=None,
                suppress_health_check=list(HealthCheck))
SOURCE = (Path(__file__).parent / "untidy.steer").read_text("utf-8")


def value(expression: str) -> Any:
    """The shape of the value of a constant."""
    (constant,) = parse(f"X = {expression}").statements
    assert isinstance(constant, n.Assign)
    return shape(constant.value)


def every(node: Any) -> Iterator[n.Node]:
    if isinstance(node, n.Node):
        yield node
        for name in node.__dataclass_fields__:
            yield from every(getattr(node, name))
    elif isinstance(node, tuple):
        for part in node:
            yield from every(part)


def at(source: str, span: n.Span) -> str:
    lines = source.split("\n")[span.line - 1 : span.end_line]
    lines[-1] = lines[-1][: span.end_column - 1]
    lines[0] = lines[0][span.column - 1 :]
    return "\n".join(lines)


def check_spans(source: str) -> int:
    """The text at the span of an expression, parameter or simple statement is that node again; how many were tried."""
    seen = 0
    file = parse(source)
    for node in every(file.statements):
        text = at(source, node.span)
        if isinstance(node, n.Expression) and not (isinstance(node, n.String) and node.verbatim):
            if isinstance(node, n.Comprehension) and text[0] != "[":
                text = f"[{text}]"
            assert value(f"(\n{text}\n)") == shape(node), text
        elif isinstance(node, n.Draw | n.Observe | n.Weigh | n.Assign | n.Evaluate | n.Return | n.Jump):
            (program,) = parse(f"program f():\n    {text}\n").statements
            assert isinstance(program, n.Definition)
            assert shape(program.body[0]) == shape(node), text
        elif isinstance(node, n.Definition | n.Models | n.Import):
            assert shape(parse(text + "\n").statements[0]) == shape(node), text
        elif isinstance(node, n.Interpolation):
            assert text[0] == "{" and text[-1] == "}"
        elif isinstance(node, n.If | n.For | n.While):
            assert text.startswith(("if ", "for ", "while "))
        seen += 1
    return seen


def test_the_places_in_a_long_file() -> None:
    """Comments, brackets over several lines, strings in strings."""
    assert check_spans(SOURCE) > 150


@FAST
@given(files())
def test_the_places_in_random_files(file: n.File) -> None:
    check_spans(format_file(file))


@FAST
@given(expressions)
def test_names_and_heads_know_where_they_stand(e: n.Expression) -> None:
    """Places that belong to no node of their own: names of members and definitions, heads of blocks."""
    head = f"while {flat(e)}:"
    source = f"program main(a, b=2):\n    {head}\n        pass\n    if a:\n        pass\n    else:\n        pass\n"
    (program,) = parse(source).statements
    assert isinstance(program, n.Definition) and program.head is not None
    assert at(source, program.name_span) == "main" and at(source, program.head) == "program main(a, b=2):"
    loop, choice = program.body
    assert isinstance(loop, n.While) and loop.head is not None and isinstance(choice, n.If)
    assert at(source, loop.head) == head
    assert [at(source, head) for head in choice.heads] == ["if a:", "else:"]
    for node in every(loop):
        if isinstance(node, n.Member):
            assert at(source, node.name_span) == node.name


def test_places_in_strings() -> None:
    """Names in braces have places of their own, in the second line of a string, too."""
    source = 'X = """é {first}\n  {second + f(third)} {{no}} {[a for a in \'{deep}\']}"""'
    found = {node.id: (node.span.line, node.span.column) for node in every(parse(source).statements)
             if isinstance(node, n.Name)}
    assert {k: at(source, n.Span(*v, v[0], v[1] + len(k))) for k, v in found.items()} == {k: k for k in found}
    assert set(found) == {"X", "first", "second", "f", "third", "a", "deep"}


@pytest.mark.parametrize(("literal", "text"), [
    (r"'\n\t\\\'\"'", "\n\t\\'\""),
    (r"'\x41\u00e9\U0001F600\101\0'", "Aé😀A\0"), (r"'\N{GREEK SMALL LETTER ALPHA}'", "α"),
    ("'a\\\nb'", "ab"), ("'{{x}}'", "{x}"), (r"r'\d{2} {x} \''", r"\d{2} {x} \'"), ("'''a\n'b''c'''", "a\n'b''c"),
    ('"""a "quoted" b"""', 'a "quoted" b'), ("''", ""), ('""""""', ""), ("'#'", "#"), ('r""" \\" """', ' \\" '),
])
def test_strings_are_those_of_python(literal: str, text: str) -> None:
    """Escapes, raw strings, line ends in triple quotes."""
    parts = (text,) if text else ()
    assert value(literal) == ("String", parts, False)
    assert eval(literal.replace("{{", "{").replace("}}", "}")) == text


def test_interpolation() -> None:
    """Any expression, with or without a format; the string of `grammar` is left as it stands."""
    name = ("Name", "x")
    assert value("'a{x}b{x:.2f}'") == ("String", ("a", ("Interpolation", name, None), "b",
                                                   ("Interpolation", name, ".2f")), False)
    assert value("'{x != 1}{ x[1:2] }{ {1: 2}[1] }'")[1][1][1] == value("x[1:2]")
    assert value("'{f(\"{x}\")}'")[1][0][1] == value('f("{x}")')
    assert value("grammar '{x}\\n'") == ("Call", ("Name", "grammar"), (("String", (r"{x}\n",), True),), ())
    assert value("grammar(r'{x}')") == ("Call", ("Name", "grammar"), (("String", ("{x}",), False),), ())


@pytest.mark.parametrize(("short", "full"), [
    ("a + b * c - d", "(a + (b * c)) - d"), ("-a ** -b", "-(a ** (-b))"), ("a ** b ** c", "a ** (b ** c)"),
    ("not a in b", "not (a in b)"), ("not a and b or c", "((not a) and b) or c"),
    ("a | b & c + d", "a | (b & (c + d))"),
    ("a if b else c if d else e", "a if b else (c if d else e)"), ("a < b | c", "a < (b | c)"),
    ("-a.b(c)[d]", "-(((a.b)(c))[d])"),
    ("a not in b", "a not in (b)"), ("a % b // c", "(a % b) // c"), ("f(x for x in a)", "f([x for x in a])"),
])
def test_precedence_is_that_of_python(short: str, full: str) -> None:
    assert value(short) == value(full)


def test_every_statement() -> None:
    """The whole of the syntax in one file, as nodes."""
    source = (
        '"""Doc."""\nimport a as b\nfrom c import d, e as f\nmodel g, h\ndef i(j: int, k=1): return j\n'
        'program l():\n    """Says."""\n    m ~ n using o as "p"\n    observe 1 ~ n as "q"\n    condition m\n'
        '    r, s = m\n    r //= 2\n    i(1)\n    while r: break\n    for t in s: continue\n    return\n'
    )
    file = parse(source)
    kinds = [type(s).__name__ for s in file.statements]
    assert kinds == ["Import", "Import", "Models", "Definition", "Definition"]
    assert file.doc is not None and file.doc.parts == ("Doc.",)
    names = file.statements[1]
    assert isinstance(names, n.Import) and names.names is not None
    assert [(x.id, y and y.id) for x, y in names.names] == [("d", None), ("e", "f")]
    program = file.statements[-1]
    assert isinstance(program, n.Definition) and program.doc is not None and program.doc.parts == ("Says.",)
    assert [type(s).__name__ for s in program.body] == [
        "Draw", "Observe", "Weigh", "Assign", "Assign", "Evaluate", "While", "For", "Return",
    ]


def test_threads_share_the_parser() -> None:
    """Indentation is counted for each text by itself."""
    sources = [SOURCE, format_file(parse(SOURCE)), "program f():\n    if x:\n        return [\n1]\n"] * 4
    expected = [file_shape(parse(s)) for s in sources]
    with ThreadPoolExecutor(4) as pool:
        assert [file_shape(f) for f in pool.map(parse, sources)] == expected
