"""Programs with the place of a mistake marked: `x ~ «Gaussian»(0, 1)`."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from steersman.ppl.language import Diagnostic
from steersman.ppl.language.checks import check
from steersman.ppl.language.loader import Loader
from steersman.ppl.language.problems import Problem


def body(text: str) -> str:
    """A program with these statements, after one that draws."""
    lines = "".join(f"    {line}\n" if line.strip() else "\n" for line in text.split("\n"))
    return f"program main(a, n: int = 1, s: str = ''):\n    drawn ~ Normal(0, 1)\n{lines}    return drawn\n"


def assert_only(
    code: str, text: str, message: str, hint: str | None = None, *, models: Collection[str] = (),
    rewards: Collection[str] | None = None, files: Mapping[str, str] | None = None,
) -> None:
    """check finds one thing: of this code and message, exactly where the mark is."""
    before, inside, after = text.replace("»", "«").split("«")
    found = check(before + inside + after, "main.steer", models=models, rewards=rewards, loader=loader_of(files))
    assert [(d.code, d.message) for d in found] == [(code, message)], "\n".join(map(str, found))
    span = found[0].span
    assert (span.line, span.column) == place(before), found[0]
    assert (span.end_line, span.end_column) == place(before + inside), found[0]
    assert found[0].hint.strip()
    assert hint is None or found[0].hint == hint


def loader_of(files: Mapping[str, str] | None) -> Loader | None:
    """One that knows these files."""

    def load(module: str) -> tuple[str, str]:
        if files is None or module not in files:
            raise Problem("import", f"there is no {module}.steer", "is it beside this file?")
        return f"{module}.steer", files[module]

    return None if files is None else load


def place(before: str) -> tuple[int, int]:
    """Line and column, from 1, of what follows a text."""
    return before.count("\n") + 1, len(before) - before.rfind("\n")


def found_in(text: str) -> list[Diagnostic]:
    return check(text, "main.steer", models=("planner",), rewards=("happy",))
