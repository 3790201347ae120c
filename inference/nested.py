"""`posterior_of`: the result of an inference as a distribution, so that inference nests."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Sequence
from typing import Any

import numpy as np

from steersman.ppl.errors import AllParticlesDead, NotEnumerable
from steersman.ppl.keys import Key, Keys
from steersman.ppl.meter import Meter
from steersman.ppl.program import as_invocation
from steersman.ppl.protocols import Floats

from .enumerate import Enumerate
from .posterior.posterior import Posterior, _hashable
from .run import Run
from .run.algorithm import Algorithm
from .run.schedule import execute, run_together


class PosteriorOf:
    """The law of ``infer(program, method).sample()`` over return values.

    With `Enumerate` it is the exact posterior: it has a support and exact densities. With a Monte Carlo method it is
    the law of that sampler: a draw is one run and one of its particles, chosen by weight; log q of the draw is
    log sum_i W_i [v_i = v] of that run, and scoring a value runs the method afresh and takes the same sum, which is
    an unbiased estimate of the sampler's probability of v (`estimate_log_density` of Lew et al. 2023, "Probabilistic
    programming with stochastic probabilities"). So values must be discrete to be scored. As the proposal of another
    distribution only an exact one will do: 1 / (sum_i W_i [v_i = v]) is no unbiased estimate of 1 / q(v), for runs in
    which v never came up do not contribute. A run whose particles all die draws nothing, and its outer particle dies.

    The inner runs of all particles share every language-model call. Their tokens are charged to the outer run when
    they have run: its budget may be exceeded by one round of inner runs.
    """

    __slots__ = ("_exact", "_spent", "method", "model")

    def __init__(self, program: Any, method: Algorithm[Any]) -> None:
        self.model, self.method = as_invocation(program), method
        self._exact: Posterior | None = None
        self._spent = Meter()

    @property
    def family(self) -> Hashable:
        return "posterior_of"

    @property
    def proposes(self) -> bool:
        """Whether draws come with an exact density, as a proposal needs."""
        return isinstance(self.method, Enumerate)

    def support(self) -> Iterable[Any] | None:
        return self._enumerated().support() if isinstance(self.method, Enumerate) else None

    @property
    def spent(self) -> Meter:
        """What the inner runs have cost so far."""
        return self._spent

    @staticmethod
    def draw(members: Sequence[PosteriorOf], keys: Keys) -> tuple[list[Any], Floats]:
        posteriors = _infer(members, [keys[i] for i in range(len(members))])
        values, log_q = [], np.empty(len(members))
        for i, posterior in enumerate(posteriors):
            value = None if posterior is None else posterior.sample(seed=keys[i].fold(1))
            values.append(value)
            log_q[i] = _log_mass(posterior, value)
        return values, log_q

    @staticmethod
    def log_prob(members: Sequence[PosteriorOf], values: Sequence[Any]) -> Floats:
        return PosteriorOf.estimate_log_prob(members, values, Keys(np.zeros(len(members), np.uint64)))

    @staticmethod
    def estimate_log_prob(members: Sequence[PosteriorOf], values: Sequence[Any], keys: Keys) -> Floats:
        """log of an unbiased estimate of the probability of each value; exact for `Enumerate`."""
        posteriors = _infer(members, [keys[i] for i in range(len(members))])
        return np.array([_log_mass(p, v) for p, v in zip(posteriors, values, strict=True)])

    def _enumerated(self) -> Posterior:
        posterior = _infer([self], [Key(0)])[0]
        if posterior is None:
            raise NotEnumerable(f"{self!r} has an empty support: the inner program is impossible")
        return posterior

    def __repr__(self) -> str:
        return f"posterior_of({self.model!r}, {self.method.name})"


def posterior_of(program: Any, method: Algorithm[Any]) -> PosteriorOf:
    """``x = await sample(posterior_of(sub(y), SMC(8)), "x")``: draw from the result of an inner inference."""
    return PosteriorOf(program, method)


def _infer(members: Sequence[PosteriorOf], keys: Sequence[Key]) -> list[Posterior | None]:
    """The inner posterior of each member, None where all its particles died; exact ones are computed once."""
    exact = {id(m): m for m in members if isinstance(m.method, Enumerate) and m._exact is None}
    for m, posterior in zip(exact.values(), _infer_runs(list(exact.values()), [Key(0)] * len(exact)), strict=True):
        m._exact = posterior
    results = [m._exact for m in members]
    todo = [i for i, m in enumerate(members) if not isinstance(m.method, Enumerate)]
    for i, posterior in zip(todo, _infer_runs([members[i] for i in todo], [keys[i] for i in todo]), strict=True):
        results[i] = posterior
    return results


def _infer_runs(members: Sequence[PosteriorOf], keys: Sequence[Key]) -> list[Posterior | None]:
    runs = [Run(m.model, key) for m, key in zip(members, keys, strict=True)]
    posteriors = run_together([_attempt(r, m.method) for r, m in zip(runs, members, strict=True)])
    for member, run in zip(members, runs, strict=True):
        member._spent.charge(run.meter.tokens, run.meter.calls, run.meter.rewards)
    return posteriors


async def _attempt(run: Run, method: Algorithm[Any]) -> Posterior | None:
    try:
        return await execute(run, method)
    except AllParticlesDead:
        return None


def _log_mass(posterior: Posterior | None, value: Any) -> float:
    if posterior is None:
        return -math.inf
    mass = posterior.probabilities().get(_hashable(value), 0.0)
    return math.log(mass) if mass > 0 else -math.inf
