"""Hugging Face `config.json` -> `DecoderConfig`: the numbers that fix the shape of a decoder, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import ModelError

Raw = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Rope:
    """Rotary embedding: base, and how long contexts rescale its frequencies (see `rope`)."""

    theta: float = 10000.0
    kind: str = "default"  # default | linear | llama3
    factor: float = 1.0
    low_freq_factor: float = 1.0
    high_freq_factor: float = 4.0
    original_length: int = 8192


@dataclass(frozen=True, slots=True)
class DecoderConfig:
    """Hashable, so that it can be a static argument of every compiled program."""

    architecture: str
    vocab_size: int
    hidden: int
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    intermediate: int
    max_length: int
    norm_eps: float
    rope: Rope
    tied: bool
    attention_bias: bool
    mlp_bias: bool

    @property
    def group(self) -> int:
        """Query heads for each key-value head."""
        return self.heads // self.kv_heads


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object, or a `ModelError` that names the file."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelError(f"{path}: no such file; a model folder holds config.json and *.safetensors") from None
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as e:
        raise ModelError(f"{path}: not readable as JSON ({e})") from None
    if not isinstance(found, dict):
        raise ModelError(f"{path}: expected a JSON object, found {type(found).__name__}")
    return found


def read_raw(folder: Path) -> dict[str, Any]:
    """The content of config.json."""
    if not folder.is_dir():
        raise ModelError(f"{folder}: no such folder; expected a Hugging Face model folder")
    return read_json(folder / "config.json")


def architecture_name(raw: Raw) -> str:
    names = raw.get("architectures") or ["(none given)"]
    return str(names[0])


def special_ids(folder: Path, raw: Raw) -> tuple[int | None, tuple[int, ...]]:
    """(bos, eos ids): generation_config.json may name more ends than config.json, so both are asked."""
    path = folder / "generation_config.json"
    generation = read_json(path) if path.is_file() else {}
    ends: list[int] = []
    for source in (generation, raw):
        ids = source.get("eos_token_id")
        ends += ids if isinstance(ids, list) else [] if ids is None else [ids]
    bos = raw.get("bos_token_id", generation.get("bos_token_id"))
    return (None if bos is None else int(bos)), tuple(dict.fromkeys(int(i) for i in ends))


def llama_config(raw: Raw) -> DecoderConfig:
    """The configuration of a `LlamaForCausalLM`, with the defaults of Hugging Face where a key is absent."""
    if raw.get("hidden_act", "silu") not in ("silu", "swish"):
        raise ModelError(f"config.json: hidden_act {raw['hidden_act']!r} is not supported; supported: 'silu'")
    heads, hidden = _whole(raw, "num_attention_heads"), _whole(raw, "hidden_size")
    kv_heads = _whole(raw, "num_key_value_heads", heads)
    if heads % kv_heads:
        raise ModelError(f"config.json: {heads} attention heads cannot share {kv_heads} key-value heads evenly")
    max_length = _whole(raw, "max_position_embeddings", 2048)
    return DecoderConfig(
        architecture=architecture_name(raw),
        vocab_size=_whole(raw, "vocab_size"),
        hidden=hidden,
        layers=_whole(raw, "num_hidden_layers"),
        heads=heads,
        kv_heads=kv_heads,
        head_dim=_whole(raw, "head_dim", hidden // heads),
        intermediate=_whole(raw, "intermediate_size"),
        max_length=max_length,
        norm_eps=float(raw.get("rms_norm_eps", 1e-6)),
        rope=_rope(raw, max_length),
        tied=bool(raw.get("tie_word_embeddings", False)),
        attention_bias=bool(raw.get("attention_bias", False)),
        mlp_bias=bool(raw.get("mlp_bias", False)),
    )


def _whole(raw: Raw, key: str, default: int | None = None) -> int:
    value = raw.get(key)
    value = default if value is None else value
    if not isinstance(value, int) or value <= 0:
        raise ModelError(f"config.json: {key} must be a positive integer, found {value!r}")
    return value


def _rope(raw: Raw, max_length: int) -> Rope:
    """Both spellings: `rope_parameters` (transformers 5) and `rope_theta` with `rope_scaling` (before it)."""
    spec: dict[str, Any] = {**(raw.get("rope_scaling") or {}), **(raw.get("rope_parameters") or {})}
    kind = spec.get("rope_type", spec.get("type", "default"))
    theta = float(spec.get("rope_theta") or raw.get("rope_theta") or 10000.0)
    if kind == "default":
        return Rope(theta)
    needed = {"linear": ("factor",), "llama3": ("factor", "low_freq_factor", "high_freq_factor")}.get(kind)
    if needed is None:
        raise ModelError(f"config.json: rope_type {kind!r} is not supported; supported: default, linear, llama3")
    if missing := [k for k in needed if k not in spec]:
        raise ModelError(f"config.json: rope_type {kind!r} needs {', '.join(missing)}")
    if kind == "linear":
        return Rope(theta, kind, float(spec["factor"]))
    original = int(spec.get("original_max_position_embeddings", max_length))
    factor, low, high = (float(spec[k]) for k in needed)
    return Rope(theta, kind, factor, low, high, original)
