"""`NeuralLM`: a checkpoint on the JAX decoder, as a language model for programs."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from steersman.ppl.constraints.masks import Packed
from steersman.ppl.protocols import Floats

from .errors import ModelError, first_line
from .language_model import LanguageModel, Prefix
from .tokenizer import HuggingFaceTokenizer

if TYPE_CHECKING:
    from jax.sharding import Mesh

    from .adapters import AdaptedLM, Adapter
    from .decoder import Decoder


class NeuralLM(LanguageModel):
    """A Hugging Face checkpoint: `decoder` gives its probabilities, `tokenizer` its text."""

    def __init__(self, decoder: Decoder, tokenizer: Any, name: str) -> None:
        super().__init__()
        self.decoder, self.name = decoder, name
        self.vocab_size, self.max_length = decoder.vocab_size, decoder.max_length
        self.bos, self.eos = decoder.bos_id, frozenset(decoder.eos_ids)
        self.tokenizer = HuggingFaceTokenizer(tokenizer, decoder.vocab_size)

    @classmethod
    def from_folder(
        cls,
        path: Path,
        *,
        dtype: str = "float32",
        max_rows: int = 256,
        mesh: Mesh | None = None,
        memory: int | None = None,
    ) -> NeuralLM:
        """Read config.json, tokenizer.json and *.safetensors of a folder. Raises ModelError naming the bad file."""
        from .decoder import Decoder

        decoder = Decoder.from_folder(path, dtype=dtype, max_rows=max_rows, mesh=mesh, memory=memory)
        return cls(decoder, read_tokenizer(path), path.name)

    def adapted(self, *adapters: Adapter, name: str = "adapters", memory: int | None = None) -> AdaptedLM:
        """This model with small trainable parts, `LoRA(...)`, `SoftPrompt(...)`, `LogitBias()`, at most one of a kind.

        Its weights stay frozen and are shared; the new model has caches of its own. name: under which a guide saves the
        parameters. memory: as in `load`, for the new model with the weights that it shares. Raises ModelError on a
        mesh.
        """
        from .adapters import AdaptedLM

        return AdaptedLM(self, adapters, name, memory)

    def draw_next(
        self, prefixes: Sequence[Prefix], uniforms: Floats, temperatures: Floats | None, masks: Packed | None
    ) -> tuple[NDArray[np.integer[Any]], Floats]:
        tokens, log_q, _ = self.decoder.draw(prefixes, uniforms, temperatures, masks)
        return tokens, log_q

    def score_next(
        self, prefixes: Sequence[Prefix], tokens: NDArray[np.int64], temperatures: Floats | None, masks: Packed | None
    ) -> Floats:
        return self.decoder.score(prefixes, tokens, temperatures, masks)

    def next_log_probs(self, prefixes: Sequence[Prefix], temperatures: Floats | None, masks: Packed | None) -> Floats:
        return self.decoder.log_probs(prefixes, temperatures, masks).astype(np.float64)

    def score_sequences(self, prefixes: Sequence[Prefix], continuations: Sequence[Prefix]) -> list[Floats]:
        return self.decoder.score_sequences(prefixes, continuations)

    def top_next(self, prefixes: Sequence[Prefix], temperatures: Floats | None) -> Floats:
        return self.decoder.top(prefixes, temperatures)

    def __repr__(self) -> str:
        return f"<NeuralLM {self.name!r}: {self.vocab_size} tokens, context {self.max_length}>"


def read_tokenizer(path: Path) -> Any:
    """The fast tokenizer of a folder, read by `transformers` without asking the network."""
    if not (path / "tokenizer.json").is_file():
        raise ModelError(f"{path}: tokenizer.json is missing; a model folder holds config.json, tokenizer.json and "
                         "*.safetensors")
    # Without this, importing transformers says that models will not be available because PyTorch is missing.
    os.environ.setdefault("TRANSFORMERS_NO_ADVISORY_WARNINGS", "1")
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(path, local_files_only=True)
    except Exception as error:  # the reader raises bare Exception for a file that is not JSON
        raise ModelError(f"{path / 'tokenizer.json'} cannot be read ({first_line(error)})") from error
    if not tokenizer.is_fast:
        raise ModelError(f"{path}: the tokenizer has no tokenizer.json form, which exact bytes need")
    return tokenizer
