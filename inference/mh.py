"""Metropolis-Hastings."""

from __future__ import annotations

from .kernels.kernel import Kernel
from .kernels.site import site
from .mcmc import MCMC
from .start import Start


class MH(MCMC):
    """Metropolis-Hastings over executions: propose y ~ q(. | x), accept with min(1, pi(y) q(x | y) / (pi(x) q(y | x))).

        infer(story(lm), MH(8, 500, suffix()))

    chains, steps, warmup, thin, init: as in `MCMC`. move: `site` (the default), `suffix`, `block`, `edit`,
    `subprogram`, `propose`, `involution`, or a `mix` or `cycle` of them. Source: Hastings 1970; Wingate et al. 2011.
    Cost: what the move draws and what it has to score again, in every step and chain; the unchanged beginning is free.
    """

    def __init__(
        self, chains: int, steps: int, move: Kernel | None = None, *, warmup: int | None = None, thin: int = 1,
        init: Start = "prior",
    ) -> None:
        super().__init__(site() if move is None else move, chains, steps, warmup=warmup, thin=thin, init=init)
