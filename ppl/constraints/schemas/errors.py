"""The refusal of a schema, with the place in it."""

from __future__ import annotations

from ..errors import BadSource

Path = tuple[str | int, ...]


def pointer(path: Path) -> str:
    """A path as a JSON pointer: '#/properties/a'."""
    return "/".join(["#", *(str(step).replace("~", "~0").replace("/", "~1") for step in path)])


def refusal(path: Path, why: str, hint: str = "") -> BadSource:
    return BadSource(f"json_schema, {pointer(path)}", why, hint=hint)
