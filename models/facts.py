"""`facts`: what a model folder says of itself, without its weights being read."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from .errors import ModelError
from .load import EMBEDDED, folder_of


def facts(name: str | Path | None = None) -> dict[str, Any]:
    """Name -> fact about the folder or hub name, as for `load`: architecture, what it can be used as, layers, width,
    context and vocabulary (tokens), parameters, dtype, tokenizer, bytes of the weights.

    Raises ModelError for what is no model folder.
    """
    from safetensors import SafetensorError, safe_open

    from .decoder.files import read_json, read_raw

    folder = EMBEDDED if name is None else folder_of(name)
    raw = read_raw(folder)
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        raise ModelError(f"{folder}: no *.safetensors file")
    parameters, dtypes = 0, set()
    for path in files:
        try:
            with safe_open(path, framework="numpy") as file:
                for tensor in file.keys():  # noqa: SIM118 (not a mapping)
                    piece = file.get_slice(tensor)
                    parameters += math.prod(piece.get_shape())
                    dtypes.add(str(piece.get_dtype()))
        except (SafetensorError, OSError) as error:
            raise ModelError(f"{path}: not readable as safetensors ({error})") from None
    path = folder / "tokenizer.json"
    if not path.is_file():
        raise ModelError(f"{folder}: tokenizer.json is missing")
    tokenizer = read_json(path).get("model", {})
    return {
        "name": "embedded story model" if folder == EMBEDDED else folder.name,
        "folder": str(folder),
        **_architecture(raw),
        "parameters": parameters,
        "dtype": ", ".join(sorted(dtypes)),
        "tokenizer": f"{tokenizer.get('type', 'unknown')}, {len(tokenizer.get('vocab', ()))} entries",
        "bytes": sum(p.stat().st_size for p in files),
    }


def _architecture(raw: dict[str, Any]) -> dict[str, Any]:
    """The architecture, what this package makes of it (or why it does not), and its sizes where they are known."""
    from .decoder.families.registry import architecture_name, architecture_of

    name = architecture_name(raw)
    facts: dict[str, Any] = {"architecture": name}
    if name.endswith(("ForSequenceClassification", "ForTokenClassification")):
        labels = raw.get("id2label") or {}
        return {**facts, "use": "reward", "labels": ", ".join(map(str, labels.values())) or None}
    try:
        config = architecture_of(raw).config(raw)
    except ModelError as error:
        return {**facts, "use": f"not supported: {error}"}
    return {
        **facts, "use": "language model", "layers": config.layers, "width": config.hidden,
        "context": config.max_length, "vocabulary": config.vocab_size,
    }
