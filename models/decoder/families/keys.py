"""Reading single keys of config.json, with errors that name the key and what is supported."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...errors import ModelError
from ..config import Raw

ACTIVATIONS = {
    "silu": "silu", "swish": "silu", "gelu": "gelu", "gelu_new": "gelu_tanh", "gelu_pytorch_tanh": "gelu_tanh",
    "gelu_fast": "gelu_tanh", "relu": "relu",
}  # fmt: skip
"""Hugging Face name -> ours; three of theirs are one function."""


def whole(raw: Raw, key: str, default: int | None = None) -> int:
    """A positive integer; `default` where the key is absent or null."""
    value = raw.get(key)
    value = default if value is None else value
    if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
        raise ModelError(f"config.json: {key} must be a positive integer, found {value!r}")
    return value


def real(raw: Raw, key: str, default: float | None = None) -> float:
    """A positive number; `default` where the key is absent or null."""
    value = raw.get(key)
    value = default if value is None else value
    if not isinstance(value, int | float) or isinstance(value, bool) or not value > 0:
        raise ModelError(f"config.json: {key} must be a positive number, found {value!r}")
    return float(value)


def optional(raw: Raw, key: str, default: float | None = None) -> float | None:
    """A positive number, or None where the key is null, or absent and without default."""
    return None if raw.get(key, default) is None else real(raw, key, default)


def activation(raw: Raw, key: str, default: str) -> str:
    name = raw.get(key) or default
    if name not in ACTIVATIONS:
        raise ModelError(f"config.json: {key} {name!r} is not supported; supported: {', '.join(ACTIVATIONS)}")
    return ACTIVATIONS[name]


def refuse(raw: Raw, key: str, *allowed: Any) -> None:
    """Raise ModelError if the key is present with another value than one of `allowed`."""
    if key in raw and raw[key] not in allowed:
        raise ModelError(
            f"config.json: {key} {raw[key]!r} is not supported; supported: {', '.join(map(repr, allowed))}"
        )


def even_heads(raw: Raw) -> dict[str, Any]:
    """What an architecture says whose query, key and value heads share the hidden size evenly, whatever `raw` says."""
    n, hidden = whole(raw, "num_attention_heads"), whole(raw, "hidden_size")
    if hidden % n:
        raise ModelError(f"config.json: the hidden size {hidden} cannot be shared evenly by {n} attention heads")
    return {"num_key_value_heads": n, "head_dim": hidden // n}


def heads(raw: Raw, head_dim: int | None = None) -> tuple[int, int, int]:
    """(query heads, key-value heads, head size)."""
    n, hidden = whole(raw, "num_attention_heads"), whole(raw, "hidden_size")
    k = whole(raw, "num_key_value_heads", n)
    if n % k:
        raise ModelError(f"config.json: {n} attention heads cannot share {k} key-value heads evenly")
    return n, k, whole(raw, "head_dim", head_dim or hidden // n)


def sliding(raw: Raw, layers: int, default: Sequence[bool]) -> tuple[bool, ...]:
    """For each layer whether `layer_types` says that its attention slides; `default` where the key is absent."""
    types = raw.get("layer_types")
    if types is None:
        return tuple(default)
    known = ("full_attention", "sliding_attention")
    for kind in types:
        if kind not in known:
            raise ModelError(f"config.json: layer_types {kind!r} is not supported; supported: {', '.join(known)}")
    if len(types) != layers:
        raise ModelError(f"config.json: layer_types names {len(types)} layers, num_hidden_layers {layers}")
    return tuple(kind == "sliding_attention" for kind in types)


def sliding_if_used(raw: Raw, layers: int, default: Sequence[bool]) -> tuple[bool, ...]:
    """`sliding`, in a family with a switch for it."""
    use = bool(raw.get("use_sliding_window"))
    slides = sliding(raw, layers, [use and d for d in default])
    if any(slides) and not use:
        raise ModelError("config.json: layer_types names sliding_attention, use_sliding_window does not; set one right")
    return slides


def everywhere(raw: Raw, layers: int) -> tuple[bool, ...]:
    """All layers slide; `layer_types`, which such a family does not read, must not say otherwise of a window."""
    if raw.get("sliding_window") is not None and not all(sliding(raw, layers, [True] * layers)):
        raise ModelError("config.json: layer_types other than sliding_attention is not supported in this family")
    return (True,) * layers


def nowhere(raw: Raw, layers: int) -> tuple[None, ...]:
    """No layer slides, in a family that does not read `layer_types`: it must not say otherwise."""
    if any(sliding(raw, layers, [False] * layers)):
        raise ModelError("config.json: layer_types other than full_attention is not supported in this family")
    return (None,) * layers
