"""Trainable parts of language models: a logit bias, a soft prompt, low-rank updates; and a table that is all learnt.

    lm = models.load().adapted(LoRA(8), SoftPrompt(words="A sad story."), LogitBias(), name="sad")
    lm.text(prompt, max_tokens=32)           # like any language model
    lm.params                                # {"lora": ..., "prompt": ..., "bias": ...}, to be replaced as a whole
    lm.gradient(texts, values, weights)      # sum_i w_i grad log q_i(x_i), a pytree like params
"""

from .adapted_lm import AdaptedLM
from .adapter import Adapter
from .logit_bias import LogitBias
from .lora import LoRA
from .soft_prompt import SoftPrompt
from .table import TrainableTable

__all__ = ["AdaptedLM", "Adapter", "LoRA", "LogitBias", "SoftPrompt", "TrainableTable"]
