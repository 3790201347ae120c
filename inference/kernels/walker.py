"""A chain that is moved along a gradient: where it is, its density and tuning, and how the program follows."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from steersman.ppl.address import Address, format_address
from steersman.ppl.errors import ReplayDivergence, SteersmanError
from steersman.ppl.particle import Particle
from steersman.ppl.trace import Site

from ..chain import Chain
from ..chain.target import Target
from .adaptation import Adaptation, Tuning
from .leapfrog import Floats

if TYPE_CHECKING:
    from steersman.ppl.density import Densities, LogDensity

_STRUCTURES = 64  # for which a chain remembers step sizes


class DensityMismatch(SteersmanError):
    """The density that was compiled is not the density of the program."""


@dataclass
class Memory:
    """What a chain keeps between steps. walker: of the last step. tunings: by the chosen sites and their shapes.
    divergences: since adaptation ended."""

    walker: Walker | None = None
    tunings: dict[Hashable, Tuning] = field(default_factory=dict)
    divergences: int = 0


class Walker:
    """A chain on its way from the execution `trace`. density, arguments: of that. x [E]: where the chain is now. ahead:
    whether that is somewhere else. gained: the change of the log density since, in nats."""

    def __init__(self, chain: Chain, memory: Memory, chosen: list[Address], densities: Densities) -> None:
        """densities: of the run."""
        self.chain, self.memory = chain, memory
        self.trace = chain.trace
        self.sites = dict(self.trace.outer_sites())
        self.density = found = densities.of(self.trace, self.sites, chosen, chain.restart)
        self.arguments = found.arguments(self.sites)
        self.x: Floats = found.vector(self.sites)
        self.ahead, self.gained = False, 0.0
        self._place = tuple(found.addresses), tuple(found.shapes)

    def move(self, x: Floats, gained: float) -> None:
        self.x, self.ahead, self.gained = x, True, self.gained + gained

    def tuning(self, adaptation: Adaptation) -> Tuning:
        """The step size and mass matrix in force. What has not been adapted in the warm-up never is."""
        found = self.memory.tunings.get(self._place, adaptation.start)
        if found.state and not self.chain.adapting:
            found = adaptation.final(found)
            if self._place in self.memory.tunings:
                self.memory.tunings[self._place] = found
        return found

    def tune(self, new: Tuning) -> None:
        if self._place in self.memory.tunings or len(self.memory.tunings) < _STRUCTURES:
            self.memory.tunings[self._place] = new

    async def follow(self, name: str, rounding: float) -> None:
        """Let the program make the execution with the new values. What does not depend on them is recalled.

        Raises TracedControlFlow where it does depend on them after all, and DensityMismatch where its log density
        changes by something else than JAX has computed (see `Hamiltonian.rounding`).
        """
        chain, density, sites = self.chain, self.density, self.sites
        values = density.values(self.x)
        other = f"the program makes other choices when {name} moves {format_address(density.addresses[0])!r}"

        def recall(p: Particle) -> Site | None:
            address = p.address
            if address in density.dependent or address not in sites:
                return None
            density.check_constant(p, address)
            return sites[address]

        def choose(p: Particle) -> tuple[bool, Any]:
            address = p.address
            if address in values:
                return True, values[address]
            if address not in sites:
                raise ReplayDivergence(f"{p.where()} is new: {other}")
            return True, sites[address].value

        particle = chain.restart()
        await chain.finish(particle, choose=choose, recall=recall)
        if particle.dead:  # at the edge of the support, by rounding: the chain stays where it was
            self.x, self.ahead, self.gained = density.vector(sites), False, 0.0
            return
        if gone := sites.keys() - dict(particle.partial_trace().outer_sites()):
            raise ReplayDivergence(f"{format_address(min(gone, key=str))!r} is gone: {other}")
        gained = chain.log_target(particle) - chain.log_target(chain.particle)
        size = sum(abs(s.log_p) for s in sites.values())
        if not abs(gained - self.gained) <= rounding * (1.0 + size):
            raise DensityMismatch(
                f"{name}: the log density that JAX computed changed by {self.gained:.6g} nats, that of the program by "
                f"{gained:.6g}. A program must be a function of the values its effects returned: use no randomness "
                "outside sample(), and change no captured state. If it is, single precision is not enough for it: set "
                "JAX_ENABLE_X64=1"
            )
        chain.particle = particle


class Weights:
    """The powers that targets raise densities and factors to. Chains with the same share the arrays."""

    def __init__(self) -> None:
        self._made: dict[tuple[int, Target], tuple[Any, ...]] = {}

    def of(self, density: LogDensity, target: Target) -> tuple[Any, ...]:
        key = id(density), target
        if key not in self._made:
            self._made[key] = density.weights(target.power)
        return self._made[key]
