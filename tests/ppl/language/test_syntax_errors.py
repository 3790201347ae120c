"""Syntax errors: each common mistake with its report, all of a file at once, nothing that crashes or hangs."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from programs_strategy import files

from steersman.ppl.language import SteerError, nodes, parse
from steersman.ppl.language.building.expressions import DEPTH
from steersman.ppl.language.building.interpolation import MOST
from steersman.ppl.language.building.statements import NESTING
from steersman.ppl.language.format import format_file
from steersman.ppl.language.source import LONGEST

TEXT = Path(__file__).with_name("syntax_errors.txt").read_text("utf-8")
CASES = [case.split("\n", 1) for case in TEXT.split("=== ")[1:]]


def errors(source: str) -> list[tuple[int, int, str]]:
    with pytest.raises(SteerError) as e:
        parse(source, "a.steer")
    return [(d.span.line, d.span.column, d.code) for d in e.value.diagnostics]


@pytest.mark.parametrize(("title", "case"), CASES, ids=[title for title, _ in CASES])
def test_the_report_of_a_mistake(title: str, case: str) -> None:
    """syntax_errors.txt holds mistaken programs, each with the report that a reader is to see."""
    source, report = case.split("---\n")
    with pytest.raises(SteerError) as e:
        parse(source, "a.steer")
    assert str(e.value) == report.rstrip("\n")


def test_every_mistake_of_the_list_has_a_hint() -> None:
    """A report without a hint leaves its reader alone."""
    for _, case in CASES:
        reports = case.split("---\n")[1].split("\n\n")
        assert all(r.rstrip().split("\n")[-1].startswith("  hint: ") for r in reports)


def test_mistakes_of_different_blocks_and_statements_are_found_at_once() -> None:
    """One error does not hide those after it, whether the parser or the builder of the tree finds them."""
    source = "WORDS = [1 2]\n\nprogram a()\n    x = f'{x}'\n    y ~\n    return true\n\ndef b(:\n    return 1\n\nc d\n"
    assert errors(source) == [
        (1, 12, "syntax"), (3, 12, "missing-colon"), (4, 9, "string-prefix"), (5, 8, "missing-distribution"),
        (6, 12, "foreign-name"), (8, 6, "unclosed-bracket"), (11, 3, "syntax"),
    ]


@pytest.mark.parametrize("line", ["program mai:x):", "programm ma:in():", "program main:,", "progr 1"])
def test_a_patch_that_shifts_its_line_moves_no_report(line: str) -> None:
    """Further mistakes of a line that was patched are left out, not put beside their places."""
    assert all(column <= len(line) + 1 for row, column, _ in errors(f"{line}\n    return x\n") if row == 1)


@pytest.mark.parametrize("before", [0, 30, 100, 1_000])
@pytest.mark.parametrize("after", [0, 30, 1_000])
def test_of_a_long_line_the_part_around_the_mistake_is_shown(before: int, after: int) -> None:
    """The caret stands under the mistake, and what is shown is short."""
    with pytest.raises(SteerError) as e:
        parse(f"X = [{'a, ' * before}0x7, {'b, ' * after}]")
    _, shown, caret, _ = str(e.value).split("\n")
    assert len(shown) < 140
    assert shown[caret.index("^") : caret.rindex("^") + 1] == "0x7"


def test_no_more_errors_are_reported_than_a_reader_can_use() -> None:
    assert len(errors("program a():\n" + "    x ~\n" * 100)) == 20
    assert len(errors("program a():\n    x ~\n    y ~\n" * 100)) == 30


@pytest.mark.parametrize("source", [
    "\ufeffprogram f():\r\n    x = 1\r\n    return x", "program f():\r    x = 1\r    return x",
    "program f():\n\tx = 1\n\treturn x", "", "\n\n  \n", "# only a remark", "    # indented\n  # remarks\nX = 1",
    "X = 1 + \\\n  2",
], ids=["BOM and CRLF", "CR", "tabs only", "empty", "blank", "remark", "indented remarks", "continued line"])
def test_unusual_texts_are_read(source: str) -> None:
    """Line ends, byte order marks, tabs throughout, missing final line ends."""
    file = parse(source)
    assert "\r" not in file.source and "\ufeff" not in file.source


@pytest.mark.parametrize(("source", "place"), [
    ("X = 1\0", (1, 6)), ("X = 1\nY = '\ud800'", (2, 6)), ("X = 1\u2028Y = 2", (1, 6)), ("X\x0b= 1", (1, 2)),
], ids=["NUL", "lone surrogate", "line separator", "vertical tab"])
def test_characters_that_no_text_has_are_refused(source: str, place: tuple[int, int]) -> None:
    """Anywhere, in strings too; the report can itself be written as UTF-8."""
    assert errors(source) == [(*place, "strange-character")]
    with pytest.raises(SteerError) as e:
        parse(source)
    str(e.value).encode()


def test_names_are_those_that_python_reads() -> None:
    """No name that looks like another: their normal form is asked for."""
    assert parse("naïve = 1\nβ = 2")
    assert errors("x² = 1") == [(1, 1, "strange-name")]
    assert errors("ﬁn = 2") == [(1, 1, "strange-name")]


@pytest.mark.parametrize("deep", [
    "X = " + "[" * 9_000 + "1" + "]" * 9_000, "X = " + "not " * 9_000 + "1", "X = 1" + " + 1" * 9_000,
    "X = " + "2 ** " * 9_000 + "1", "X = a" + ".b" * 9_000, "X = f" + "(1)" * 9_000,
    "X = " + "1 if a else " * 5_000 + "2",
], ids=["lists", "nots", "sums", "powers", "members", "calls", "conditionals"])
def test_deep_expressions_are_refused(deep: str) -> None:
    """An error with a place, not a crash; up to the limit they are read."""
    assert [code for *_, code in errors(deep)] == ["too-deep"]


def test_up_to_the_limits_all_is_read() -> None:
    """DEPTH levels of an expression, NESTING blocks, any number of parentheses, LONGEST characters."""
    parse("X = 1" + " + 1" * (DEPTH - 1))
    assert errors("X = 1" + " + 1" * DEPTH)[0][2] == "too-deep"
    blocks = ["    " * (i + 1) + "if x:\n" for i in range(NESTING)]
    parse("program f():\n" + "".join(blocks[:-1]) + "    " * NESTING + "pass\n")
    assert errors("program f():\n" + "".join(blocks) + "    " * (NESTING + 1) + "pass\n")[0][2] == "too-deep"
    parse("X = " + "(" * 5_000 + "1" + ")" * 5_000)
    parse("X = '" + "a" * (LONGEST - 6) + "'")
    assert errors("X = '" + "a" * (LONGEST - 5) + "'") == [(1, 1, "too-long")]
    assert errors("X = '" + "{a+1}" * (MOST + 1) + "'")[0][2] == "too-long"


@pytest.mark.parametrize("unit", ["(", ")", "[{(", "@", "$ ", "'", '"\'', "\\", "x ~\n", "if x\n", "{", '"{', "# \n ("])
def test_hostile_texts_are_refused_in_time(unit: str) -> None:
    """Twenty thousand characters of rubbish take seconds, not minutes."""
    begin = time.monotonic()
    assert errors("X = 1\n" + unit * (20_000 // len(unit)))
    assert time.monotonic() - begin < 30


FAST = settings(max_examples=60, phases=[Phase.generate], deadline=None, derandomize=True, database=None,
                suppress_health_check=list(HealthCheck))
SCRAPS = [
    "~", "=", "(", ")", "[", "]", "{", "}", ":", ",", '"', "'", '"""', "\n", "    ", " ", "if ", "else", "program ",
    "x", "1.", "@", "!", "await ", "lambda ", "#", "\\", "in ", "not ", "as ", "using ", 'f"', "é", "\t", ";", "**",
]


@FAST
@given(files(), st.data())
def test_whatever_is_done_to_a_program_the_parser_answers(file: nodes.File, data: st.DataObject) -> None:
    """A random program with a few random cuts and scraps is read, or gets reports whose places lie in the text."""
    source = format_file(file)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(source)))
        source = source[:at] + data.draw(st.sampled_from(SCRAPS)) + source[at + data.draw(st.integers(0, 3)) :]
    try:
        parse(source)
    except SteerError as e:
        lines = source.split("\n")
        assert e.diagnostics
        for d in e.diagnostics:
            assert 1 <= d.span.line <= len(lines) and 1 <= d.span.column <= len(lines[d.span.line - 1]) + 1
            assert d.line == lines[d.span.line - 1] and d.hint
