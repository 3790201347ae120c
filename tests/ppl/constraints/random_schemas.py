"""Hypothesis strategies: schemas of the keywords that `json_schema` takes, and texts near their instances."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st
from jsonschema import Draft202012Validator

Draw = st.DrawFn
NAMES = ["a", "b", "ab", "name", "é", 'q"', "x/y"]
WORDS = ["", "a", "b", "cat", "x1", "été", "a b", "\n", '"', "\\", "😀", "12", "2024-02-29", "2023-02-29"]
NUMBERS = [0, 1, 2, 3, 7, 10, 12, 99, -1, -5, 0.5, -0.5, 0.25, 1.5, 2.75, 100, 0.1, -0.001, 12.34]
PATTERNS = ["^a", "b$", "^[a-c]+$", r"^\d{1,3}$", "cat|dog", r"^\w*$", r"^[^\d]+$", r"\s", ".", r"^(a|b\S)*$"]
FORMATS = ["date", "ipv4", "email", "time", "hostname", "duration"]
DAMAGE = ["", "0", "1", ".", "5", "e1", "-", '"', ",", "a", "b", "\\u0061", "\\n", " ", "{}", ',"a":1', '"a":"x",',
          "9999999999999999999", ".0", "null", "[", "]"]

constants = st.one_of(st.none(), st.booleans(), st.sampled_from(NUMBERS), st.sampled_from(WORDS))
values = st.recursive(
    constants,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=3),
    max_leaves=6,
)


@st.composite
def numbers(draw: Draw) -> dict[str, Any]:
    out: dict[str, Any] = {"type": draw(st.sampled_from(["integer", "number"]))}
    for key in draw(st.sets(st.sampled_from(["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"]))):
        out[key] = draw(st.sampled_from(NUMBERS))
    if draw(st.integers(0, 3)) == 0:
        out["multipleOf"] = draw(st.sampled_from([1, 2, 3, 0.5, 0.25, 7, 0.1, 1.5]))
    return out


@st.composite
def strings(draw: Draw) -> dict[str, Any]:
    out: dict[str, Any] = {"type": "string"}
    for key in draw(st.sets(st.sampled_from(["minLength", "maxLength"]))):
        out[key] = draw(st.integers(0, 5))
    if draw(st.booleans()):
        out["pattern"] = draw(st.sampled_from(PATTERNS))
    elif draw(st.integers(0, 3)) == 0:
        out["format"] = draw(st.sampled_from(FORMATS))
    return out


@st.composite
def arrays(draw: Draw, inner: st.SearchStrategy[Any]) -> dict[str, Any]:
    out: dict[str, Any] = {"type": "array"}
    if draw(st.booleans()):
        out["prefixItems"] = draw(st.lists(inner, min_size=1, max_size=2))
    if draw(st.booleans()):
        out["items"] = draw(inner | st.just(False))
    for key in draw(st.sets(st.sampled_from(["minItems", "maxItems"]))):
        out[key] = draw(st.integers(0, 4))
    return out


@st.composite
def objects(draw: Draw, inner: st.SearchStrategy[Any]) -> dict[str, Any]:
    properties = st.dictionaries(st.sampled_from(NAMES), inner, max_size=3)
    out: dict[str, Any] = {"type": "object", "properties": draw(properties)}
    if draw(st.booleans()):
        out["required"] = draw(st.lists(st.sampled_from(NAMES), max_size=2, unique=True))
    if draw(st.booleans()):
        out["additionalProperties"] = draw(inner | st.just(False))
    if draw(st.integers(0, 3)) == 0:
        out["patternProperties"] = {draw(st.sampled_from(["^a", "^[^a]$", "b$"])): draw(inner)}
    for key in draw(st.sets(st.sampled_from(["minProperties", "maxProperties"]), max_size=1)):
        out[key] = draw(st.integers(0, 3))
    if draw(st.integers(0, 5)) == 0:
        out["propertyNames"] = draw(st.sampled_from([{"pattern": "^a"}, {"enum": ["a", "b"]}, {"type": "string"}]))
    if draw(st.integers(0, 5)) == 0:
        out["dependentRequired"] = {draw(st.sampled_from(NAMES)): [draw(st.sampled_from(NAMES))]}
    return out


@st.composite
def combined(draw: Draw, inner: st.SearchStrategy[Any]) -> dict[str, Any]:
    key = draw(st.sampled_from(["anyOf", "oneOf", "allOf", "type"]))
    if key == "type":
        out = draw(inner)
        return {k: v for k, v in out.items() if k != "type"} if isinstance(out, dict) else {}
    out = {key: draw(st.lists(inner, min_size=1, max_size=3))}
    beside = draw(inner) if draw(st.booleans()) else {}
    return out | beside if isinstance(beside, dict) else out


leaves = st.one_of(
    numbers(), strings(), numbers(), strings(), st.just({"type": "null"}), st.just({"type": "boolean"}), st.just(True),
    st.fixed_dictionaries({"const": values}), st.fixed_dictionaries({"enum": st.lists(values, min_size=1, max_size=3)}),
    st.just({"$ref": "#/$defs/d"}),
)
nodes = st.recursive(
    leaves, lambda inner: arrays(inner=inner) | objects(inner=inner) | combined(inner=inner), max_leaves=6
)
schemas = st.builds(lambda node, d: {"$defs": {"d": d}} | (node if isinstance(node, dict) else {}), nodes, nodes)


def instance(draw: Draw, node: Any, root: Any, depth: int = 0) -> Any:
    """A value that tries to be an instance, and need not be."""
    if not isinstance(node, dict) or depth > 6 or draw(st.integers(0, 15)) == 0:
        return draw(values)
    if "const" in node:
        return node["const"]
    if "enum" in node:
        return draw(st.sampled_from(node["enum"]))
    if "$ref" in node:
        return instance(draw, root["$defs"]["d"], root, depth + 1)
    for key in ("anyOf", "oneOf", "allOf"):
        if key in node and draw(st.booleans()):
            return instance(draw, draw(st.sampled_from(node[key])), root, depth + 1)
    match node.get("type"):
        case "null":
            return None
        case "boolean":
            return draw(st.booleans())
        case "integer" | "number":
            near = [node[key] for key in node if key.endswith("imum")] or NUMBERS
            number = draw(st.sampled_from(near)) + draw(st.sampled_from([0, 0, 1, -1, 0.5, 0.001]))
            return int(number) if node["type"] == "integer" else number
        case "string":
            return draw(st.sampled_from(WORDS) | st.text("ab1 é", max_size=6))
        case "array" | None if "items" in node or "prefixItems" in node or node.get("type"):
            first = node.get("prefixItems", [])
            count = draw(st.integers(0, 4))
            parts = [*first, *[node.get("items", True)] * max(0, count - len(first))][:count]
            return [instance(draw, part, root, depth + 1) for part in parts]
    known = node.get("properties", {})
    names = [name for name in known if name in node.get("required", ()) or draw(st.booleans())]
    names += [name for name in node.get("required", ()) if name not in names]
    names += draw(st.lists(st.sampled_from(NAMES), max_size=1))
    other = node.get("additionalProperties", True)
    return {name: instance(draw, known.get(name, other), root, depth + 1) for name in names}


@st.composite
def texts(draw: Draw, schema: Any) -> str:
    """A JSON text near the instances: spaced or not, and in half of the cases damaged."""
    value = instance(draw, schema, schema)
    separators = draw(st.sampled_from([(",", ":"), (", ", ": "), (" ,\n", " :\t")]))
    text = json.dumps(value, ensure_ascii=False, separators=separators)
    for _ in range(draw(st.sampled_from([0, 0, 1, 1, 2]))):
        at = draw(st.integers(0, len(text)))
        piece = draw(st.sampled_from(DAMAGE))
        text = text[:at] + piece + text[at + draw(st.integers(0, 1)):]
    return text


def judged(schema: Any, text: str) -> bool:
    """Whether a text is JSON of a valid instance, for readers that take decimals exactly and for those that round.

    Only for exact readers is `multipleOf` what the standard says: in doubles 0.3 is no multiple of 0.1."""
    try:
        value = json.loads(text, parse_float=Decimal)
        rounded = json.loads(text)
    except (ValueError, RecursionError):
        return False
    exact = json.loads(json.dumps(schema), parse_float=Decimal)
    checks = Draft202012Validator.FORMAT_CHECKER
    return Draft202012Validator(exact, format_checker=checks).is_valid(value) and Draft202012Validator(
        without(schema, "multipleOf"), format_checker=checks).is_valid(rounded)


def without(schema: Any, key: str) -> Any:
    if isinstance(schema, dict):
        return {k: without(v, key) for k, v in schema.items() if k != key}
    return [without(part, key) for part in schema] if isinstance(schema, list) else schema
