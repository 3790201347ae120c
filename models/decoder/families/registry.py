"""Architecture name in config.json -> how to read such a checkpoint."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import ModelError
from ..config import DecoderConfig, Raw
from ..files import read_raw, read_tensors
from ..params import Params
from ..weights import Tensors
from .keys import refuse

ConfigReader = Callable[[Raw], DecoderConfig]
ParamsReader = Callable[[Tensors, DecoderConfig], Params]


@dataclass(frozen=True, slots=True)
class Architecture:
    model_type: str
    config: ConfigReader
    params: ParamsReader


ARCHITECTURES: dict[str, Architecture] = {}
GENERAL: dict[str, tuple[Any, ...]] = {
    "is_causal": (None, True), "is_encoder_decoder": (None, False), "add_cross_attention": (None, False),
    "per_layer_config": (None, {}), "pruned_heads": (None, {}),
}  # fmt: skip
"""Keys that change the computation of any architecture -> the values that leave it as it is."""
EXPERTS = ("num_local_experts", "num_experts", "n_routed_experts", "moe_num_experts")


def architecture(name: str, model_type: str, params: ParamsReader) -> Callable[[ConfigReader], ConfigReader]:
    """Register what is decorated as the reader of config.json of architecture `name`, which Hugging Face knows as
    `model_type` and whose weights `params` reads.
    """

    def register(config: ConfigReader) -> ConfigReader:
        ARCHITECTURES[name] = Architecture(model_type, config, params)
        return config

    return register


def architecture_name(raw: Raw) -> str:
    names = raw.get("architectures") or ["(none given)"]
    return str(names[0])


def architecture_of(raw: Raw) -> Architecture:
    """Raises ModelError for a checkpoint that is not of a known architecture, or is quantised."""
    name = architecture_name(raw)
    found = ARCHITECTURES.get(name)
    supported = ", ".join(sorted(ARCHITECTURES))
    if found is None:
        experts = next((k for k in EXPERTS if raw.get(k)), None)
        why = f" ({experts}: mixtures of experts are not)" if experts else ""
        if name.endswith("Classification"):
            why = " (a classifier is a reward: models.load_reward, models.load_step_reward)"
        raise ModelError(f"config.json: architecture {name!r} is not supported{why}; supported: {supported}")
    if raw.get("model_type", found.model_type) != found.model_type:
        raise ModelError(
            f"config.json: model_type {raw['model_type']!r} does not belong to {name}, which is {found.model_type!r}; "
            "set the one right that is wrong"
        )
    if quantised := raw.get("quantization_config"):
        method = quantised.get("quant_method", "unknown") if isinstance(quantised, dict) else quantised
        raise ModelError(
            f"config.json: quantization_config ({method}) is not supported; supported: float32, bfloat16 and float16 "
            "weights. Load the unquantised checkpoint, with dtype='int8' to store it small"
        )
    for key, allowed in GENERAL.items():
        refuse(raw, key, *allowed)
    return found


def read(folder: Path, dtype: str) -> tuple[DecoderConfig, Params]:
    """The model in a folder. Raises ModelError for what is missing, corrupt or not supported."""
    raw = read_raw(folder)
    how = architecture_of(raw)
    config = how.config(raw)
    tensors = Tensors(read_tensors(folder), config, dtype)
    params = how.params(tensors, config)
    tensors.finish()
    return config, params
