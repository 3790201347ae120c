"""How short the texts of a schema can be, and the removal of what has none.

The engine takes schemas that ask for a value inside a value without end. There a text could be begun that cannot be
ended, so parts without finite texts are forbidden before the engine sees them.
"""

from __future__ import annotations

import json
import math
from typing import Any

_TYPES = ("null", "boolean", "number", "string", "array", "object")


class Least:
    """Lower bounds of the lengths in bytes; inf means that there is no finite text.

    The bounds of the definitions fall from inf to a fixed point: the k-th is right for texts with references nested at
    most k deep.
    """

    def __init__(self, definitions: dict[str, Any]) -> None:
        self.definitions = {f"#/$defs/{name}": node for name, node in definitions.items()}
        self.known = dict.fromkeys(self.definitions, math.inf)
        while (found := {name: self.of(node) for name, node in self.definitions.items()}) != self.known:
            self.known = found

    def of(self, node: Any) -> float:
        if isinstance(node, bool):
            return 1 if node else math.inf
        kinds = [node["type"]] if isinstance(node.get("type"), str) else node.get("type", _TYPES)
        bound = min((self._kind(kind, node) for kind in kinds), default=math.inf)
        parts = [self.of(part) for part in node.get("allOf", ())]
        if "$ref" in node:
            parts.append(self.known[node["$ref"]])
        if "enum" in node:
            parts.append(min(map(_written, node["enum"])))
        if "anyOf" in node:
            parts.append(min(map(self.of, node["anyOf"])))
        return max(bound, *parts) if parts else bound

    def _kind(self, kind: str, node: dict[str, Any]) -> float:
        match kind:
            case "null" | "boolean":
                return 4
            case "string":
                return _range(node, "minLength", "maxLength") + 2
            case "array":
                return self._array(node)
            case "object":
                return self._object(node)
        low, high = node.get("minimum", -math.inf), node.get("maximum", math.inf)
        nearest = low if low > 0 else -high if high < 0 else 0
        return math.inf if low > high else len(str(int(nearest))) + (high < 0)

    def _array(self, node: dict[str, Any]) -> float:
        least = _range(node, "minItems", "maxItems")
        if math.isinf(least):
            return least
        first = [self.of(part) for part in node.get("prefixItems", ())[: int(least)]]
        rest = least - len(first)
        return 2 + sum(first) + (rest * self.of(node.get("items", True)) if rest else 0) + max(least - 1, 0)

    def _object(self, node: dict[str, Any]) -> float:
        needed = set(node.get("required", ()))
        if len(needed) > node.get("maxProperties", math.inf):
            return math.inf
        other = self.of(node.get("additionalProperties", True))
        other = 1 if node.get("patternProperties") else other
        known = node.get("properties", {})
        return 2 + max(len(needed) - 1, 0) + sum(
            _written(name) + 1 + (self.of(known[name]) if name in known else other) for name in needed
        )


def _written(value: Any) -> float:
    """Bytes of a constant; numbers have several spellings."""
    if isinstance(value, float):
        return 1
    if isinstance(value, list):
        return 2 + sum(map(_written, value)) + max(len(value) - 1, 0)
    if isinstance(value, dict):
        return 2 + sum(_written(k) + 1 + _written(v) for k, v in value.items()) + max(len(value) - 1, 0)
    return len(json.dumps(value, ensure_ascii=False).encode(errors="replace"))


def _range(node: dict[str, Any], low: str, high: str) -> float:
    return math.inf if node.get(low, 0) > node.get(high, math.inf) else node.get(low, 0)


def prune(node: Any, least: Least) -> Any:
    """The node without parts that have no finite text; False where it has none itself."""
    if isinstance(node, bool) or math.isinf(least.of(node)):
        return node is True
    out = dict(node)
    for key in ("properties", "patternProperties"):
        if key in node:
            out[key] = {name: prune(part, least) for name, part in node[key].items()}
    for key in ("items", "additionalProperties"):
        if key in node:
            out[key] = prune(node[key], least)
    for key in ("prefixItems", "allOf"):
        if key in node:
            out[key] = [prune(part, least) for part in node[key]]
    if "anyOf" in node:
        out["anyOf"] = [part for option in node["anyOf"] if (part := prune(option, least)) is not False]
    return out
