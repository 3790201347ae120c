"""The .steer files of the repository, as a reader sees them."""

from __future__ import annotations

from pathlib import Path

import pytest

from steersman.ppl.language import check, format_source

ROOT = Path(__file__).parents[2]
FOLDERS = ("examples", "inference", "models", "ppl", "cli")
FILES = [path for folder in FOLDERS for path in ROOT.glob(f"{folder}/**/*.steer")]


@pytest.mark.parametrize("path", sorted(FILES), ids=lambda path: path.stem)
def test_it_is_formatted_and_nothing_is_wrong(path: Path) -> None:
    """What `steersman fmt --check` and `steersman check` say of it: nothing, not even a warning."""
    source = path.read_text("utf-8")
    assert format_source(source, str(path)) == source
    assert check(source, str(path)) == []


def test_there_are_files() -> None:
    """The search above finds those of both folders."""
    found = {path.relative_to(ROOT).parts[0] for path in FILES}
    assert {"examples", "inference"} <= found and len(FILES) >= 20
