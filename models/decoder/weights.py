"""The tensors of a checkpoint -> the parts of `Params`, in the type in which they are kept.

Projections that read the same input are fused (q with k with v, gate with up) and stored [in, out]: measured on two CPU
cores this layout runs 105 GFLOP/s at 8 rows where [out, in], the layout of the files, runs 57.

Types: "float32"; "bfloat16" (8 bits of precision; activations are rounded to it before each product, and keys and
values are stored in it); "int8": the weights w of each output channel are rounded to multiples of max |w| / 127 and
widened in the product, activations stay in float32. Norms, biases and learned positions are always float32.
Errors of log p a token on the embedded model, in nats, mean and largest of 3,072: bfloat16 0.004 and 0.074, int8 0.013
and 0.16 (`docs/architectures.md`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np

from ..errors import ModelError
from .config import DecoderConfig
from .files import Tensor
from .params import Embedding, Linear, Norm

DTYPES: dict[str, Any] = {"float32": np.float32, "bfloat16": ml_dtypes.bfloat16, "int8": np.int8}
FLOATS = ("float64", "float32", "bfloat16", "float16")
BUFFERS = re.compile(r"rotary_emb\.inv_freq$|\.attn\.(bias|masked_bias)$|\.attention\.(bias|masked_bias)$")
"""Constants that old checkpoints store beside their weights."""


class Tensors:
    """The tensors of a checkpoint, each to be taken once under its Hugging Face name and checked for shape.

    A tensor that nobody takes is an error (`finish`): a model that ignores some of its weights is another model.
    """

    def __init__(self, tensors: dict[str, Tensor], config: DecoderConfig, dtype: str) -> None:
        self._left = dict(tensors)
        self._config, self._type = config, DTYPES[dtype]
        self._embedding: Tensor | None = None

    def has(self, name: str) -> bool:
        return name in self._left

    def take(self, name: str, *shape: int) -> Tensor:
        found = self._left.pop(name, None)
        if found is None:
            raise ModelError(f"the checkpoint has no tensor {name!r}, which {self._config.architecture} needs")
        if found.shape != shape:
            raise ModelError(f"tensor {name!r} has shape {list(found.shape)}; config.json asks for {list(shape)}")
        if found.dtype.name not in FLOATS:
            raise ModelError(f"tensor {name!r} is of type {found.dtype.name}; supported: {', '.join(FLOATS)}")
        return found.astype(np.float32)

    def norm(self, name: str, *shape: int, offset: float = 0.0) -> Norm:
        """The parameters of a norm over axes of `shape`, which are stored flat; `offset` is added to the scale."""
        size = int(np.prod(shape))
        weight = (self.take(f"{name}.weight", size) + np.float32(offset)).reshape(shape)
        bias = self.take(f"{name}.bias", size) if self._config.norm == "layer" else None
        return Norm(jnp.asarray(weight), None if bias is None else jnp.asarray(bias))

    def linear(self, kind: str, names: Sequence[str], outs: Sequence[int], width: int) -> Linear:
        """Projections of one input of `width`, side by side, with biases if `config.biases` names their `kind`."""
        weight = np.concatenate([self.take(f"{n}.weight", o, width).T for n, o in zip(names, outs, strict=True)], 1)
        if kind not in self._config.biases:
            return self.dense(weight)
        return self.dense(weight, np.concatenate([self.take(f"{n}.bias", o) for n, o in zip(names, outs, strict=True)]))

    def dense(self, weight: Tensor, bias: Tensor | None = None) -> Linear:
        """A projection from its weight [in, out] and bias [out] in float32."""
        stored, scale = self._store(weight, axis=0)
        return Linear(stored, None if bias is None else jnp.asarray(bias), scale)

    def embedding(self, name: str) -> Embedding:
        table = self._embedding = self.take(name, self._config.vocab_size, self._config.hidden)
        return Embedding(*self._store(table, axis=1))

    def head(self, name: str) -> Linear | None:
        """The projection to the vocabulary, unless it is tied to the embedding."""
        if self._config.tied:
            own = self._left.pop(name, None)
            if own is not None and self._embedding is not None and not np.array_equal(own, self._embedding):
                raise ModelError(
                    f"config.json: tie_word_embeddings is true, but the checkpoint has a {name!r} of its own; set it "
                    "to false to use that, or remove the tensor"
                )
            return None
        return self.dense(self.take(name, self._config.vocab_size, self._config.hidden).T)

    def finish(self) -> None:
        """Raise ModelError if weights are left over."""
        left = sorted(name for name in self._left if not BUFFERS.search(name))
        if left:
            more = f" and {len(left) - 3} more" if len(left) > 3 else ""
            raise ModelError(
                f"{self._config.architecture} as config.json describes it does not use tensors of the checkpoint: "
                f"{', '.join(left[:3])}{more}"
            )

    def _store(self, weight: Tensor, axis: int) -> tuple[jax.Array, jax.Array | None]:
        """The weight as it is kept, and the scale of its integers, which is constant along `axis`."""
        if self._type is not np.int8:
            return jnp.asarray(np.ascontiguousarray(weight).astype(self._type)), None
        scale = np.abs(weight).max(axis, keepdims=True) / np.float32(127)
        scale = np.where(scale > 0, scale, np.float32(1))
        return jnp.asarray(np.rint(weight / scale).astype(np.int8)), jnp.asarray(scale.squeeze(axis))
