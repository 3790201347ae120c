"""Which checkpoints can be read: a registry by the architecture name in config.json."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..errors import ModelError
from .config import DecoderConfig, Raw, architecture_name, llama_config
from .weights import Params, Tensor, llama_params


@dataclass(frozen=True, slots=True)
class Architecture:
    """How to read one family of checkpoints into the parameters of `llama.hidden`."""

    config: Callable[[Raw], DecoderConfig]
    params: Callable[[dict[str, Tensor], DecoderConfig, str], Params]


ARCHITECTURES: dict[str, Architecture] = {"LlamaForCausalLM": Architecture(llama_config, llama_params)}


def architecture_of(raw: dict[str, Any]) -> Architecture:
    name = architecture_name(raw)
    found = ARCHITECTURES.get(name)
    if found is None:
        raise ModelError(f"architecture {name!r} is not supported; supported: {', '.join(sorted(ARCHITECTURES))}")
    return found
