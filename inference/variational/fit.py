"""`fit`: train a guide (or the program's own parameters)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from steersman.ppl.errors import Stopped
from steersman.ppl.keys import Key
from steersman.ppl.meter import Budget
from steersman.ppl.program import as_invocation

from ..posterior import Cost
from ..run import Run
from ..run.interrupt import Interrupt
from ..run.progress import Progress
from ..run.schedule import run_together
from ..run.sizes import whole
from .estimators import Estimators
from .guide import Guide, as_guide
from .objective import Objective
from .objectives import elbo
from .training import Patience, Training, training


@dataclass(frozen=True)
class Fit:
    """guide: trained. losses [steps]: minus the objective. stopped: why it ended before its last step, if so."""

    guide: Guide
    losses: np.ndarray[Any, np.dtype[np.float64]]
    cost: Cost
    stopped: str | None = None

    def plot(self, window: int = 20) -> Any:
        """The losses and their moving mean, with matplotlib; returns the figure."""
        import matplotlib.pyplot as plt

        figure, axes = plt.subplots()
        axes.plot(self.losses, alpha=0.3, label="loss")
        if len(self.losses) >= window:
            means = np.convolve(self.losses, np.full(window, 1 / window), "valid")
            axes.plot(np.arange(window - 1, len(self.losses)), means, label=f"mean of {window}")
        axes.set_xlabel("step")
        axes.set_ylabel("- objective (nats)")
        axes.legend()
        return figure

    def __repr__(self) -> str:
        last = f", loss {self.losses[-1]:.4g}" if len(self.losses) else ""
        return f"<Fit: {len(self.losses)} steps{last}{f', stopped: {self.stopped}' if self.stopped else ''}>"


def fit(
    program: Any, guide: Any, *, steps: int, objective: Objective = elbo, draws: int = 16, optimiser: Any = 0.01,
    estimators: Estimators | None = None, seed: int = 0, budget: Budget | None = None, patience: int | None = None,
    checkpoint: str | Path | None = None, checkpoint_every: int = 50, progress: bool | None = None,
) -> Fit:
    """Maximise an objective over the parameters that a guide, or the program itself, depends on.

    program: a program (call), or a list of them (a data set), which are taken in turn, one a step. guide: a `Guide`, a
    guide program or an automatic guide; None where the program has learnt proposals of its own. objective: `elbo`,
    `iwelbo(K)`, `wake(K)`, ... or a function of your own (see `objective`). draws: how many independent evaluations of
    the objective make one estimate of the gradient. optimiser: an optax transformation, or a learning rate for Adam.
    estimators: by name of a site, how the gradient goes through what is drawn there: "score" (any site; a baseline is
    taken off), "enumerate" (finite support), "measure-valued" (Normal, Poisson, Exponential), "reparameterised"
    (continuous sites of automatic guides, the default there).

    patience: stop when the mean objective of 20 steps has not risen for so many steps. checkpoint: a folder that is
    written every `checkpoint_every` steps and at the end; a fit that finds one goes on from there, with the result of
    a fit that was never interrupted. budget: of all steps together.

    Ctrl-C and an exhausted budget end the fit after the last whole step. Raises NonFinite, which names the step and
    the sites, where a gradient is not finite; the parameters are then those of the last step.
    """
    whole("fit", steps=steps, checkpoint_every=checkpoint_every)
    models = [as_invocation(p) for p in (program if isinstance(program, Sequence) else [program])]
    work = training(as_guide(guide), objective, optimiser, draws, estimators)
    folder = None if checkpoint is None else Path(checkpoint)
    if folder is not None:
        work.load(folder)
    waiting = None if patience is None else Patience(patience)
    if waiting is not None:
        waiting.resume(work.values)
    with Interrupt() as interrupt, Progress("fit", progress) as bar:
        run = Run(models[0], seed, budget, bar)
        (stopped,) = run_together([_train(run, models, work, steps, waiting, folder, checkpoint_every)], interrupt)
    return Fit(work.guide, -np.array(work.values), Cost.of(run.meter), stopped)


async def _train(
    run: Run, models: Sequence[Any], work: Training, steps: int, patience: Patience | None, folder: Path | None,
    every: int,
) -> str | None:
    key: Key = run.new_key()
    stopped = None
    try:
        while len(work.values) < steps:
            t = len(work.values)
            run.model = models[t % len(models)]
            await work.step(run, key)
            run.report({"done": t + 1, "total": steps, "note": f"loss {-work.values[-1]:.4g},"})
            if folder is not None and (t + 1) % every == 0:
                work.save(folder)
            if patience is not None and patience.exhausted(work.values):
                stopped = f"no rise of the objective in {patience.steps} steps"
                break
    except Stopped as stop:
        stopped = str(stop)
    if folder is not None:
        work.save(folder)
    return stopped
