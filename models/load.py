"""`load`: a language model by name or path."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from .errors import ModelError, first_line
from .neural import NeuralLM

EMBEDDED = Path(__file__).parent / "embedded"
"""The folder of the story model that comes with the package."""


def load(name: str | Path | None = None, *, dtype: str = "float32", max_rows: int = 256) -> NeuralLM:
    """Load a language model.

    name: None for the embedded English story model (offline), the path of a Hugging Face folder, or "org/name" for a
    checkpoint of the Hugging Face hub. dtype: "float32", "bfloat16" or "int8" weights. max_rows: the largest batch of
    one forward pass, at least 1. The last four models stay in memory: loaded again with equal arguments, they are
    shared, their caches too.

    Raises ModelError for an unknown path, a missing or corrupt file, or an architecture that is not supported.
    """
    if max_rows < 1:
        raise ValueError(f"load(max_rows={max_rows}): a forward pass has at least 1 row")
    return _load(EMBEDDED if name is None else folder_of(name), dtype, max_rows)


@lru_cache(maxsize=4)
def _load(folder: Path, dtype: str, max_rows: int) -> NeuralLM:
    return NeuralLM.from_folder(folder, dtype=dtype, max_rows=max_rows)


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
