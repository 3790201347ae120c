"""What a Hugging Face folder holds: JSON files, and safetensors as numpy arrays by name, in one file or many."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from ..errors import ModelError

Tensor = NDArray[Any]


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


def special_ids(folder: Path, raw: Mapping[str, Any]) -> tuple[int | None, tuple[int, ...]]:
    """(bos, eos ids): generation_config.json may name more ends than config.json, so both are asked."""
    path = folder / "generation_config.json"
    generation = read_json(path) if path.is_file() else {}
    ends: list[int] = []
    for source in (generation, raw):
        ids = source.get("eos_token_id")
        ends += ids if isinstance(ids, list) else [] if ids is None else [ids]
    bos = raw.get("bos_token_id", generation.get("bos_token_id"))
    return (None if bos is None else int(bos)), tuple(dict.fromkeys(int(i) for i in ends))


def read_tensors(folder: Path) -> dict[str, Tensor]:
    """Every tensor of the folder: model.safetensors, or the shards its index names, or all *.safetensors."""
    index = folder / "model.safetensors.index.json"
    single = folder / "model.safetensors"
    names: Iterable[str]
    if index.is_file():
        shards = read_json(index).get("weight_map")
        if not isinstance(shards, dict):
            raise ModelError(f"{index}: no weight_map")
        names = sorted(set(shards.values()))
    elif single.is_file():
        names = [single.name]
    else:
        names = sorted(p.name for p in folder.glob("*.safetensors"))
    tensors: dict[str, Tensor] = {}
    for name in names:
        tensors.update(_read_file(folder / name))
    if not tensors:
        raise ModelError(f"{folder}: no *.safetensors file")
    return tensors


def _read_file(path: Path) -> dict[str, Tensor]:
    if not path.is_file():
        raise ModelError(f"{path}: no such file, though the index names it")
    try:
        with safe_open(path, framework="numpy") as file:
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
    except (SafetensorError, OSError, TypeError) as e:
        raise ModelError(f"{path}: not readable as safetensors ({e})") from None
