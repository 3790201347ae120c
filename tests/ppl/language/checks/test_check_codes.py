"""The codes, their examples, and their page in docs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from marked import loader_of

from steersman.ppl.language import Diagnostic, parse
from steersman.ppl.language.checks import CODES, check

PAGE = Path(__file__).parents[4] / "docs" / "language-checks.md"
FILES = {"helpers": "def plain(text):\n    return text\n", "circle": "import main\n"}


def findings(example: str) -> list[Diagnostic]:
    """Of an example, in a program unless it belongs to the top level."""
    other = "program other():\n    x ~ Normal(0, 1)\n    return x\n\n"
    if re.match(r"model|import|from|def|program|[A-Z]+ =", example):
        source = other + example + "\n"
    else:
        body = "".join(f"    {line}\n" for line in example.split("\n"))
        source = f"{other}program run(text: str, a, n: int):\n    drawn ~ Normal(0, 1)\n{body}    return drawn\n"
    return check(source, "main.steer", models=["lm"], rewards=["happy"], loader=loader_of(FILES))


@pytest.mark.parametrize("code", sorted(CODES))
def test_each_code_has_an_example(code: str) -> None:
    """The example gives this code, and no other error; all that is said of it has a hint."""
    found = findings(CODES[code].example)
    assert all(d.hint.strip() for d in found)
    assert code in {d.code for d in found}, found
    assert {d.code for d in found if d.severity == "error"} <= {code}
    assert {d.severity for d in found if d.code == code} == {CODES[code].severity}


def test_the_page_names_every_code() -> None:
    """With its severity and its meaning, in the order of the table, and nothing else."""
    rows = re.findall(r"^\| `([\w-]+)` \| (\w+) \| (.*?) \| `", PAGE.read_text(encoding="utf-8"), re.M)
    assert rows == [(name, code.severity, code.meaning) for name, code in CODES.items()]


def test_the_checks_read_whatever_the_parser_reads() -> None:
    """Expressions and blocks as deep as the grammar takes them."""
    deep = "[" * 45 + "n" + "]" * 45
    chain = "text" + ".strip()" * 45
    blocks = "".join("    " * (k + 1) + f"if n > {k}:\n" for k in range(15))
    source = f"program run(text, n):\n    x ~ Normal(0, 1)\n{blocks}{'    ' * 16}factor len({deep}) + len({chain})\n"
    parse(source)
    assert check(source) == []
