"""A population that memory does not hold runs in chunks, with the same posterior."""

from __future__ import annotations

from pathlib import Path

import pytest
from checkpoints import write_checkpoint

from steersman import models
from steersman.inference import SMC, infer
from steersman.ppl import factor, program, sample


@program
async def walk(lm: models.NeuralLM) -> tuple[int, ...]:
    mask = lm.tokens_where(lambda piece: piece.isascii() and piece.isprintable())
    context, tokens = lm.context("Once upon a time"), []
    for _ in range(8):
        token = await sample(lm.next(context), "token", proposal=lm.next(context).masked(mask))
        context = context + token
        tokens.append(int(token))
        await factor(1.5 * (token % 3 == 0))
    return tuple(tokens)


@pytest.mark.slow
def test_a_population_that_does_not_fit_has_the_same_posterior(tmp_path: Path) -> None:
    """Law: SMC with 32 particles where a dozen fit gives the log Z (1e-4) and the texts of the run with all memory.
    (Parents are drawn multinomially: SSP tells equal weights from nearly equal ones, which rounding does not keep.)
    """
    folder = write_checkpoint(tmp_path / "model")
    roomy = models.load(folder, max_rows=32)
    memory = roomy.decoder._engine.device.memory
    tight = models.load(folder, max_rows=32, memory=memory.error(1).need + memory.cache(8, 64))
    assert tight.decoder.capacity(30) <= 16 < 32 < roomy.decoder.capacity(30)
    method = SMC(32, resample="multinomial", ess_threshold=0.7)
    want, got = infer(walk(roomy), method, seed=1), infer(walk(tight), method, seed=1)
    assert got.log_evidence == pytest.approx(want.log_evidence, abs=1e-4)
    assert list(got.values) == list(want.values)
    assert tight.decoder.stats.rounds > 3 and roomy.decoder.stats.rounds == 0
