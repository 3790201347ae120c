"""Markov chain Monte Carlo: chains that a kernel moves, all advanced together."""

from __future__ import annotations

import math
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from steersman.ppl.errors import SteersmanError
from steersman.ppl.particle import Particle
from steersman.ppl.trace import Trace

from .chain import Chain, Tally
from .chain.chains import Chains
from .chain.start import Start, start_chains
from .kernels.kernel import Kernel
from .posterior import Cost, Posterior
from .run import Run
from .run.gather import gather
from .run.sizes import whole


class NothingToChange(SteersmanError, ValueError):
    """A kernel that finds nothing to change in the executions of a program."""


def require_changes(kernel: Kernel, traces: Sequence[Trace]) -> None:
    """Raise NothingToChange if the kernel can do nothing with any of the executions.

    One of several that are combined may find something only where another has led (a line, once there are lines), so
    an idle one is only warned of.
    """
    idle = [f"{part.name} finds nothing to change: {why}" for part in kernel.parts() if (why := _idle(part, traces))]
    if len(idle) == len(kernel.parts()):
        raise NothingToChange("; ".join(idle))
    if idle:
        warnings.warn(f"{'; '.join(idle)}. It will be idle where this stays so", stacklevel=2)


def _idle(kernel: Kernel, traces: Sequence[Trace]) -> str | None:
    """Why the kernel can do nothing with any of the executions, most often; None if it can."""
    reasons = Counter(kernel.missing(trace) for trace in traces)
    return None if None in reasons else reasons.most_common(1)[0][0]


STRETCH = 25  # steps that a chain may be ahead of another


@dataclass
class MCMCState:
    """chains: the current states. kept: the traces of each chain that the posterior will hold. t: steps made."""

    chains: list[Chain] = field(default_factory=list)
    kept: list[list[Trace]] = field(default_factory=list)
    t: int = 0


class MCMC:
    """C chains of a kernel K with invariant target pi:  x_0 by `init`;  x_t ~ K(x_{t-1}, .), t = 1..warmup + steps.

    The posterior holds the states after the first `warmup` ones, every `thin`-th of them, all with equal weight.
    chains: C, advanced together, so that a round calls the language model once for all. steps: steps after the warm-up,
    which is half as long by default. init: "prior" (executions of the program, drawn again until they have positive
    density), a method such as ``SMC(64)``, or a posterior, to start from draws of. No evidence is estimated: log Z is
    nan.
    """

    def __init__(
        self, kernel: Kernel, chains: int, steps: int, *, warmup: int | None = None, thin: int = 1,
        init: Start = "prior",
    ) -> None:
        label = type(self).__name__
        whole(label, chains=chains, steps=steps, thin=thin)
        if warmup is not None and warmup != 0:
            whole(label, warmup=warmup)
        if steps % thin:
            raise ValueError(f"{label}: steps={steps} must be a multiple of thin={thin}")
        if not isinstance(kernel, Kernel):
            raise TypeError(f"{label}: expected a move or kernel, such as suffix() or site('x'), got {kernel!r}")
        self.kernel, self.chains, self.steps, self.thin, self.init_from = kernel, chains, steps, thin, init
        self.warmup = steps // 2 if warmup is None else warmup

    @property
    def name(self) -> str:
        return f"{type(self).__name__}({self.chains}, {self.steps})"

    def init(self, run: Run) -> MCMCState:
        return MCMCState()

    async def step(self, run: Run, state: MCMCState) -> tuple[MCMCState, dict[str, Any]]:
        """A few steps of every chain (the first call makes the chains): one, where the chains have to meet."""
        if not state.chains:
            await self._start(run, state)
        if self._independent:
            times = range(state.t + 1, min(state.t + STRETCH, self.warmup + self.steps) + 1)
            walks = zip(state.chains, state.kept, strict=True)
            await gather([self._walk(chain, kept, times) for chain, kept in walks])
            state.t = times[-1]
        else:
            await self._step_together(run, state)
        note = "warm-up," if state.t <= self.warmup else ""
        return state, {"done": state.t, "total": self.warmup + self.steps, "note": note}

    @property
    def _independent(self) -> bool:
        """Whether every chain can go its own way, so that a chain with little to draw need not wait for the others."""
        return all(type(k).step_all is Kernel.step_all for k in self.kernel.parts())

    async def _walk(self, chain: Chain, kept: list[Trace], times: range) -> None:
        for t in times:
            self._prepare(chain, t)
            with _undone_if_stopped([chain]):
                await self.kernel.step(chain)
            if t == self.warmup:
                chain.tally = Tally()
            if t > self.warmup and (t - self.warmup) % self.thin == 0:
                kept.append(chain.trace)

    async def _step_together(self, run: Run, state: MCMCState) -> None:
        t = state.t + 1
        for chain in state.chains:
            self._prepare(chain, t)
        with _undone_if_stopped(state.chains):
            await self._transition(run, state.chains)
        state.t = t
        if t == self.warmup:
            for chain in state.chains:
                chain.tally = Tally()
        if t > self.warmup and (t - self.warmup) % self.thin == 0:
            self._keep(state)

    def done(self, state: MCMCState) -> bool:
        return state.t >= self.warmup + self.steps

    def result(self, run: Run, state: MCMCState) -> Posterior:
        draws = min((len(k) for k in state.kept), default=0)
        traces: list[Trace | None] = [t for kept in state.kept for t in kept[:draws]]
        tally = Tally()
        for chain in state.chains:
            tally.add(chain.tally)
        return Posterior(
            traces, np.full(len(traces), -math.log(max(1, len(traces)))), math.nan, math.nan, Cost.of(run.meter),
            self.name, run.seed, stopped=run.stopped, chains=Chains(len(state.chains), draws, tally, self.claim),
        )

    claim = "posterior"

    async def _start(self, run: Run, state: MCMCState) -> None:
        state.chains = [self._chain(run, slot, p) for slot, p in enumerate(await self._first(run))]
        state.kept = [[] for _ in state.chains]
        self._check(state.chains)

    async def _first(self, run: Run) -> list[Particle]:
        """The execution that each chain starts from."""
        return await start_chains(run, self.init_from, self.chains)

    def _chain(self, run: Run, slot: int, particle: Particle) -> Chain:
        return Chain(run, slot, particle)

    def _check(self, chains: Sequence[Chain]) -> None:
        require_changes(self.kernel, [chain.trace for chain in chains])

    def _prepare(self, chain: Chain, t: int) -> None:
        chain.begin_step(t)
        chain.adapting, chain.warmup = t <= self.warmup, self.warmup

    def _keep(self, state: MCMCState) -> None:
        """Add the current state of every chain to what the posterior will hold."""
        for chain, kept in zip(state.chains, state.kept, strict=True):
            kept.append(chain.trace)

    async def _transition(self, run: Run, chains: list[Chain]) -> None:
        await self.kernel.step_all(chains)


@contextmanager
def _undone_if_stopped(chains: Sequence[Chain]) -> Iterator[None]:
    """A step that is stopped half-way has not happened."""
    before = [(chain.particle, chain.tally.copy()) for chain in chains]
    try:
        yield
    except BaseException:
        for chain, (particle, tally) in zip(chains, before, strict=True):
            chain.particle, chain.tally = particle, tally
        raise
