"""`Kernel`: a Markov kernel over executions; `Move`: a kernel that proposes and accepts or rejects."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

from steersman.ppl.particle import Particle
from steersman.ppl.trace import Trace

from ..chain import Chain
from ..run.gather import gather

Names = tuple[Hashable, ...]


class Kernel(ABC):
    """A transition K(x, .) that leaves the chain's target invariant: sum_x pi(x) K(x, y) = pi(y).

    It acts on one chain at a time, as a coroutine: what it awaits (`chain.advance`) is shared with all other chains, so
    that a language model is called once for all of them.
    """

    partial = False
    """Whether it can act on an execution that is not finished, as `SMC(rejuvenate=...)` asks."""

    @property
    @abstractmethod
    def name(self) -> str:
        """How tables of acceptance rates call it, e.g. "suffix('line')"."""

    @abstractmethod
    async def step(self, chain: Chain) -> None:
        """One transition: replaces ``chain.particle``, or leaves it."""

    async def step_all(self, chains: Sequence[Chain]) -> None:
        """One transition of every chain. A kernel that computes for many chains by one call does it here."""
        await gather([self.step(chain) for chain in chains])

    def missing(self, trace: Trace) -> str | None:
        """Why the kernel can do nothing with such an execution ("it has no site named 'x'"); None if it can."""
        return None

    def parts(self) -> list[Kernel]:
        """The kernels that it is made of: itself, unless it combines others."""
        return [self]

    def on(self, names: Names) -> Kernel:
        """The same kernel for the sites of these names only, as `Gibbs({names: kernel})` asks."""
        raise TypeError(f"{self.name} cannot be restricted to sites: use a kernel such as site(), suffix() or nuts()")

    def __repr__(self) -> str:
        return self.name


@dataclass
class Proposal:
    """A proposed execution. particle: finished, or dead. log_ratio: log q(old | new) - log q(new | old), in nats, of
    everything that the move has drawn: where it cut, and what it drew there. cut: where, as a fraction of the
    choices."""

    particle: Particle
    log_ratio: float
    cut: float | None = None


class Move(Kernel):
    """Propose y ~ q(. | x) and accept it with probability

        min(1, pi(y) q(x | y) / (pi(x) q(y | x)))

    so that pi is invariant whatever q is. Source: Hastings 1970; over executions of varying length: Wingate et al.
    2011, "Lightweight implementations of probabilistic programming languages", with the dimension terms of Hur et al.
    2015.
    """

    @abstractmethod
    async def propose(self, chain: Chain) -> Proposal | None:
        """A proposal; None where the current execution offers nothing to change (the chain then stays)."""

    async def step(self, chain: Chain) -> None:
        proposal = await self.propose(chain)
        if proposal is None:
            return
        accepted = accept(chain, proposal)
        chain.tally.count(self.name, accepted, proposal.cut)
        if accepted:
            chain.particle = proposal.particle


def accept(chain: Chain, proposal: Proposal) -> bool:
    """Whether a proposal is accepted."""
    new = chain.log_target(proposal.particle)
    if new == -math.inf:
        return False
    return chain.accepts(new - chain.log_target(chain.particle) + proposal.log_ratio)


def called(verb: str, names: Names, **flags: Any) -> str:
    """The name of a kernel as its user wrote it: "site('x', tokens=True)"."""
    given = [repr(n) for n in names] + [f"{k}={v!r}" for k, v in flags.items() if v]
    return f"{verb}({', '.join(given)})"
