"""The keywords of objects."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from .errors import Path, refusal
from .patterns import translate

Rewrite = Callable[[Any, Path], Any]


def rewrite(node: dict[str, Any], path: Path, into: Rewrite) -> dict[str, Any]:
    """properties, patternProperties, additionalProperties, propertyNames, required and how many there are.

    The engine lets a name that is not under `properties` come twice, so two further properties cannot be asked for.
    """
    out: dict[str, Any] = {}
    if "properties" in node:
        out["properties"] = {
            name: into(part, (*path, "properties", name)) for name, part in node["properties"].items()
        }
    if "patternProperties" in node:
        out["patternProperties"] = {
            translate(pattern, (*path, "patternProperties", pattern)): into(part, (*path, "patternProperties", pattern))
            for pattern, part in node["patternProperties"].items()
        }
    if "additionalProperties" in node:
        out["additionalProperties"] = into(node["additionalProperties"], (*path, "additionalProperties"))
    if isinstance(node.get("required"), list):
        out["required"] = list(node["required"])
    if "propertyNames" in node:
        _named(node["propertyNames"], out, path)
    closed = out.get("additionalProperties") is False and not out.get("patternProperties")
    more = int(node.get("minProperties", 0)) - len(set(out.get("required", ())))
    if more > 1 and not closed:
        raise refusal((*path, "minProperties"), f"{more} properties more than are required: a name could come twice",
                      "List the properties under `properties` and `required`.")
    if more > 0:
        out["minProperties"] = int(node["minProperties"])
    if "maxProperties" in node:
        out["maxProperties"] = int(node["maxProperties"])
    return out


def _named(names: Any, out: dict[str, Any], path: Path) -> None:
    """`propertyNames` is `patternProperties` with all other properties forbidden; the names of an `enum` are listed."""
    keys = set() if isinstance(names, bool) else names.keys() - {"type", "title", "description"}
    if names is True or (not isinstance(names, bool) and not keys and names.get("type", "string") == "string"):
        return
    if "patternProperties" in out or len(keys) != 1 or not keys <= {"enum", "const", "pattern"}:
        raise refusal((*path, "propertyNames"), "only one `pattern`, `enum` or `const` can be asked of names",
                      "Use `patternProperties` with `additionalProperties: false`.")
    value = out.get("additionalProperties", True)
    known = out.setdefault("properties", {})
    if "pattern" in keys:
        out["patternProperties"] = {translate(names["pattern"], (*path, "propertyNames", "pattern")): value}
        allowed = [name for name in known if re.search(names["pattern"], name)]
    else:
        allowed = [name for name in (names["enum"] if "enum" in keys else [names["const"]]) if isinstance(name, str)]
        known |= {name: value for name in allowed if name not in known}
    out["properties"] = {name: part if name in allowed else False for name, part in known.items()}
    out["additionalProperties"] = False


def dependencies(node: dict[str, Any], path: Path, into: Rewrite) -> list[Any]:
    """`dependentRequired`, `dependentSchemas` and the older `dependencies`, each as two cases: without the property,
    or with what it asks for."""
    out = []
    for key in ("dependentRequired", "dependentSchemas", "dependencies"):
        for name, asked in (node[key] if isinstance(node.get(key), dict) else {}).items():
            then = {"required": list(asked)} if isinstance(asked, list) else into(asked, (*path, key, name))
            out.append({"anyOf": [{"properties": {name: False}}, then]})
    return out
