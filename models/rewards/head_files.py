"""Reading a decoder with a classification head from a Hugging Face folder.

`XForSequenceClassification` and `XForTokenClassification` are the decoder of `XForCausalLM` with a projection of the
hidden states to labels in place of the vocabulary, `score` or `classifier`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import jax.numpy as jnp

from ..decoder.config import DecoderConfig, Raw
from ..decoder.families.registry import ARCHITECTURES, architecture_name, architecture_of
from ..decoder.files import read_raw, read_tensors
from ..decoder.params import Linear, Params
from ..decoder.weights import DTYPES, Tensors
from ..errors import ModelError

Kind = Literal["sequence", "token"]
KINDS: dict[str, Kind] = {"ForSequenceClassification": "sequence", "ForTokenClassification": "token"}
CAUSAL = {"GPT2": "GPT2LMHeadModel", "Gemma3Text": "Gemma3ForCausalLM"}


@dataclass(frozen=True, slots=True)
class HeadFiles:
    """config, params: the decoder. head: [H, labels]. pad: the token id that is no part of a text, if any."""

    config: DecoderConfig
    params: Params
    head: Linear
    labels: tuple[str, ...]
    pad: int | None
    kind: Kind


def read_head(folder: Path, dtype: str) -> HeadFiles:
    """Raises ModelError for an architecture without such a head, and for a head that is missing or does not fit."""
    if dtype not in DTYPES:
        raise ModelError(f"dtype {dtype!r} is not supported; supported: {', '.join(DTYPES)}")
    raw = read_raw(folder)
    name = architecture_name(raw)
    suffix = next((k for k in KINDS if name.endswith(k)), None)
    if suffix is None:
        hint = "; load it as a language model, with models.load" if name in ARCHITECTURES else ""
        raise ModelError(f"config.json: architecture {name!r} has no classification head "
                         f"(...{' or ...'.join(KINDS)}){hint}")
    stem = name.removesuffix(suffix)
    causal = CAUSAL.get(stem, f"{stem}ForCausalLM")
    if causal not in ARCHITECTURES:
        raise ModelError(f"config.json: architecture {name!r} is not supported; supported are the heads of the "
                         f"decoders {', '.join(sorted(ARCHITECTURES))}")
    plain = {**raw, "architectures": [causal], "tie_word_embeddings": True}  # there is no head of the vocabulary
    how = architecture_of(plain)
    config = replace(how.config(plain), architecture=name)
    tensors = Tensors(read_tensors(folder), config, dtype)
    params = how.params(tensors, config)
    labels = labels_of(raw)
    head = "classifier" if tensors.has("classifier.weight") else "score"
    weight = tensors.take(f"{head}.weight", len(labels), config.hidden)
    biased = tensors.has(f"{head}.bias")
    bias = jnp.asarray(tensors.take(f"{head}.bias", len(labels))) if biased else None
    tensors.finish()
    pad = raw.get("pad_token_id")
    return HeadFiles(config, params, Linear(jnp.asarray(weight.T), bias), labels, pad, KINDS[suffix])


def labels_of(raw: Raw) -> tuple[str, ...]:
    """The names of the labels, as `transformers` finds them: `id2label`, else `num_labels`, else two."""
    names, number = raw.get("id2label"), raw.get("num_labels")
    if names is None:
        return tuple(f"LABEL_{i}" for i in range(2 if number is None else int(number)))
    found = {int(k): str(v) for k, v in names.items()}
    if sorted(found) != list(range(len(found))) or number not in (None, len(found)):
        raise ModelError(f"config.json: id2label must name the labels 0..{(number or len(found)) - 1}, found "
                         f"{sorted(found)}")
    return tuple(found[i] for i in range(len(found)))


def stored_type(params: Params) -> str:
    """The type in which keys and values are kept."""
    return "bfloat16" if params.layers[0].qkv.weight.dtype == jnp.bfloat16 else "float32"
