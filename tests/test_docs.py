"""Every example in README and docs runs and prints what it says."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

from steersman.ppl.language import check

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
WITH_EXAMPLES = [p for p in PAGES if ">>> " in p.read_text(encoding="utf-8")]


@pytest.mark.parametrize("page", WITH_EXAMPLES, ids=lambda p: str(p.relative_to(ROOT)))
def test_examples_of_a_page(page: Path) -> None:
    """Doctest: output is compared exactly, so pages promise only what is deterministic."""
    result = doctest.testfile(str(page), module_relative=False, optionflags=doctest.ELLIPSIS)
    assert result.attempted > 0 and result.failed == 0


def test_the_pages_that_must_teach_have_examples() -> None:
    """The README, the tutorial and the guides show code that runs."""
    names = {str(p.relative_to(ROOT)) for p in WITH_EXAMPLES}
    assert {"README.md", "docs/tutorial.md", "docs/writing-a-backend.md", "docs/writing-a-reward.md"} <= names


def test_the_first_program_of_the_readme_runs(capsys: pytest.CaptureFixture[str]) -> None:
    """The program on the first screen prints a table like the one below it: texts that say what they must, and log Z.

    Which texts it finds depends on the rounding of the machine; that they are what the program asks for does not.
    """
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    program, shown = re.search(r"```python\n(.*?)```\n\n```text\n(.*?)```", readme, re.S).groups()  # type: ignore[union-attr]
    exec(compile(program, "README.md", "exec"), {})
    printed = capsys.readouterr().out
    for text in (printed, shown):
        assert re.search(r"^ +p  value$", text, re.M) and "SMC(256): log Z = -" in text and "tokens" in text
        first = re.search(r"^\d\.\d{4}  (.*?)(?=^\d\.\d{4}  |^ +\.\.\.)", text, re.M | re.S)
        assert first is not None and all(word in first.group(1) for word in ("Lily", "park", "dog"))


def test_programs_of_the_textual_language_are_right() -> None:
    """Every program shown outside the reference (which has a test of its own) is checked without a finding."""
    shown = 0
    for page in PAGES:
        if page.name != "language-reference.md":
            for source in re.findall(r"```steer\n(.*?)```", page.read_text(encoding="utf-8"), re.S):
                assert check(source) == [], page.name
                shown += 1
    assert shown > 0


def test_links_between_pages_lead_somewhere() -> None:
    """Relative links in Markdown point to files that exist."""
    for page in PAGES:
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)[^)]*\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_systems_page_points_to_tests_that_exist() -> None:
    """docs/systems.md names real files."""
    page = (ROOT / "docs" / "systems.md").read_text(encoding="utf-8")
    for path in re.findall(r"`((?:tests|examples|docs|benchmarks)/[\w./]*)`", page):
        assert (ROOT / path).exists(), path
