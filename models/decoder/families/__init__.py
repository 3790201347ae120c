"""The families of checkpoints that can be read: one file for each, which maps its config.json to a `DecoderConfig` and
its tensors to `Params`. They register themselves by the names of their architectures.
"""

from . import gemma, gpt2, gpt_neox, llama, mistral, olmo, phi, qwen, smollm
from .registry import ARCHITECTURES, architecture_of, read

__all__ = [
    "ARCHITECTURES", "architecture_of", "gemma", "gpt2", "gpt_neox", "llama", "mistral", "olmo", "phi", "qwen", "read",
    "smollm",
]  # fmt: skip
