"""Whether two schemas can be shown to have no instance in common; `oneOf` of such schemas is `anyOf`."""

from __future__ import annotations

import math
from typing import Any

from .read import validator_class
from .references import resolve

_KINDS = frozenset({"null", "boolean", "number", "string", "array", "object"})
_DEPTH = 20


class Disjoint:
    """Judges nodes of one document. What it cannot show it denies."""

    def __init__(self, root: Any, validator: Any = None) -> None:
        self.root, self.validator = root, validator or validator_class(root)

    def __call__(self, a: Any, b: Any, depth: int = 0) -> bool:
        if depth > _DEPTH:
            return False
        if a is False or b is False:
            return True
        if a is True or b is True:
            return False
        if not self.kinds(a, depth) & self.kinds(b, depth):
            return True
        return self._sided(a, b, depth) or self._sided(b, a, depth) or _apart(a, b) or self._by_property(a, b, depth)

    def _sided(self, a: dict[str, Any], b: dict[str, Any], depth: int) -> bool:
        """What follows from one part of a alone."""
        values = a["enum"] if "enum" in a else [a["const"]] if "const" in a else None
        if values is not None and not any(self._valid(value, b) for value in values):
            return True
        if "$ref" in a and self(resolve(self.root, a["$ref"], ())[0], b, depth + 1):
            return True
        if any(self(part, b, depth + 1) for part in a.get("allOf", ())):
            return True
        return any(key in a and all(self(part, b, depth + 1) for part in a[key]) for key in ("anyOf", "oneOf"))

    def kinds(self, node: Any, depth: int = 0) -> frozenset[str]:
        """The types that instances can have: all where nothing is known."""
        if isinstance(node, bool) or depth > _DEPTH:
            return _KINDS if node is not False else frozenset()
        found = _KINDS
        if "type" in node:
            named = [node["type"]] if isinstance(node["type"], str) else node["type"]
            found = frozenset("number" if kind == "integer" else kind for kind in named)
        if "$ref" in node:
            found &= self.kinds(resolve(self.root, node["$ref"], ())[0], depth + 1)
        for part in node.get("allOf", ()):
            found &= self.kinds(part, depth + 1)
        for key in ("anyOf", "oneOf"):
            if key in node:
                found &= frozenset[str]().union(*(self.kinds(part, depth + 1) for part in node[key]))
        return found

    def _by_property(self, a: dict[str, Any], b: dict[str, Any], depth: int) -> bool:
        """Both are objects only, and one needs a property that the other forbids or gives another meaning."""
        if self.kinds(a, depth) & self.kinds(b, depth) != {"object"}:
            return False
        names = {*a.get("required", ()), *b.get("required", ())}
        return any(self(_property(a, name), _property(b, name), depth + 1) for name in names)

    def _valid(self, value: Any, node: Any) -> bool:
        root = self.root if isinstance(self.root, dict) else {}
        return bool(self.validator(root).evolve(schema=node).is_valid(value))


def _property(node: dict[str, Any], name: str) -> Any:
    """A schema that every value of this property meets, or True."""
    if name in node.get("properties", {}):
        return node["properties"][name]
    return bool(node.get("patternProperties")) or node.get("additionalProperties") is not False


def _apart(a: dict[str, Any], b: dict[str, Any]) -> bool:
    """Numbers only, in ranges that do not meet."""
    if not all(node.get("type") in ("integer", "number") for node in (a, b)):
        return False
    return any(
        low.get("minimum", -math.inf) > high.get("maximum", math.inf)
        or (isinstance(bound := low.get("exclusiveMinimum"), int | float) and not isinstance(bound, bool)
            and bound >= high.get("maximum", math.inf))
        or (isinstance(bound := high.get("exclusiveMaximum"), int | float) and not isinstance(bound, bool)
            and low.get("minimum", -math.inf) >= bound)
        for low, high in ((a, b), (b, a))
    )
