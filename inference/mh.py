"""Metropolis-Hastings."""

from __future__ import annotations

from dataclasses import replace

from steersman.ppl.particle import Particle

from .chain import Chain
from .chain.start import Start
from .kernels.kernel import Kernel
from .kernels.site import site
from .mcmc import MCMC, MCMCState
from .posterior import Posterior
from .run import Run
from .tempering.anneal import Anneal, Seeker


class MH(MCMC):
    """Metropolis-Hastings over executions: propose y ~ q(. | x), accept with min(1, pi(y) q(x | y) / (pi(x) q(y | x))).

        infer(story(lm), MH(8, 500, suffix()))

    chains, steps, warmup, thin, init: as in `MCMC`. move: `site` (the default), `suffix`, `block`, `edit`,
    `subprogram`, `propose`, `involution`, or a `mix` or `cycle` of them. Source: Hastings 1970; Wingate et al. 2011.
    Cost: what the move draws and what it has to score again, in every step and chain; the unchanged beginning is free.

    anneal: search for a mode instead, ``MH(8, 300, block("text"), anneal=anneal(1, 20))``: pi is sharpened from step to
    step (see `anneal`), there is no warm-up by default, and the result makes no claim about the posterior: it holds the
    best execution that each chain has scored; `posterior.best()` is the best of all.
    """

    def __init__(
        self, chains: int, steps: int, move: Kernel | None = None, *, warmup: int | None = None, thin: int = 1,
        init: Start = "prior", anneal: Anneal | None = None,
    ) -> None:
        if anneal is not None and not isinstance(anneal, Anneal):
            raise TypeError(f"MH(anneal={anneal!r}): expected a schedule, such as anneal(start=1, end=20)")
        warmup = 0 if warmup is None and anneal is not None else warmup
        super().__init__(site() if move is None else move, chains, steps, warmup=warmup, thin=thin, init=init)
        self.anneal = anneal
        self.claim = "posterior" if anneal is None else "optimisation"

    def _chain(self, run: Run, slot: int, particle: Particle) -> Chain:
        return super()._chain(run, slot, particle) if self.anneal is None else Seeker(run, slot, particle, self.anneal)

    def _prepare(self, chain: Chain, t: int) -> None:
        super()._prepare(chain, t)
        if self.anneal is not None:
            annealed = max(0, t - self.warmup - 1)
            chain.target = self.anneal.target(annealed / (self.steps - 1) if self.steps > 1 else 1.0)

    @property
    def _independent(self) -> bool:
        return self.anneal is None and super()._independent

    async def _transition(self, run: Run, chains: list[Chain]) -> None:
        await super()._transition(run, chains)
        for chain in chains:
            if isinstance(chain, Seeker):  # kernels that draw exactly score no proposal
                chain.consider(chain.particle)

    def _keep(self, state: MCMCState) -> None:
        if self.anneal is None:
            super()._keep(state)

    def result(self, run: Run, state: MCMCState) -> Posterior:
        if self.anneal is None:
            return super().result(run, state)
        seekers = [c for c in state.chains if isinstance(c, Seeker)]
        state.kept = [[c.best] for c in seekers]
        posterior = super().result(run, state)
        assert posterior.chains is not None
        return replace(posterior, chains=replace(posterior.chains, scores=tuple(c.score for c in seekers)))
