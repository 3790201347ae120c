"""`steersman bench`: what inference costs on top of decoding, on this machine."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from steersman.models import NeuralLM

PROMPT = "Once upon a time there was a little girl. She lived in a house by the sea."


def bench(
    particles: Annotated[list[int] | None, typer.Option("--particles", "-n", min=1, help="Sizes. [8 32 128]")] = None,
    tokens: Annotated[int, typer.Option(min=1, max=400, help="Length of the texts.")] = 64,
    repeats: Annotated[int, typer.Option(min=1, help="Runs of each; the best counts.")] = 3,
) -> None:
    """Compare SMC that weighs every token with the bare decode loop of the same model, in one process."""
    from steersman import models

    lm = models.load()
    typer.echo(f"{tokens} tokens; tokens x particles per second\n   N      SMC     bare  time ratio")
    for n in particles or [8, 32, 128]:
        runs = [partial(_smc, lm, n, tokens), partial(_bare, lm, n, tokens)]
        for run in runs:
            run(repeats)  # compiles
        smc, bare = (min(_seconds(lm, run, seed) for seed in range(repeats)) for run in runs)
        typer.echo(f"{n:>4} {n * tokens / smc:>8,.0f} {n * tokens / bare:>8,.0f} {smc / bare:>11.2f}")


def _seconds(lm: NeuralLM, run: Callable[[int], None], seed: int) -> float:
    lm.decoder.clear()
    start = time.perf_counter()
    run(seed)
    return time.perf_counter() - start


def _bare(lm: NeuralLM, n: int, tokens: int, seed: int) -> None:
    """One draw for every row, one readback a token."""
    import numpy as np

    rng = np.random.default_rng(seed)
    contexts = [lm.context(PROMPT).tokens] * n
    for _ in range(tokens):
        drawn, _, _ = lm.decoder.draw(contexts, rng.uniform(size=n))
        contexts = [(*c, t) for c, t in zip(contexts, drawn.tolist(), strict=True)]


def _smc(lm: NeuralLM, n: int, tokens: int, seed: int) -> None:
    """A text whose tokens are weighed mildly, so that particles differ and are resampled now and then."""
    from steersman.inference import SMC, infer
    from steersman.ppl import factor, program, sample

    @program
    async def weighed() -> None:
        context = lm.context(PROMPT)
        for _ in range(tokens):
            token = await sample(lm.next(context), "token")
            context = context + token
            await factor(0.4 * (token % 2 == 0))

    infer(weighed(), SMC(n), seed=seed, progress=False)
