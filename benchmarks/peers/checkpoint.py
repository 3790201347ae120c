"""The embedded checkpoint with another end of text, so that every side draws exactly as many tokens as it is asked.

Libraries differ in what they do after the end-of-text token: some end the particle, some can be told not to. Here the
end is the token of the byte 0, which no story has; weights and vocabulary are those of the embedded model.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from steersman.models.load import EMBEDDED

END = "Ā"
"""How a byte-level vocabulary writes the byte 0."""


def never_ending(folder: Path) -> Path:
    """Make the checkpoint in `folder`, which must exist; the weights are a link."""
    (folder / "model.safetensors").symlink_to(EMBEDDED / "model.safetensors")
    (folder / "tokenizer.json").symlink_to(EMBEDDED / "tokenizer.json")
    end = json.loads((EMBEDDED / "tokenizer.json").read_text())["model"]["vocab"][END]
    _copy(folder, "config.json", eos_token_id=end)
    _copy(folder, "generation_config.json", eos_token_id=end)
    _copy(folder, "tokenizer_config.json", eos_token=END)
    return folder


def _copy(folder: Path, name: str, **changes: Any) -> None:
    content = json.loads((EMBEDDED / name).read_text()) | changes
    (folder / name).write_text(json.dumps(content, indent=2))
