"""`$ref`: the nodes that references name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from .errors import Path, refusal


def resolve(root: Any, reference: str, path: Path) -> tuple[Any, Path]:
    """The node that a reference inside the document names, and where it is.

    Raises BadSource for references to other documents or to anchors, and for those that name nothing.
    """
    at = (*path, "$ref")
    if reference != "#" and not reference.startswith("#/"):
        raise refusal(at, f"{reference!r} is not inside this schema",
                      "References are written '#/$defs/name'; copy what they name into `$defs`.")
    node, steps = root, [unquote(step).replace("~1", "/").replace("~0", "~") for step in reference[1:].split("/")[1:]]
    where: list[str | int] = []
    for step in steps:
        if isinstance(node, dict) and step in node:
            where.append(step)
            node = node[step]
        elif isinstance(node, list) and step.isdecimal() and int(step) < len(node):
            where.append(int(step))
            node = node[int(step)]
        else:
            raise refusal(at, f"{reference!r} names nothing: there is no {step!r} there")
    if not isinstance(node, bool | dict):
        raise refusal(at, f"{reference!r} does not name a schema")
    return node, tuple(where)


def check_circles(root: Any) -> None:
    """Raises BadSource where a schema refers to itself for one and the same value, which means nothing (and which
    validators follow without end)."""
    for start, path in _referring(root, ()):
        seen, waiting = set[int](), [start]
        while waiting:
            for other in _beside(root, waiting.pop(), path):
                if other is start:
                    raise refusal((*path, "$ref"), "this leads back here for one and the same value",
                                  "A reference back has to be inside of `properties` or `items`.")
                if id(other) not in seen:
                    seen.add(id(other))
                    waiting.append(other)


def _referring(node: Any, path: Path) -> Iterator[tuple[dict[str, Any], Path]]:
    """Everything in the document that has a reference."""
    if isinstance(node, dict) and isinstance(node.get("$ref"), str):
        yield node, path
    if isinstance(node, dict | list):
        for step, part in node.items() if isinstance(node, dict) else enumerate(node):
            yield from _referring(part, (*path, step))


def _beside(root: Any, node: Any, path: Path) -> list[Any]:
    """The schemas that the value of this one has to meet, or may have to."""
    if not isinstance(node, dict):
        return []
    found = [part for key in ("allOf", "anyOf", "oneOf") for part in node.get(key, ())]
    found += [node["dependentSchemas"][key] for key in node.get("dependentSchemas", ())]
    return [*found, resolve(root, node["$ref"], path)[0]] if "$ref" in node else found
