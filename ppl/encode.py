"""Traces as JSON and back, exactly: floats by `repr`, infinities by name, tuples and arrays by tag."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .effects import Invocation
from .text import Text
from .trace import Scope, Site, Trace

_TAG = "$"


def encode_value(value: Any) -> Any:
    """A JSON-serialisable image of a value. Raises TypeError, naming the type, for what has none."""
    if value is None or isinstance(value, (bool, int)) or type(value) is str:
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else {_TAG: "float", "v": repr(float(value))}
    if isinstance(value, Text):
        return {_TAG: "text", **value.to_json(), "token_log_p": [encode_value(x) for x in value.token_log_p]}
    if isinstance(value, str):
        return str(value)
    if isinstance(value, list):
        return [encode_value(v) for v in value]
    if isinstance(value, tuple):
        return {_TAG: "tuple", "v": [encode_value(v) for v in value]}
    if isinstance(value, (set, frozenset)):
        return {_TAG: type(value).__name__, "v": sorted((encode_value(v) for v in value), key=repr)}
    if isinstance(value, dict):
        return {_TAG: "dict", "v": [[encode_value(k), encode_value(v)] for k, v in value.items()]}
    if isinstance(value, np.generic):
        return {_TAG: "scalar", "dtype": str(value.dtype), "v": encode_value(value.item())}
    if hasattr(value, "__array__") and hasattr(value, "dtype"):
        array = np.asarray(value)
        return {_TAG: "array", "dtype": str(array.dtype), "shape": list(array.shape),
                "v": [encode_value(v) for v in array.ravel().tolist()]}
    if hasattr(value, "to_json"):  # a language model's context: read back as what it says, not as a live object
        return value.to_json()
    raise TypeError(f"a {type(value).__name__} cannot be saved as JSON: return text, numbers, arrays, lists, tuples "
                    "or dicts from the program")


def decode_value(data: Any) -> Any:
    if isinstance(data, list):
        return [decode_value(v) for v in data]
    if not isinstance(data, dict):
        return data
    tag = data.get(_TAG)
    if tag == "float":
        return float(data["v"])
    if tag == "text":
        return Text(data["text"], tuple(data["tokens"]), tuple(decode_value(x) for x in data["token_log_p"]),
                    data["finish"], data["stop"])
    if tag == "tuple":
        return tuple(decode_value(v) for v in data["v"])
    if tag in ("set", "frozenset"):
        return {"set": set, "frozenset": frozenset}[tag](decode_value(v) for v in data["v"])
    if tag == "dict":
        return {decode_value(k): decode_value(v) for k, v in data["v"]}
    if tag == "scalar":
        return np.dtype(data["dtype"]).type(decode_value(data["v"]))
    if tag == "array":
        return np.array([decode_value(v) for v in data["v"]], dtype=data["dtype"]).reshape(data["shape"])
    if tag == "context":
        return data["text"]
    raise ValueError(f"not a saved value: {data!r:.80}")


def encode_trace(trace: Trace) -> dict[str, Any]:
    name = trace.program.name if trace.program is not None else None
    return {"program": encode_value(name), "value": encode_value(trace.value),
            "sites": [_encode_site(s) for s in trace.sites()]}


def decode_trace(data: dict[str, Any], program: Invocation[Any] | None = None) -> Trace:
    return Trace(program, [_decode_site(s) for s in data["sites"]], decode_value(data["value"]))


def _encode_site(s: Site) -> dict[str, Any]:
    out: dict[str, Any] = {"name": encode_value(s.name), "k": s.k, "kind": s.kind, "value": encode_value(s.value)}
    if s.log_p:
        out["log_p"] = encode_value(float(s.log_p))
    if s.log_q:
        out["log_q"] = encode_value(float(s.log_q))
    if s.fixed:
        out["fixed"] = True
    if s.sub is not None:
        out["sites"] = [_encode_site(x) for x in s.sub.sites()]
    return out


def _decode_site(d: dict[str, Any]) -> Site:
    sub = Scope([_decode_site(x) for x in d["sites"]]) if "sites" in d else None
    return Site(decode_value(d["name"]), d["k"], d["kind"], decode_value(d["value"]),
                decode_value(d.get("log_p", 0.0)), decode_value(d.get("log_q", 0.0)), d.get("fixed", False), sub)
