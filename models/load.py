"""`load`: a language model by name or path."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import ModelError, first_line
from .neural import NeuralLM

if TYPE_CHECKING:
    from jax.sharding import Mesh

EMBEDDED = Path(__file__).parent / "embedded"
"""The folder of the story model that comes with the package."""


def load(
    name: str | Path | None = None,
    *,
    dtype: str = "float32",
    max_rows: int = 256,
    mesh: Mesh | None = None,
    memory: int | None = None,
) -> NeuralLM:
    """Load a language model.

    name: None for the embedded English story model (offline), the path of a Hugging Face folder, or "org/name" for a
    checkpoint of the Hugging Face hub. dtype: "float32", "bfloat16" or "int8" weights. max_rows: the largest batch of
    one forward pass, at least 1. mesh: devices to share the work, along an axis "particles" and, where the weights
    are too many for one, an axis "weights"; `max_rows` must be a multiple of the former, the heads of the latter.
    memory: bytes that may be used on each device, weights included; None for what is free now. Populations that do not
    fit run in chunks, with the same result. The last four models stay in memory: loaded again with equal arguments,
    they are shared, their caches too.

    Raises ModelError for an unknown path, a missing or corrupt file, an architecture that is not supported, or a mesh
    that does not divide the model or `max_rows`; OutOfMemory (a ModelError) saying what fits, then or later.
    """
    if max_rows < 1:
        raise ValueError(f"load(max_rows={max_rows}): a forward pass has at least 1 row")
    if memory is not None and memory < 1:
        raise ValueError(f"load(memory={memory}): give a number of bytes, or None for what is free")
    return _load(EMBEDDED if name is None else folder_of(name), dtype, max_rows, mesh, memory)


@lru_cache(maxsize=4)
def _load(folder: Path, dtype: str, max_rows: int, mesh: Mesh | None, memory: int | None) -> NeuralLM:
    return NeuralLM.from_folder(folder, dtype=dtype, max_rows=max_rows, mesh=mesh, memory=memory)


def folder_of(name: str | Path) -> Path:
    """The folder of a path, or of a checkpoint that is downloaded. Raises ModelError for neither."""
    path, text = Path(name).expanduser(), str(name)
    if text and path.is_dir():
        return path.resolve()
    if isinstance(name, Path) or text.count("/") != 1 or text.startswith((".", "/", "~")):
        raise ModelError(f"{text!r} is not a folder. Give the path of a Hugging Face model folder, a hub name "
                         "'org/name', or nothing for the embedded story model")
    return _download(text)


def _download(name: str) -> Path:
    from huggingface_hub import snapshot_download

    files = ["config.json", "generation_config.json", "tokenizer*", "*.safetensors", "*.safetensors.index.json"]
    try:
        return Path(snapshot_download(name, allow_patterns=files))
    except Exception as error:  # hub, network and cache errors have no common base class
        raise ModelError(f"{name!r} is neither a folder nor a checkpoint that could be downloaded from the Hugging "
                         f"Face hub ({first_line(error)})") from error
