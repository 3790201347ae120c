"""The formatter: it changes no program, loses no comment, and does nothing twice."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from programs_strategy import file_shape, files, remarked, remarks_of

from steersman.ppl.language import SteerError, format_source, nodes, parse
from steersman.ppl.language.building.expressions import DEPTH
from steersman.ppl.language.building.statements import NESTING
from steersman.ppl.language.format import format_file

EXAMPLES = Path(__file__).parents[3] / "examples"
FAST = settings(max_examples=60, phases=[Phase.generate], deadline=None, derandomize=True, database=None,
                suppress_health_check=list(HealthCheck))


@FAST
@given(files())
def test_a_tree_survives_its_text(file: nodes.File) -> None:
    """parse(format(tree)) is the tree, but for places and quotes."""
    assert file_shape(parse(format_file(file))) == file_shape(file)


@FAST
@given(remarked())
def test_formatting_keeps_the_program_and_its_comments(source: str) -> None:
    """Comments, blank lines and odd margins strewn in: the same tree, the same comments in their order, and the second
    formatting changes nothing."""
    once = format_source(source)
    assert file_shape(parse(once)) == file_shape(parse(source))
    assert remarks_of(once) == remarks_of(source)
    assert format_source(once) == once


def test_the_style() -> None:
    """What a reader sees: blanks, quotes, parentheses, broken lists, comments where they were, blank lines."""
    folder = Path(__file__).parent
    source = (folder / "untidy.steer").read_text("utf-8")
    assert format_source(source) == (folder / "tidy.steer").read_text("utf-8")


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.steer")), ids=lambda path: path.stem)
def test_the_examples_stay_what_they_are(path: Path) -> None:
    source = path.read_text("utf-8")
    once = format_source(source, str(path))
    assert file_shape(parse(once)) == file_shape(parse(source))
    assert remarks_of(once) == remarks_of(source)
    assert format_source(once) == once


@pytest.mark.parametrize(("expression", "formatted"), [
    ("(a+b)*(c)", "(a + b) * c"), ("a-(b-c)", "a - (b - c)"), ("(a-b)-c", "a - b - c"), ("-(a**-b)", "-a ** -b"),
    ("(-a)**b", "(-a) ** b"), ("(a**b)**c", "(a ** b) ** c"), ("a**(b**c)", "a ** b ** c"),
    ("not(a in b)", "not a in b"),
    ("(not a)in b", "(not a) in b"), ("(a<b)<c", "(a < b) < c"), ("(a if b else c)if d else e",
     "(a if b else c) if d else e"), ("a if b else(c if d else e)", "a if b else c if d else e"), ("(a or b)and c",
     "(a or b) and c"), ("(a|b)&c", "(a | b) & c"), ("(1).x", "(1).x"), ("(a.b)(c)", "a.b(c)"),
    ("(a+b).c", "(a + b).c"),
    ("[x for x in(a if b else c)]", "[x for x in (a if b else c)]"), ("any(x for x in a)", "any([x for x in a])"),
    ("'a'", '"a"'), ("'\"'", "'\"'"), ("r'a'", 'r"a"'), ("'''a'''", '"""a"""'), ("'{a[\'b\']}'", None),
    ("a[ 1 : -1 ]", "a[1:-1]"), ("{'a':1,}", '{"a": 1}'), ("f(a,b = c)", "f(a, b=c)"), ("grammar'x'", 'grammar "x"'),
])
def test_parentheses_quotes_and_blanks(expression: str, formatted: str | None) -> None:
    """Parentheses stand where the tree needs them and nowhere else."""
    if formatted is None:
        with pytest.raises(SteerError):
            format_source(f"X = {expression}")
    else:
        assert format_source(f"X = {expression}") == f"X = {formatted}\n"


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ("f(", ")"), ("f(x=", ")"), ("{1: ", "}"), ("not ", ""),
                                                  ("[x for x in ", "]"), ("1 if a else ", "")])
def test_the_deepest_programs_can_be_formatted(opening: str, closing: str) -> None:
    """Expressions as deep as the parser takes them, in blocks as deep as it takes them."""
    blocks = "".join("    " * (i + 1) + "if x:\n" for i in range(NESTING - 1))
    levels = (DEPTH - 1) // (2 if " for " in opening else 1)
    source = f"program f():\n{blocks}{'    ' * NESTING}y = {opening * levels}1{closing * levels}\n"
    assert file_shape(parse(format_source(source))) == file_shape(parse(source))


def test_lines_have_at_most_100_columns_where_they_can_be_broken() -> None:
    """Exactly 100 columns stay; one more gives the items a line of their own; where they do not fit into that, each has
    one, with a comma after the last."""
    fits = f"X = [{'a' * 45}, {'b' * 47}]"
    assert len(fits) == 99 + 1 and format_source(fits) == fits + "\n"
    assert format_source(fits.replace("b]", "bb]")) == f"X = [\n    {'a' * 45}, {'b' * 48}\n]\n"
    long = f"X = [\n    [{'a' * 45}],\n    [{'b' * 45}],\n]\n"
    assert format_source(long) == long.replace(",\n    [", ", [").replace("],\n]", "]\n]")
    assert format_source(long.replace("b]", "b" * 6 + "]")) == long.replace("b]", "b" * 6 + "]")
    long = "program f():\n    return " + " and ".join(["condition_of_mine"] * 6)
    assert format_source(long) == (
        "program f():\n    return (\n        condition_of_mine\n" + "        and condition_of_mine\n" * 5 + "    )\n"
    )


def test_lists_of_short_literals_are_filled() -> None:
    """As many numbers, names and short strings in a line as it holds, none more than 100 columns, whatever the line
    ends of the source; a long string, a call or a comment among them gives every item a line of its own."""
    words = [f'"word{i}"' for i in range(30)]
    filled = format_source(f"WORDS = [{', '.join(words)}]")
    first, *lines, last = filled.splitlines()
    assert (first, last) == ("WORDS = [", "]") and len(lines) == 4 and lines[-1].endswith(",")
    assert "".join(lines).replace("    ", " ").split() == [word + "," for word in words]
    assert all(len(line) <= 100 < len(line + " " + after.split()[0]) for line, after in pairwise(lines))
    assert format_source("WORDS = [" + ",\n  ".join(words) + "\n]") == filled
    for odd in ('"a string of many words, which is long"', "f(x)", "x,  # why"):
        assert len(format_source(f"WORDS = [{', '.join(words)}, {odd}\n]").splitlines()) == len(words) + 3
