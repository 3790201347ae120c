"""docs/language-reference.md is what the grammar and the built-ins say, and its examples are right."""

from __future__ import annotations

from pathlib import Path

import pytest

from steersman.ppl.language import format_source, parse
from steersman.ppl.language.checks import check
from steersman.ppl.language.layout import grammar_text
from steersman.ppl.language.library import DISTRIBUTIONS, FUNCTIONS, MEMBERS
from steersman.ppl.language.reference import reference, sections

ROOT = Path(__file__).parents[3]
EXAMPLES = [s.example for s in sections() if s.example]
GIVEN = ("context", "prompt", "i", "line", "text", "words", "goal", "found", "pair", "total", "word",
        "helper", "n", "done", "banned", "score", "name", "amount")


def program(example: str) -> str:
    """Statements are put into a program to which their free names are parameters."""
    if any(line.startswith(("program", "def", "model", "import", "NUMBERS")) for line in example.split("\n")):
        return example
    head = f"model critic\n\ndef helper(x):\n    return x\n\nprogram example({', '.join(GIVEN)}):\n"
    return head + "".join(f"    {line}\n" for line in example.split("\n"))


def test_the_reference_is_up_to_date() -> None:
    """Make it anew with: python -m steersman.ppl.language.reference > docs/language-reference.md"""
    assert (ROOT / "docs/language-reference.md").read_text("utf-8") == reference()


@pytest.mark.parametrize("example", EXAMPLES)
def test_examples_are_right_and_well_formatted(example: str) -> None:
    """They parse, nothing in them is mistaken but for files that are not there, and the formatter leaves them alone."""
    source = program(example)
    found = [d for d in check(parse(source)) if d.severity == "error" and d.code not in ("import", "shadows")]
    assert not found, "\n".join(map(str, found))
    lines = [line.removeprefix("    ") if source != example else line for line in format_source(source).split("\n")]
    assert example in "\n".join(lines)


def test_the_reference_says_everything() -> None:
    """Every rule of the grammar, every built-in, member and distribution, and an example of each construct."""
    text = reference()
    for table in (FUNCTIONS, DISTRIBUTIONS, *MEMBERS.values()):
        assert all(f"{name}(" in text or f".{name} ->" in text for name in table)
    rules = [line.split(":")[0].strip("?_ ") for line in grammar_text().split("// Terminals.")[0].split("\n")
             if line[:1] in "?_abcdefghijklmnopqrstuvwxyz" and ":" in line]
    assert len(rules) > 30 and all(f"\n{rule}: " in text for rule in rules)
    assert len(EXAMPLES) >= 16
