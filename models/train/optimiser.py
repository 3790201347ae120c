"""Optimisers and the learning-rate schedule.

Hidden matrices go to Muon (momentum whose update is orthogonalised: Jordan et al. 2024), embeddings
and norms to AdamW. Where the installed torch has no Muon, AdamW takes everything.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch


@dataclass(frozen=True)
class Rates:
    """Peak learning rates and the weight decay of matrices."""

    matrices: float = 3e-3
    """For Muon, scaled so that an update has the root mean square of an AdamW update."""
    others: float = 1.5e-3
    """For AdamW: embeddings and norms."""
    decay: float = 0.1


def split_parameters(
    named: Iterable[tuple[str, torch.nn.Parameter]],
) -> tuple[list[torch.nn.Parameter], list[torch.nn.Parameter], list[torch.nn.Parameter]]:
    """Hidden matrices, embedding matrices, and vectors (norms)."""
    matrices: list[torch.nn.Parameter] = []
    embeddings: list[torch.nn.Parameter] = []
    vectors: list[torch.nn.Parameter] = []
    for name, parameter in named:
        if parameter.ndim < 2:
            vectors.append(parameter)
        elif "embed" in name or "lm_head" in name:
            embeddings.append(parameter)
        else:
            matrices.append(parameter)
    return matrices, embeddings, vectors


def build_optimisers(model: Any, rates: Rates) -> list[torch.optim.Optimizer]:
    """Muon for the matrices where torch has it, AdamW for the rest."""
    matrices, embeddings, vectors = split_parameters(model.named_parameters())
    # Embeddings do not decay: a rare token's row gets few gradients and would shrink to nothing.
    undecayed = {"params": embeddings + vectors, "weight_decay": 0.0}
    betas = (0.9, 0.95)
    muon: Any = getattr(torch.optim, "Muon", None)
    if muon is None:
        decayed = {"params": matrices, "weight_decay": rates.decay}
        return [torch.optim.AdamW([decayed, undecayed], lr=rates.others, betas=betas)]
    return [
        muon(
            matrices,
            lr=rates.matrices,
            weight_decay=rates.decay,
            adjust_lr_fn="match_rms_adamw",
        ),
        torch.optim.AdamW([undecayed], lr=rates.others, betas=betas),
    ]


def schedule(fraction: float, warmup: float = 0.02, cooldown: float = 0.8) -> float:
    """Multiplier of the peak rate after ``fraction`` (0 to 1) of the run: up, flat, linearly to 0.

    The long linear cool-down is what a short run wants: held-out loss falls fastest during it.
    """
    rise = min(1.0, (fraction + 1e-3) / warmup) if warmup > 0 else 1.0
    fall = (1.0 - fraction) / cooldown if cooldown > 0 else 1.0
    return max(0.0, min(rise, fall, 1.0))


def set_rates(optimisers: Iterable[torch.optim.Optimizer], multiplier: float) -> None:
    """Set every group's rate to its peak rate times ``multiplier``."""
    for optimiser in optimisers:
        for group in optimiser.param_groups:
            group.setdefault("peak", group["lr"])
            group["lr"] = group["peak"] * multiplier
