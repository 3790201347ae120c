"""The training loop: bf16 autocast, compiled forward pass, moving average of the weights."""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from .optimiser import Rates, build_optimisers, schedule, set_rates
from .packing import Packer


@dataclass(frozen=True)
class Plan:
    """How long and how to train."""

    tokens: int = 100_000_000
    """Training stops after this many tokens."""
    minutes: float | None = None
    """Or after this many minutes, if sooner; the schedule follows whichever is further on, so a
    run limited by time still cools down fully (but is not repeatable to the last bit)."""
    rows: int = 16
    length: int = 256
    """Tokens a row at first; the last part of the run uses ``long_length`` with fewer rows."""
    long_length: int = 512
    long_part: float = 0.33
    """Share of the run trained with long rows."""
    average: float = 0.995
    """Decay a step of the moving average of the weights."""
    clip: float = 1.0
    seed: int = 0
    compile: bool = True


@dataclass
class Progress:
    """Where a run stands."""

    step: int = 0
    tokens: int = 0
    loss: float = float("nan")
    """Smoothed training loss, nats a token."""
    seconds: float = 0.0


def done_fraction(plan: Plan, progress: Progress) -> float:
    """Share of the run that is over, by tokens or by time, whichever is further on."""
    by_time = progress.seconds / (60 * plan.minutes) if plan.minutes else 0.0
    return max(progress.tokens / plan.tokens, by_time)


def report(progress: Progress, fraction: float, passes: int) -> None:
    """One progress line on standard error."""
    print(
        f"step {progress.step}  {progress.tokens / 1e6:.2f}M tokens  pass {passes + 1}  "
        f"loss {progress.loss:.3f} nats/token  {progress.tokens / progress.seconds:.0f} tokens/s  "
        f"{100 * fraction:.0f} %",
        file=sys.stderr,
        flush=True,
    )


def train_step(
    network: Callable[..., Any], model: Any, optimisers: Sequence[Any], batch: torch.Tensor, clip: float
) -> torch.Tensor:
    """One update on a batch ``[rows, length]``; returns the mean loss in nats a token."""
    with torch.autocast(batch.device.type, torch.bfloat16):
        loss: torch.Tensor = network(input_ids=batch, labels=batch, use_cache=False).loss
    loss.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
    for optimiser in optimisers:
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
    return loss.detach()


@torch.no_grad()
def update_average(average: dict[str, torch.Tensor], model: Any, decay: float) -> None:
    """average <- decay * average + (1 - decay) * weights."""
    for name, value in model.state_dict().items():
        average[name].lerp_(value, 1.0 - decay)


def fit(
    model: Any,
    documents: Sequence[Sequence[int]],
    weights: Sequence[float],
    end: int,
    rates: Rates,
    plan: Plan,
    checkpoint: Callable[[dict[str, torch.Tensor], Progress], None] | None = None,
) -> tuple[dict[str, torch.Tensor], Progress]:
    """Train ``model`` in place; returns the averaged weights and how far the run went.

    ``checkpoint`` is called with the averaged weights every tenth of the run.
    """
    torch.manual_seed(plan.seed)
    device = next(model.parameters()).device
    network = torch.compile(model, dynamic=False) if plan.compile else model
    packer = Packer(documents, weights, end, random.Random(plan.seed))
    optimisers = build_optimisers(model, rates)
    average = {name: value.detach().clone() for name, value in model.state_dict().items()}
    progress, begin, tenths = Progress(), time.monotonic(), 1
    loss = torch.zeros((), device=device)  # summed on the device: reading it every step would wait
    model.train()
    while (fraction := done_fraction(plan, progress)) < 1.0:
        length = plan.long_length if fraction > 1.0 - plan.long_part else plan.length
        rows = max(1, plan.rows * plan.length // length)
        set_rates(optimisers, schedule(fraction))
        batch = torch.from_numpy(packer.batch(rows, length)).to(device).long()
        loss += train_step(network, model, optimisers, batch, plan.clip)
        # Early weights are far from the end: average over at most a tenth of the steps so far.
        update_average(average, model, min(plan.average, 1.0 - 1.0 / (1.0 + progress.step / 10)))
        progress.step += 1
        progress.tokens += rows * length
        if progress.step == 1 or progress.step % 25 == 0:
            value = loss.item() / (1 if progress.step == 1 else 25 if progress.step > 25 else 24)
            loss.zero_()
            progress.seconds = time.monotonic() - begin
            progress.loss = value if progress.step == 1 else 0.8 * progress.loss + 0.2 * value
            if progress.step == 1 or progress.step % 100 == 0:
                report(progress, fraction, packer.passes)
        if checkpoint is not None and fraction >= tenths / 10:
            tenths = int(10 * fraction) + 1
            checkpoint(average, progress)
    progress.seconds = time.monotonic() - begin
    return average, progress
