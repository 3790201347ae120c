"""Bugs of moves: acceptance ratios that lack a term, and moves that cannot go back.

Most are a correct move whose log acceptance ratio is off: `Skewed` adds what the bug leaves out.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from steersman.ppl.trace import Trace

from ...chain import Chain
from ...chain.target import Joint, log_likelihood
from ...kernels.block import Block
from ...kernels.choices import Choice, choices_of
from ...kernels.combine import Mix
from ...kernels.kernel import Move, Names, Proposal
from ...kernels.places import Places
from ...kernels.rerun import Splice, rerun
from ...kernels.suffix import Suffix
from .planting import proposal_ratio

Skew = Callable[[Chain, Proposal], float]


class Skewed(Move):
    """A move whose log acceptance ratio is off by ``skew(chain, proposal)``."""

    def __init__(self, move: Move, skew: Skew) -> None:
        self.move, self.skew = move, skew

    @property
    def name(self) -> str:
        return f"{self.move.name} with {self.skew.__name__}"

    def missing(self, trace: Trace) -> str | None:
        return self.move.missing(trace)

    async def propose(self, chain: Chain) -> Proposal | None:
        proposal = await self.move.propose(chain)
        if proposal is None or proposal.particle.dead or proposal.log_ratio == -math.inf:
            return proposal
        return Proposal(proposal.particle, proposal.log_ratio + self.skew(chain, proposal), proposal.cut)


def _both(chain: Chain, proposal: Proposal) -> tuple[Trace, Trace]:
    return chain.trace, proposal.particle.partial_trace()


def _atoms(trace: Trace) -> int:
    return sum(c.atoms for c in choices_of(trace))


def lengths_forgotten(chain: Chain, proposal: Proposal) -> float:
    """The suffix move lacks the ratio of lengths: a longer text has more cuts."""
    x, y = _both(chain, proposal)
    return math.log(_atoms(y)) - math.log(_atoms(x))


def count_forgotten(chain: Chain, proposal: Proposal) -> float:
    """The site move lacks the ratio of the numbers of choices."""
    x, y = _both(chain, proposal)
    return math.log(len(choices_of(y))) - math.log(len(choices_of(x)))


def births_forgotten(chain: Chain, proposal: Proposal) -> float:
    """The densities of the choices that only one of the two executions makes are left out of the ratio."""
    x, y = (x.choice_sites() for x in _both(chain, proposal))
    return math.fsum(s.log_q for a, s in y.items() if a not in x) - math.fsum(
        s.log_q for a, s in x.items() if a not in y
    )


def averaged(chain: Chain, proposal: Proposal) -> float:
    """The acceptance ratio compares log densities averaged over the tokens, not summed."""
    x, y = _both(chain, proposal)
    return (y.log_joint / _atoms(y) - x.log_joint / _atoms(x)) - (y.log_joint - x.log_joint)


def kept_not_scored_again(chain: Chain, proposal: Proposal) -> float:
    """A choice that is kept keeps its old density, although what stands before it has changed."""
    x, y = (x.choice_sites() for x in _both(chain, proposal))
    return math.fsum(x[a].log_p - s.log_p for a, s in y.items() if a in x and x[a].value == s.value)


def proposal_density_forgotten(chain: Chain, proposal: Proposal) -> float:
    """What a proposal drew counts as drawn from its distribution: log q is ignored."""
    x, y = _both(chain, proposal)
    return proposal_ratio(x) - proposal_ratio(y)


def inverted(chain: Chain, proposal: Proposal) -> float:
    """The acceptance ratio is upside down."""
    now, then = chain.log_target(chain.particle), chain.log_target(proposal.particle)
    return -2.0 * (then - now + proposal.log_ratio)


def rates_forgotten(chain: Chain, proposal: Proposal) -> float:
    """The edit move lacks J(m', m) / J(m, m'): it inserts three times as often as it deletes, and does not correct."""
    x, y = _both(chain, proposal)
    grown = _atoms(y) - _atoms(x)
    return math.copysign(math.log(3.0), grown) if grown else 0.0


def scopes_forgotten(chain: Chain, proposal: Proposal) -> float:
    """The sub-program move lacks the ratio of the numbers of sub-programs."""
    x, y = (len({c.address[:-2] for c in choices_of(x) if len(c.address) > 2}) for x in _both(chain, proposal))
    return math.log(y) - math.log(x)


def temperature_forgotten(chain: Chain, proposal: Proposal) -> float:
    """A tempered chain accepts by the density that is not tempered."""
    x, y, joint = chain.particle, proposal.particle, Joint()
    return joint.log_density(y) - joint.log_density(x) - (chain.log_target(y) - chain.log_target(x))


def likelihood_forgotten(chain: Chain, proposal: Proposal) -> float:
    """The observations and factors are left out of the ratio, so that the chain samples the prior."""
    x, y = _both(chain, proposal)
    return log_likelihood(x) - log_likelihood(y)


def likelihood_twice(chain: Chain, proposal: Proposal) -> float:
    """The observations and factors count twice."""
    return -likelihood_forgotten(chain, proposal)


class NeverTheEnd(Suffix):
    """A text is cut anywhere but before its last token, so that an empty text can never be left."""

    def _places(self, trace: Trace, choices: list[Choice]) -> Places:
        return Places(choices, self.names, lambda c: c.atoms - 1 if c.is_text else 1, at=self.at, trace=trace)


class EarlyEndAccepted(Block):
    """A text that ended inside the block, so that nothing of the old one follows, is accepted like any other."""

    def __init__(self, length: int, names: Names = ()) -> None:
        super().__init__("block", {(m, m): 1.0 / length for m in range(1, length + 1)}, names, None)

    async def propose(self, chain: Chain) -> Proposal | None:
        old = choices_of(chain.trace)
        m, new_m = list(self.lengths)[chain.choose(list(self.lengths.values()))]
        places = self._places(chain.trace, old, m)
        if not places.places:
            return None
        first, s = places.draw(chain)
        new = await rerun(chain, old, first, lambda a: False, Splice(old[first].address, s, s + m, s + new_m))
        return Proposal(new.particle, -math.inf if new.particle.dead else new.log_ratio)


class PossibleOnly(Mix):
    """A mixture that picks among the kernels that can do something now, so that its weights depend on the state."""

    async def step(self, chain: Chain) -> None:
        able = [w if k.missing(chain.trace) is None else 0.0 for k, w in zip(self.kernels, self.weights, strict=True)]
        if any(able):
            await self.kernels[chain.choose(able)].step(chain)
