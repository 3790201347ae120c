"""NUTS and HMC as methods: all choices of the program are continuous."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from steersman.ppl.address import format_address
from steersman.ppl.errors import SteersmanError

from .chain import Chain
from .chain.start import Start
from .kernels.nuts import Hamiltonian, hmc, nuts
from .kernels.walker import Memory
from .mcmc import MCMC, MCMCState
from .posterior import Posterior
from .run import Run


class NotAllContinuous(SteersmanError, TypeError):
    """A program with choices that no gradient moves."""


class _Gradients(MCMC):
    """MCMC with one Hamiltonian kernel."""

    kernel: Hamiltonian

    def _check(self, chains: Sequence[Chain]) -> None:
        super()._check(chains)
        for chain in chains:
            moved = set(self.kernel.chosen(chain.trace))
            others = [a for a in chain.trace.choice_sites() if a not in moved]
            if others:
                named = list(dict.fromkeys(str(a[-2]) for a in others))
                parts = ", ".join(f"{n!r}: site()" for n in named[:3])
                shown = ", ".join(repr(format_address(a)) for a in others[:6]) + (", ..." if len(others) > 6 else "")
                kernels = f"{{{self._keys(chains[0])}: {self.kernel.verb}(), {parts}}}"
                raise NotAllContinuous(
                    f"{self.name} moves continuous choices only, but the program also chooses {shown}: use "
                    f"Gibbs({kernels}, {self.chains}, {self.steps}), with conditional() for choices of finite support, "
                    "or suffix() for texts"
                )

    async def _transition(self, run: Run, chains: list[Chain]) -> None:
        t = chains[0].t - self.warmup
        await self.kernel.step_all(chains, follow=t > 0 and t % self.thin == 0)

    def _keys(self, chain: Chain) -> str:
        names = list(dict.fromkeys(a[-2] for a in self.kernel.chosen(chain.trace)))
        return repr(names[0]) if len(names) == 1 else repr(tuple(names))

    def result(self, run: Run, state: MCMCState) -> Posterior:
        memories = [c.memory[self.kernel] for c in state.chains if self.kernel in c.memory]
        return replace(super().result(run, state), info=told(memories))


def told(memories: Sequence[Memory]) -> dict[str, Any]:
    """divergences: of each chain after the warm-up. step_size: of each chain; inverse_mass: the mean over chains. Of
    the first structure that the chains were in."""
    tunings = [next(iter(m.tunings.values())) for m in memories if m.tunings]
    return {
        "divergences": [m.divergences for m in memories], "step_size": [t.step_size for t in tunings],
        "inverse_mass": np.mean([t.inverse_mass for t in tunings], axis=0).tolist() if tunings else [],
    }


class NUTS(_Gradients):
    """The No-U-Turn sampler: trajectories of Hamiltonian dynamics that stop where they begin to turn back.

        infer(calibration(scores, labels), NUTS(4, 1000))

    The program makes continuous choices only (NotAllContinuous names the others). chains, steps, warmup, thin, init: as
    in `MCMC`; step sizes and mass matrices are adapted in the warm-up. step_size, target_accept_prob, max_tree_depth,
    dense_mass, adapt_step_size, adapt_mass_matrix: as in NumPyro. posterior.info has the "divergences" of each chain,
    the "step_size" of each and the mean "inverse_mass". See `kernels.nuts.Hamiltonian` for what a step does and costs.
    """

    def __init__(
        self, chains: int, steps: int, *, step_size: float = 1.0, target_accept_prob: float = 0.8,
        max_tree_depth: int = 10, dense_mass: bool = False, adapt_step_size: bool = True,
        adapt_mass_matrix: bool = True, warmup: int | None = None, thin: int = 1, init: Start = "prior",
    ) -> None:
        kernel = nuts(
            step_size=step_size, target_accept_prob=target_accept_prob, max_tree_depth=max_tree_depth,
            dense_mass=dense_mass, adapt_step_size=adapt_step_size, adapt_mass_matrix=adapt_mass_matrix,
        )
        super().__init__(kernel, chains, steps, warmup=warmup, thin=thin, init=init)


class HMC(_Gradients):
    """Hamiltonian Monte Carlo with trajectories of a given length, or of num_steps leapfrog steps; as `NUTS` in all
    else."""

    def __init__(
        self, chains: int, steps: int, *, step_size: float = 1.0, trajectory_length: float | None = None,
        num_steps: int | None = None, target_accept_prob: float = 0.8, dense_mass: bool = False,
        adapt_step_size: bool = True, adapt_mass_matrix: bool = True, warmup: int | None = None, thin: int = 1,
        init: Start = "prior",
    ) -> None:
        kernel = hmc(
            step_size=step_size, trajectory_length=trajectory_length, num_steps=num_steps,
            target_accept_prob=target_accept_prob, dense_mass=dense_mass, adapt_step_size=adapt_step_size,
            adapt_mass_matrix=adapt_mass_matrix,
        )
        super().__init__(kernel, chains, steps, warmup=warmup, thin=thin, init=init)
