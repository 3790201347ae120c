"""`fit_twists`: contrastive twist learning."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from steersman.ppl.errors import AllParticlesDead, Stopped
from steersman.ppl.keys import Key
from steersman.ppl.meter import Budget
from steersman.ppl.particle import Particle
from steersman.ppl.program import as_invocation
from steersman.ppl.requests import Choose, Collected, Pause, Recall, Request, Stop
from steersman.ppl.trace import Trace

from ..resampling.weights import normalise
from ..run.interrupt import Interrupt
from ..run.progress import Progress
from ..run.run import Advance, Run
from ..run.schedule import run_together
from ..run.sizes import whole
from ..smc import SMC
from .ascent import Ascent
from .gradient import NonFinite
from .parameters import add, not_finite
from .potential import Potential

Asked = tuple[Potential, tuple[Any, ...]]


@dataclass
class _Notes:
    """asked: what each particle, by serial number, has asked of potentials since the notes were begun."""

    potentials: dict[int, Potential]
    asked: dict[int, list[Asked]] = field(default_factory=dict)


class _Noting(Request):
    """A request that notes what is asked of potentials."""

    __slots__ = ("notes",)
    notes: _Notes

    def collect(self) -> Collected:
        collected = super().collect()
        for _, item in collected:
            potential = self.notes.potentials.get(id(getattr(item.effect, "fn", None)))
            if potential is not None:
                self.notes.asked.setdefault(item.particle.serial, []).append((potential, item.effect.args))
        return collected


class _Population(Run):
    """A run that keeps the weights of each generation of a particle filter, and what its particles asked for."""

    def __init__(self, run: Run, key: Key, potentials: Sequence[Potential]) -> None:
        super().__init__(run.model, key, None, None)
        self.meter, self.params = run.meter, run.params
        self.potentials = {id(p.batched): p for p in potentials}
        self.generations: list[list[tuple[Asked, float]]] = []

    def advance(
        self, particles: Sequence[Particle], *, choose: Choose | None = None, recall: Recall | None = None,
        stop: Stop | None = None, pause: Pause | None = None, key: Key | None = None,
    ) -> Advance:
        request = _Noting(
            particles, self.new_key() if key is None else key, choose=choose, recall=recall, stop=stop, pause=pause,
            meter=self.meter,
        )
        request.notes = _Notes(self.potentials)
        return _Generation(request, self, particles)

    def note(self, particles: Sequence[Particle], notes: _Notes) -> None:
        """The potentials that are in force now, with the normalised weights of their particles."""
        weights = normalise(np.array([p.log_weight for p in particles]))
        self.generations.append([
            (notes.asked[p.serial][-1], float(w))
            for p, w in zip(particles, weights, strict=True) if p.serial in notes.asked and not p.done
        ])


class _Generation(Advance):
    __slots__ = ("particles", "population")

    def __init__(self, request: _Noting, population: _Population, particles: Sequence[Particle]) -> None:
        super().__init__(request)
        self.population, self.particles = population, particles

    def __await__(self) -> Generator[Request, None, None]:
        yield from super().__await__()
        request = self.request
        assert isinstance(request, _Noting)
        if any(p.log_weight > -np.inf for p in self.particles):
            self.population.note(self.particles, request.notes)


def fit_twists(
    program: Any, potentials: Potential | Sequence[Potential], *, steps: int, particles: int = 64,
    optimiser: Any = 0.05, seed: int = 0, budget: Budget | None = None, progress: bool | None = None,
) -> list[float]:
    """Learn the potentials that a program twists by; returns the estimate of log Z of each step.

    With pi_t(x_1:t) proportional to p(x_1:t) psi_t(x_1:t), sigma the posterior: minimise sum_t KL(sigma_t, pi_t) by

        sum_t  E_sigma[grad log psi_t(x_1:t)] - E_pi_t[grad log psi_t(x_1:t)],

    both expectations from one particle filter under the present twists: its generations at the twists weigh the
    second, its final particles the first. The best psi_t is the expected likelihood of what is to come, under which
    the filter needs no luck. Steps whose particles all die change nothing, and count as log Z = -inf. A potential
    whose twist is followed by nothing (the program returns) is not learnt there.

    program, budget, seed: as in `infer`; optimiser: as in `fit`. Source: Zhao et al. 2024, "Probabilistic inference in
    language models via twisted sequential Monte Carlo", section 4.1; Lawson et al. 2022. Cost: a filter a step, and its
    particles scored.
    """
    whole("fit_twists", steps=steps, particles=particles)
    known = [potentials] if isinstance(potentials, Potential) else list(potentials)
    ascent = Ascent(optimiser)
    with Interrupt() as interrupt, Progress("fit_twists", progress) as bar:
        run = Run(as_invocation(program), seed, budget, bar)
        (found,) = run_together([_learn(run, known, steps, particles, ascent)], interrupt)
    return found


async def _learn(run: Run, potentials: Sequence[Potential], steps: int, particles: int, ascent: Ascent) -> list[float]:
    key, evidence = run.new_key(), []
    try:
        for t in range(steps):
            gradients, log_z = await _gradients(run, potentials, particles, key.fold(t))
            evidence.append(log_z)
            for p in potentials:
                gradient = gradients.get(p.name)
                if gradient is None:
                    continue
                if (leaf := not_finite(gradient)) is not None:
                    raise NonFinite(f"step {t}: the gradient of {p.name}{leaf} is not finite")
                ascent.move(p, gradient)
            run.report({"done": t + 1, "total": steps, "note": f"log Z {log_z:.4g},"})
    except Stopped:
        pass
    return evidence


async def _gradients(
    run: Run, potentials: Sequence[Potential], particles: int, key: Key
) -> tuple[dict[str, Any], float]:
    """By name of the potential, and the estimate of log Z."""
    filtered, population = SMC(particles, resample_at="factor"), _Population(run, key, potentials)
    state = filtered.init(population)
    try:
        while not filtered.done(state):
            state, _ = await filtered.step(population, state)
    except AllParticlesDead:
        return {}, -np.inf
    posterior = filtered.result(population, state)
    rows: list[tuple[Asked, float]] = [(asked, -w) for g in population.generations for asked, w in g]
    kept = [(w, t) for w, t in zip(posterior.weights.tolist(), posterior.traces, strict=True) if w > 0 and t]
    rows += await _positive(run, population, kept)
    found: dict[str, list[Any]] = {}
    for potential in potentials:
        own = [(args, w) for (p, args), w in rows if p is potential]
        if own:
            gradient = potential.gradient([a for a, _ in own], [None] * len(own), np.array([w for _, w in own]))
            found.setdefault(potential.name, []).append(gradient)
    return {name: add(trees) for name, trees in found.items()}, posterior.log_evidence


async def _positive(
    run: Run, population: _Population, kept: Sequence[tuple[float, Trace]]
) -> list[tuple[Asked, float]]:
    """What the surviving executions asked of potentials, each time but where the program then returned."""
    choices = [trace.choices() for _, trace in kept]
    again = run.spawn(range(len(kept)))

    def choose(p: Particle) -> tuple[bool, Any]:
        return True, choices[p.slot][p.address]

    request = _Noting(again, run.new_key(), choose=choose, meter=run.meter)
    request.notes = _Notes(population.potentials)
    await Advance(request)
    rows = []
    for particle, (weight, _) in zip(again, kept, strict=True):
        asked = request.notes.asked.get(particle.serial, [])
        if asked and particle.trace is not None and particle.trace.sites()[-1].kind == "twist":
            asked = asked[:-1]
        rows += [(a, weight) for a in asked]
    return rows
