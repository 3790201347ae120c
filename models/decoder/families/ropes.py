"""Reading how positions rotate from config.json, in both spellings: `rope_parameters` (transformers 5), and
`rope_theta` with `rope_scaling` (before it)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ...errors import ModelError
from ..config import Raw
from ..rope import Rope
from .keys import real, whole

NEEDED: dict[str, tuple[str, ...]] = {
    "default": (), "linear": ("factor",), "dynamic": ("factor",), "yarn": (),
    "llama3": ("factor", "low_freq_factor", "high_freq_factor"), "longrope": ("short_factor", "long_factor"),
}  # fmt: skip
KNOWN = {key for keys in NEEDED.values() for key in keys} | {
    "rope_type", "type", "rope_theta", "partial_rotary_factor", "original_max_position_embeddings",
    "attention_factor", "beta_fast", "beta_slow", "mscale", "mscale_all_dim", "truncate",
    "finetuned",  # says how the checkpoint was made
}  # fmt: skip
FULL, SLIDING = "full_attention", "sliding_attention"
Spec = Mapping[str, Any]


def spec_of(raw: Raw, kind: str | None = None) -> dict[str, Any]:
    """The rope keys of config.json; in a family whose kinds of layers rotate differently, those of `kind`. The older
    spelling knows no kinds: `rope_scaling` is that of the layers with full attention.
    """
    given, scaling = raw.get("rope_parameters") or {}, raw.get("rope_scaling") or {}
    if clash := [k for k in scaling if k in given and given[k] != scaling[k]]:
        raise ModelError(f"config.json: rope_parameters and rope_scaling disagree on {clash[0]}; remove one of them")
    if kind is None:
        return {**scaling, **given}
    if given and not {FULL, SLIDING} & set(given):
        raise ModelError(f"config.json: rope_parameters must hold an object each for {FULL} and {SLIDING}")
    own = dict(given.get(kind) or {})
    return {**scaling, **own} if kind == FULL else own


def rope_of(raw: Raw, spec: Spec, length: int, *, partial: bool = False, theta: float = 10000.0) -> Rope:
    """The rotation that `spec` asks for, in a model of `length` positions; what it does not say, `raw` may. partial:
    the family can rotate a part of each head; theta: its base where none is given.
    """
    kind = spec.get("rope_type") or spec.get("type") or "default"
    if kind not in NEEDED:
        raise ModelError(f"config.json: rope_type {kind!r} is not supported; supported: {', '.join(NEEDED)}")
    if strange := sorted(set(spec) - KNOWN):
        known = ", ".join(sorted(KNOWN))
        raise ModelError(f"config.json: the rope key {strange[0]!r} is not supported; supported: {known}")
    if missing := [k for k in NEEDED[kind] if spec.get(k) is None]:
        raise ModelError(f"config.json: rope_type {kind!r} needs {', '.join(missing)}")
    theta = real(spec, "rope_theta", real(raw, "rope_theta", theta))
    fraction = real(spec, "partial_rotary_factor", real(raw, "partial_rotary_factor", 1.0))
    if fraction > 1 or (fraction < 1 and not partial):
        raise ModelError(
            f"config.json: partial_rotary_factor {fraction:g} is not supported; this family rotates "
            + ("at most whole heads" if partial else "whole heads (1.0)")
        )
    if kind in ("default", "dynamic"):  # "dynamic" stretches nothing up to the positions of the model
        return Rope(theta, fraction=fraction)
    original = whole(raw, "original_max_position_embeddings", whole(spec, "original_max_position_embeddings", length))
    factor = real(spec, "factor", length / original)
    if kind == "linear":
        return Rope(theta, kind, factor, fraction=fraction)
    if kind == "llama3":
        low, high = real(spec, "low_freq_factor"), real(spec, "high_freq_factor")
        return Rope(theta, kind, factor, low, high, original, fraction)
    if kind == "yarn":
        return Rope(
            theta, kind, factor, original_length=original, fraction=fraction, amplitude=_yarn_amplitude(spec, factor),
            beta_fast=real(spec, "beta_fast", 32.0), beta_slow=real(spec, "beta_slow", 1.0),
            truncate=bool(spec.get("truncate", True)),
        )  # fmt: skip
    grown = math.sqrt(1 + math.log(factor) / math.log(original)) if factor > 1 else 1.0
    amplitude = real(spec, "attention_factor", grown)
    divisors = tuple(float(d) for d in spec["short_factor"])
    return Rope(theta, kind, 1.0, original_length=original, fraction=fraction, amplitude=amplitude, divisors=divisors)


def _yarn_amplitude(spec: Spec, factor: float) -> float:
    def grown(scale: float) -> float:
        return 0.1 * scale * math.log(factor) + 1.0 if factor > 1 else 1.0

    if spec.get("mscale") and spec.get("mscale_all_dim"):
        default = grown(real(spec, "mscale")) / grown(real(spec, "mscale_all_dim"))
    else:
        default = grown(1.0)
    return real(spec, "attention_factor", default)


def longest(rope: Rope, length: int) -> int:
    """The positions that can be served. longrope has one set of frequencies up to the original length and another for
    texts beyond it, which would turn every key that is stored already; the first is the one that is kept.
    """
    return min(length, rope.original_length) if rope.kind == "longrope" else length
