"""Keywords that no schema the engine reads rightly can say."""

from __future__ import annotations

from typing import Any

from .errors import Path, refusal

HINTS = {
    "not": "List what is allowed instead: with `enum`, `type` or `pattern`.",
    "if": "Use `anyOf` of the cases, each with a `const` that tells it from the others.",
    "contains": "Say it of all items with `items`, or of the first ones with `prefixItems`.",
    "uniqueItems": "Leave it out and drop repetitions afterwards, or ask for each item by `prefixItems`.",
    "unevaluatedProperties": "Use `additionalProperties` in the schema that lists the properties.",
    "unevaluatedItems": "Use `items` next to `prefixItems`.",
    "$dynamicRef": "Use `$ref`.",
    "$recursiveRef": "Use `$ref`.",
    "extends": "Use `allOf`.",
    "disallow": "List what is allowed instead.",
}
_OLD = ("draft-03", "draft-04", "draft-06", "draft-07")
_HARMLESS_BESIDE_REF = frozenset({"$ref", "$schema", "$comment", "title", "description", "default", "examples",
                                  "readOnly", "writeOnly", "deprecated", "definitions", "$defs", "$id", "id"})


def check_keywords(node: dict[str, Any], path: Path, draft: Any) -> None:
    """Raises BadSource for a keyword that would be lost, or that means another thing than it seems to.

    What is no keyword of any draft is an annotation, and is left out.
    """
    named = draft.META_SCHEMA["$schema"]
    if "draft-03" in named:
        raise refusal((*path, "$schema"), "draft 3 is not supported", "Write it for the draft 2020-12.")
    for key, hint in HINTS.items():
        if key in node and not (key == "uniqueItems" and (node[key] is False or node.get("maxItems", 2) <= 1)):
            raise refusal((*path, key), f"`{key}` cannot be enforced while a text is written", hint)
    if path and any(isinstance(node.get(key), str) for key in ("$id", "id")):
        raise refusal((*path, "$id" if "$id" in node else "id"), "an identifier inside a schema changes what its "
                      "references mean", "Leave it out and refer to '#/$defs/name'.")
    if "$ref" in node and any(old in named for old in _OLD) and not node.keys() <= _HARMLESS_BESIDE_REF:
        lost = sorted(node.keys() - _HARMLESS_BESIDE_REF)
        raise refusal((*path, lost[0]), "this draft ignores what stands beside `$ref`",
                      "Put both into `allOf`, or leave `$schema` out for the draft 2020-12.")
