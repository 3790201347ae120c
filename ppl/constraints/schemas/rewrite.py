"""A schema of any draft, as one of the draft 2020-12 that the engine reads rightly."""

from __future__ import annotations

from typing import Any

from . import numbers, objects
from .disjoint import Disjoint
from .errors import Path, pointer, refusal
from .formats import pattern_of
from .patterns import is_writable, translate
from .read import validator_class
from .references import check_circles, resolve
from .unsupported import check_keywords


class Rewriter:
    """One document. places: every node written, the innermost first, and where in the user's schema it comes from."""

    def __init__(self, root: Any) -> None:
        self.root = root
        self.draft = validator_class(root)
        self.disjoint = Disjoint(root)
        self.places: list[tuple[Any, Path]] = []
        self._names: dict[str, str] = {}
        self._waiting: list[tuple[str, Any, Path]] = []
        self._divisors: dict[int | float, Path] = {}

    def document(self) -> tuple[Any, dict[str, Any]]:
        """The schema, and the definitions that its references name."""
        check_circles(self.root)
        root = self.node(self.root, ())
        definitions: dict[str, Any] = {}
        while self._waiting:
            name, node, path = self._waiting.pop()
            definitions[name] = self.node(node, path)
        numbers.check_divisors(self._divisors)
        return root, definitions

    def node(self, node: Any, path: Path) -> Any:
        """Raises BadSource for a keyword that cannot be had rightly."""
        if isinstance(node, bool):
            return node
        check_keywords(node, path, self.draft)
        out: dict[str, Any] = {}
        if "type" in node:
            out["type"] = node["type"]
        kinds = [out["type"]] if isinstance(out.get("type"), str) else out.get("type", ["number", "string"])
        also = self._strings(node, out, path) if "string" in kinds else []
        if "number" in kinds or "integer" in kinds:
            if "multipleOf" in node:
                self._divisors.setdefault(node["multipleOf"], path)
            also += numbers.rewrite(node, kinds, path)
        self._array(node, out, path)
        out |= objects.rewrite(node, path, self.node)
        if "const" in node or "enum" in node:
            out["enum"] = self._values(node, path)
        if "$ref" in node:
            out["$ref"] = self._reference(node["$ref"], path)
        also += [self.node(part, (*path, "allOf", i)) for i, part in enumerate(node.get("allOf", ()))]
        also += [{"anyOf": self._options(node, key, path)} for key in ("anyOf", "oneOf") if key in node]
        also += objects.dependencies(node, path, self.node)
        if len(also) == 1 and isinstance(also[0], dict) and "anyOf" in also[0] and len(also[0]) == 1:
            out |= also[0]
        elif also:
            out["allOf"] = also
        self.places.append((out, path))
        return out

    def _strings(self, node: dict[str, Any], out: dict[str, Any], path: Path) -> list[Any]:
        """minLength, maxLength, and the patterns behind the first one."""
        out |= {key: int(node[key]) for key in ("minLength", "maxLength") if key in node}
        patterns = [translate(node["pattern"], (*path, "pattern"))] if "pattern" in node else []
        if "format" in node:
            patterns.append(translate(pattern_of(node["format"], path), (*path, "format")))
        if patterns:
            out["pattern"] = patterns[0]
        return [{"pattern": pattern} for pattern in patterns[1:]]

    def _array(self, node: dict[str, Any], out: dict[str, Any], path: Path) -> None:
        out |= {key: int(node[key]) for key in ("minItems", "maxItems") if key in node}
        first, rest = "prefixItems", "items"
        if self.draft.META_SCHEMA["$schema"] != "https://json-schema.org/draft/2020-12/schema":
            first, rest = ("items", "additionalItems") if isinstance(node.get("items"), list) else ("", "items")
        if first in node:
            out["prefixItems"] = [self.node(part, (*path, first, i)) for i, part in enumerate(node[first])]
        if rest in node:
            out["items"] = self.node(node[rest], (*path, rest))

    def _values(self, node: dict[str, Any], path: Path) -> list[Any]:
        """The constants that the node allows, as far as JSON can write them."""
        key = "const" if "const" in node else "enum"
        values = [node["const"]] if key == "const" else node["enum"]
        if key == "const" and "enum" in node:
            values = [value for value in values if self.draft({"enum": node["enum"]}).is_valid(value)]
        for value in values:
            numbers.check_constant(value, (*path, key))
        written = [value for value in values if _is_writable(value)]
        if values and not written:
            raise refusal((*path, key), "no value of it can be written: control characters need escapes in JSON that "
                          "the engine reads wrongly")
        if not written:
            raise refusal((*path, key), "there is no value in it", "Give at least one.")
        return written

    def _reference(self, reference: str, path: Path) -> str:
        node, where = resolve(self.root, reference, path)
        name = pointer(where)
        if name not in self._names:
            self._names[name] = f"r{len(self._names)}"
            self._waiting.append((self._names[name], node, where))
        return f"#/$defs/{self._names[name]}"

    def _options(self, node: dict[str, Any], key: str, path: Path) -> list[Any]:
        """The options of `anyOf`, or of `oneOf` where no instance can be in two. Raises BadSource where it can."""
        parts = node[key]
        if key == "oneOf":
            for j, b in enumerate(parts):
                for i, a in enumerate(parts[:j]):
                    if not self.disjoint(a, b):
                        raise refusal((*path, key), f"its options {i} and {j} (from 0) may both hold for one value",
                                      "Use `anyOf`, or require a property with another `const` in each option.")
        return [self.node(part, (*path, key, i)) for i, part in enumerate(parts)]


def _is_writable(value: Any) -> bool:
    if isinstance(value, str):
        return is_writable(value)
    if isinstance(value, dict | list):
        return all(map(_is_writable, value.values() if isinstance(value, dict) else value))
    return True
