"""Small random checkpoints with a classification head, whose logits another model of the same weights gives, too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from checkpoints import write_checkpoint
from safetensors.numpy import load_file, save_file

ROWS = (7, 99, 200)
"""The tokens whose embeddings are the labels of the head: with tied weights their logits are those of the language
model up to a constant, which is the same for all."""


def write_head(folder: Path, kind: str = "Sequence", labels: int = 3, **changes: Any) -> Path:
    """A Llama whose label i scores like token ROWS[i]; with one label, like ROWS[0] against ROWS[1]."""
    names = {} if labels == 2 else {"id2label": {str(i): f"label {i}" for i in range(labels)}}
    settings = {"architectures": [f"LlamaFor{kind}Classification"], **names, **changes}
    write_checkpoint(folder, **settings)
    tensors = load_file(folder / "model.safetensors")
    embed = tensors["model.embed_tokens.weight"]
    rows = embed[[ROWS[0]]] - embed[[ROWS[1]]] if labels == 1 else embed[list(ROWS[:labels])]
    tensors["score.weight"] = np.ascontiguousarray(rows)
    if kind == "Token":
        tensors["score.bias"] = np.linspace(-1.0, 1.0, labels, dtype=np.float32)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def change_tensors(folder: Path, **tensors: Any) -> Path:
    """Replace tensors of the file, with _ for the dot in their names; None removes one."""
    found = load_file(folder / "model.safetensors")
    for name, value in tensors.items():
        found.pop(name.replace("_", "."))
        if value is not None:
            found[name.replace("_", ".")] = value
    save_file(found, folder / "model.safetensors", metadata={"format": "pt"})
    return folder
