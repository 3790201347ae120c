"""`nuts` and `hmc`: continuous choices are moved along the gradient of the log density."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np

from steersman.ppl.address import Address
from steersman.ppl.keys import Keys
from steersman.ppl.trace import Site, Trace

from ..chain import Chain
from ..run import Run
from ..run.gather import gather
from ..run.sizes import whole
from .adaptation import adaptation
from .choices import Names, matches, none_named
from .kernel import Kernel, called
from .leapfrog import Outcome, Settings, Transition, transition
from .walker import Memory, Walker, Weights

if TYPE_CHECKING:
    from steersman.ppl.density import Densities, Layout


class Hamiltonian(Kernel):
    """Hamiltonian Monte Carlo on continuous choices; all other choices are kept.

    With x = T(u), T from the real numbers to the supports, and U(u) = -log pi(T(u)) - log |det dT/du|: draw a momentum
    r ~ N(0, M), follow  du/dt = M^-1 r,  dr/dt = -grad U  by leapfrog steps, and choose a point of the trajectory such
    that exp(-U) is left invariant. NumPyro makes the trajectories, in single precision unless JAX is told otherwise.
    The density is compiled once for each structure of executions (`steersman.ppl.density`), and all chains of one
    structure are moved by one call. While a chain warms up, its step size and M are adapted; then they stay.

    names: of the choices that are moved (all continuous ones for none). Source: Neal 2011, "MCMC using Hamiltonian
    dynamics"; Hoffman & Gelman 2014, "The No-U-Turn sampler"; Betancourt 2017. Cost: no language-model token; what
    depends on the choices is scored once more by the program at every step.
    """

    rounding = 1e-3
    """How far the change of the log density that JAX computes may be from that of the program, in units of the sum of
    |log p| of the sites: single precision has an error of 1e-7 in each."""

    def __init__(self, verb: str, names: Names, settings: Settings) -> None:
        self.verb, self.names, self.settings = verb, names, settings
        self._known: WeakKeyDictionary[Run, Densities] = WeakKeyDictionary()

    @property
    def name(self) -> str:
        return called(self.verb, self.names)

    def on(self, names: Names) -> Hamiltonian:
        return type(self)(self.verb, names, self.settings)

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
        walkers = [walker for chain in chains if (walker := self._walker(chain)) is not None]
        together: dict[Layout, list[Walker]] = {}
        for walker in walkers:
            together.setdefault(walker.density.layout, []).append(walker)
        for layout, those in together.items():
            outcome = self._transit(layout, those)
            for i, walker in enumerate(those):
                moved = bool(outcome.moved[i])
                walker.chain.tally.count(self.name, moved)
                walker.memory.divergences += bool(outcome.diverging[i]) and not walker.chain.adapting
                if moved:
                    walker.move(outcome.x[i], float(outcome.gained[i]))
        if follow:
            await gather([walker.follow(self.name, self.rounding) for walker in walkers if walker.ahead])

    def _walker(self, chain: Chain) -> Walker | None:
        """The one of the last step, if the chain is still where that has left it. None if there is nothing to move."""
        memory = chain.memory.get(self)
        if memory is None:
            memory = chain.memory[self] = Memory()
        trace = chain.trace
        if memory.walker is None or memory.walker.trace is not trace:
            from steersman.ppl.density import Densities

            chosen = self.chosen(trace)
            densities = self._known.setdefault(chain.run, Densities())
            memory.walker = Walker(chain, memory, chosen, densities) if chosen else None
        walker: Walker | None = memory.walker
        return walker

    def compiled(self, layout: Layout) -> Transition:
        return transition(layout, self.settings.path)

    def _transit(self, layout: Layout, walkers: list[Walker]) -> Outcome:
        """Move the chains of one layout, and adapt."""
        from steersman.ppl.density.evaluate import sizes

        first, made = walkers[0].chain, Weights()
        compiled = self.compiled(layout)
        adapting = adaptation(sizes(layout)[0], first.warmup, self.settings)
        tunings = [w.tuning(adapting) for w in walkers]
        outcome = compiled(
            Keys.of([w.chain.new_key() for w in walkers]), np.stack([w.x for w in walkers]),
            np.array([t.step_size for t in tunings], np.float32), np.stack([t.inverse_mass for t in tunings]),
            [(*made.of(w.density, w.chain.target), *w.arguments) for w in walkers],
        )
        if first.adapting and first.warmup > 0:
            for walker, new in zip(walkers, adapting.step(tunings, outcome, compiled.width(len(walkers))), strict=True):
                walker.tune(new)
        return outcome


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
