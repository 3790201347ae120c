"""Unsteered samples: the model's own distribution, temperature 1, nothing cut off."""

from __future__ import annotations

from typing import Any

import torch
from tokenizers import Tokenizer

from .tokenizer import end_id


@torch.no_grad()
def draw_sample(model: Any, tokenizer: Tokenizer, seed: int, max_tokens: int = 120) -> str:
    """One story from a bare end-of-text token; cut after ``max_tokens`` tokens, shown by ' ...'."""
    device = next(model.parameters()).device
    generator = torch.Generator().manual_seed(seed)  # on the CPU, so that a seed is one text anywhere
    end = end_id(tokenizer)
    ids = [end]
    while len(ids) <= max_tokens:
        logits = model(input_ids=torch.tensor([ids], device=device), use_cache=False).logits[0, -1]
        probabilities = torch.softmax(logits.double().cpu(), dim=-1)
        token = int(torch.multinomial(probabilities, 1, generator=generator))
        if token == end:
            return str(tokenizer.decode(ids[1:]))
        ids.append(token)
    return str(tokenizer.decode(ids[1:])) + " ..."
