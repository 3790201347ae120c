"""`nuts` and `hmc`: continuous choices are moved along the gradient of the log density."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np

from steersman.ppl.address import Address, format_address
from steersman.ppl.errors import ReplayDivergence, SteersmanError
from steersman.ppl.keys import Keys
from steersman.ppl.particle import Particle
from steersman.ppl.trace import Site, Trace

from ..chain import Chain
from ..gather import gather
from ..run import Run
from ..sizes import whole
from .choices import Names, matches, none_named
from .kernel import Kernel, called
from .leapfrog import Adaptation, Floats, Outcome, Settings, Tuning, adaptation, transition

if TYPE_CHECKING:
    from steersman.ppl.density import Layout, LogDensity

_ROUNDING = 1e-3  # of the size of the log density, in single precision
_KNOWN = 64  # densities that a run remembers
_STRUCTURES = 64  # for which a chain remembers step sizes


class DensityMismatch(SteersmanError):
    """The density that was compiled is not the density of the program."""


@dataclass
class Memory:
    """What a chain keeps between steps. task: its last. ahead: where the chain is, if the program has not yet followed: the execution
    that it has come from, the values, and the change of the log density since. tunings: by the chosen sites and their
    shapes. divergences: since adaptation ended."""

    task: _Task | None = None
    ahead: tuple[Particle, Floats, float] | None = None
    tunings: dict[Hashable, Tuning] = field(default_factory=dict)
    divergences: int = 0


class Hamiltonian(Kernel):
    """Hamiltonian Monte Carlo on continuous choices; all other choices are kept.

    With x = T(u), T from the real numbers to the supports, and U(u) = -log pi(T(u)) - log |det dT/du|: draw a momentum
    r ~ N(0, M), follow  du/dt = M^-1 r,  dr/dt = -grad U  by leapfrog steps, and choose a point of the trajectory such
    that exp(-U) is left invariant. NumPyro makes the trajectories. The density is compiled once for each structure of
    executions (`steersman.ppl.density`), and all chains of one structure are moved by one call. While the chain is
    warming up, the step size and M are adapted, chain by chain; then they stay.

    names: of the choices that are moved (all continuous ones for none). Source: Neal 2011, "MCMC using Hamiltonian
    dynamics"; Hoffman & Gelman 2014, "The No-U-Turn sampler". Cost: no language-model token, except for texts whose
    prompt depends on the choices (an error); what depends on them is scored once more by the program at each step.
    """

    def __init__(self, verb: str, names: Names, settings: Settings) -> None:
        self.verb, self.names, self.settings = verb, names, settings
        self._known: WeakKeyDictionary[Run, list[LogDensity]] = WeakKeyDictionary()

    @property
    def name(self) -> str:
        return called(self.verb, self.names)

    def on(self, names: Names) -> Hamiltonian:
        return Hamiltonian(self.verb, names, self.settings)

    def missing(self, trace: Trace) -> str | None:
        if self.chosen(trace):
            return None
        return none_named(self.names, trace) if self.names else "the program makes no continuous choice"

    def chosen(self, trace: Trace) -> list[Address]:
        """The choices that are moved."""
        choices = trace.choice_sites().items()
        if self.names:
            return [a for a, _ in choices if matches(self.names, a)]
        return [a for a, s in choices if is_continuous(s)]

    async def step(self, chain: Chain) -> None:
        await self.step_all([chain])

    async def step_all(self, chains: Sequence[Chain], *, follow: bool = True) -> None:
        """One transition of every chain, by one call for all that share a layout.

        follow: let the program make the new executions; without, ``chain.particle`` stays behind until a later step,
        which is right only if nobody else looks at it.
        """
        work: dict[Layout, list[_Task]] = {}
        for chain in chains:
            if chosen := self.chosen(chain.trace):
                memory = chain.memory.setdefault(self, Memory())
                if memory.task is None or memory.task.trace is not chain.trace:
                    memory.task = _Task(chain, memory, chosen, self._known.setdefault(chain.run, []))
                work.setdefault(memory.task.density.layout, []).append(memory.task)
        moves = []
        for layout, tasks in work.items():
            outcome = self._transit(layout, tasks)
            for i, task in enumerate(tasks):
                task.chain.tally.count(self.name, bool(outcome.moved[i]))
                if not task.chain.adapting:
                    task.memory.divergences += int(outcome.diverging[i])
                if outcome.moved[i]:
                    task.move(outcome.x[i], float(outcome.gained[i]))
                if follow and task.memory.ahead is not None:
                    moves.append(task.follow(self.name))
        await gather(moves)

    def _transit(self, layout: Layout, tasks: list[_Task]) -> Outcome:
        """Move the chains of one layout, and adapt."""
        from steersman.ppl.density.evaluate import sizes

        weights: dict[Any, Any] = {}  # chains with the same weights share the arrays
        arguments = [(*t.weights(weights, self.name), *t.arguments) for t in tasks]
        tuned = adaptation(sizes(layout)[0], tasks[0].chain.warmup, self.settings)
        tunings = [t.tuning(tuned) for t in tasks]
        compiled = transition(layout, self.settings.path)
        outcome = compiled(
            Keys.of([t.chain.new_key() for t in tasks]),
            np.stack([t.vector() for t in tasks]),
            np.array([t.step_size for t in tunings], np.float32),
            np.stack([t.inverse_mass for t in tunings]), arguments,
        )
        if tasks[0].chain.adapting and tasks[0].chain.warmup > 0:
            for task, new in zip(tasks, tuned.step(tunings, outcome, compiled.width(len(tasks))), strict=True):
                task.tune(new)
        return outcome


class _Task:
    """A chain that is to be moved. density: of its execution; sites: the sites of that."""

    def __init__(self, chain: Chain, memory: Memory, chosen: list[Address], known: list[LogDensity]) -> None:
        """known: densities of the run that may fit, the last used first; a new one is added."""
        self.chain, self.memory = chain, memory
        self.trace = chain.trace
        self.sites = dict(self.trace.outer_sites())
        found = next((d for d in known if d.fits(self.trace, self.sites, chosen)), None)
        if found is None:
            from steersman.ppl.density import log_density

            given = next((d.given for d in known if d.resembles(self.sites, chosen)), None)
            found = log_density(self.trace, chosen, particle=chain.restart, given=given)
            del known[_KNOWN - 1 :]
        else:
            known.remove(found)
        known.insert(0, found)
        self.density: LogDensity = found
        self.arguments = found.arguments(self.sites)
        self._place = tuple(found.addresses), tuple(found.shapes)

    def vector(self) -> Floats:
        """x [E]: where the chain is."""
        ahead = self.memory.ahead
        if ahead is not None and ahead[0] is self.chain.particle:
            return ahead[1]
        self.memory.ahead = None
        return self.density.vector(self.sites)

    def move(self, x: Floats, gained: float) -> None:
        before = 0.0 if self.memory.ahead is None else self.memory.ahead[2]
        self.memory.ahead = self.chain.particle, x, before + gained

    def weights(self, made: dict[Any, Any], name: str) -> Any:
        """The powers that the target raises densities and factors to."""
        target = self.chain.target
        key = id(self.density), target
        if key not in made:
            power = getattr(target, "power", None)
            if power is None:
                raise TypeError(f"{name} needs a target that is a product of powers of the densities, not {target!r}")
            made[key] = self.density.weights(power)
        return made[key]

    def tuning(self, adaptation: Adaptation) -> Tuning:
        found = self.memory.tunings.get(self._place, adaptation.start)
        if found.state and not self.chain.adapting:
            found = adaptation.final(found)
            if self._place in self.memory.tunings:
                self.memory.tunings[self._place] = found
        return found

    def tune(self, new: Tuning) -> None:
        if self._place in self.memory.tunings or len(self.memory.tunings) < _STRUCTURES:
            self.memory.tunings[self._place] = new

    async def follow(self, name: str) -> None:
        """Let the program make the execution with the new values. What does not depend on them is recalled.

        Raises TracedControlFlow where it does depend on them after all, and DensityMismatch where its log density
        changes by something else than JAX has computed.
        """
        chain, density, sites = self.chain, self.density, self.sites
        assert self.memory.ahead is not None
        _, x, gained = self.memory.ahead
        self.memory.ahead, values = None, density.values(x)

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
                raise ReplayDivergence(f"{p.where()} is new: the program makes other choices when {name} moves "
                                       f"{format_address(density.addresses[0])!r}")
            return True, sites[address].value

        particle = chain.restart()
        await chain.finish(particle, choose=choose, recall=recall)
        before, after = chain.log_target(chain.particle), chain.log_target(particle)
        if not particle.dead:  # at the edge of the support, by rounding: no move
            size = sum(abs(s.log_p) for s in sites.values())
            if abs(after - before - gained) > _ROUNDING * (1.0 + size):
                raise DensityMismatch(
                    f"{name}: the log density that JAX computed changed by {gained:.6g} nats, that of the program by "
                    f"{after - before:.6g}. A program must be a function of the values its effects returned: use no "
                    "randomness outside sample(), and change no captured state"
                )
            chain.particle = particle


def is_continuous(site: Site) -> bool:
    """Whether the value of a choice looks like real numbers."""
    return isinstance(site.value, float) or (hasattr(site.value, "dtype") and np.asarray(site.value).dtype.kind == "f")


def nuts(
    *names: Hashable, step_size: float = 1.0, target_accept_prob: float = 0.8, max_tree_depth: int = 10,
    dense_mass: bool = False, adapt_step_size: bool = True, adapt_mass_matrix: bool = True,
) -> Hamiltonian:
    """The No-U-Turn sampler on the continuous choices of these names (all for none), as a kernel:
    ``Gibbs({("mu", "sigma"): nuts(), "line": suffix()}, 8, 500)``. See `Hamiltonian`; the parameters are NumPyro's.
    """
    whole("nuts", max_tree_depth=max_tree_depth)
    _check("nuts", step_size, target_accept_prob)
    return Hamiltonian("nuts", names, Settings(
        "NUTS", step_size, target_accept_prob, dense_mass, adapt_step_size, adapt_mass_matrix, max_tree_depth
    ))


def hmc(
    *names: Hashable, step_size: float = 1.0, trajectory_length: float | None = None, num_steps: int | None = None,
    target_accept_prob: float = 0.8, dense_mass: bool = False, adapt_step_size: bool = True,
    adapt_mass_matrix: bool = True,
) -> Hamiltonian:
    """Hamiltonian Monte Carlo with trajectories of a fixed length, or of a fixed number of leapfrog steps, as a kernel.
    See `Hamiltonian`; the parameters are NumPyro's. trajectory_length is 2 pi where neither is given."""
    _check("hmc", step_size, target_accept_prob)
    if num_steps is not None:
        whole("hmc", num_steps=num_steps)
        if trajectory_length is not None:
            raise ValueError("hmc: give trajectory_length or num_steps, not both")
    elif trajectory_length is None:
        trajectory_length = 2 * math.pi
    elif not 0 < trajectory_length < math.inf:
        raise ValueError(f"hmc: trajectory_length={trajectory_length!r} must be positive and finite")
    return Hamiltonian("hmc", names, Settings(
        "HMC", step_size, target_accept_prob, dense_mass, adapt_step_size, adapt_mass_matrix,
        trajectory_length=trajectory_length, num_steps=num_steps,
    ))


def _check(verb: str, step_size: float, target_accept_prob: float) -> None:
    if not 0 < step_size < math.inf:
        raise ValueError(f"{verb}: step_size={step_size!r} must be positive and finite")
    if not 0 < target_accept_prob < 1:
        raise ValueError(f"{verb}: target_accept_prob={target_accept_prob!r} must lie between 0 and 1")
