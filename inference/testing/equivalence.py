"""Oracle: results that must be equal bit for bit on table models, whatever the chance.

    flat = sub-program = unfold;  any batch = one by one;  many programs at once = separately;
    a fork = its original;  a replayed trace = the recorded one

A run is a function of its seed, and what a particle draws depends on its slot and round alone. Seen: keys that depend
on company, state shared between forks, replays that draw or score again. On neural models the same hold to float
tolerance only, since their rounding depends on the batch.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from steersman.ppl.driver import advance
from steersman.ppl.effects import Invocation
from steersman.ppl.keys import Key
from steersman.ppl.particle import Particle
from steersman.ppl.verbs import assess

from ..importance import Importance
from ..infer import infer
from ..posterior import Posterior
from ..run.algorithm import Algorithm
from .report import Check, Report, law


def differences(a: Posterior, b: Posterior) -> list[str]:
    """What differs between two posteriors, in words; empty when they hold the same particles bit for bit."""
    found = []
    if len(a) != len(b):
        return [f"{len(a)} particles against {len(b)}"]
    if not np.array_equal(a.log_weights, b.log_weights):
        found.append(f"log weights differ in {int((a.log_weights != b.log_weights).sum())} particles")
    if a.log_evidence != b.log_evidence and not (math.isnan(a.log_evidence) and math.isnan(b.log_evidence)):
        found.append(f"log evidence {a.log_evidence!r} against {b.log_evidence!r}")
    values = sum(x != y for x, y in zip(a.values, b.values, strict=True))
    if values:
        found.append(f"{values} values differ")
    return found


def _same(what: str, a: Posterior, b: Posterior) -> Check:
    return law("equality", what, len(differences(a, b)))


def same_particles(programs: Sequence[Invocation[Any]], method: Algorithm[Any], *, seed: int = 0) -> list[Check]:
    """Ways of writing one program: the particles of each are those of the first."""
    posteriors = [infer(p, method, seed=seed) for p in programs]
    return [_same(f"form {i} = form 0", posteriors[0], p) for i, p in enumerate(posteriors) if i]


def batches(program: Invocation[Any], particles: int = 12, *, seed: int = 0) -> list[Check]:
    """Importance sampling in batches of any size, one by one included."""
    whole = infer(program, Importance(particles), seed=seed)
    return [
        _same(f"batch {b}", whole, infer(program, Importance(particles, batch=b), seed=seed))
        for b in (1, 2, 5, particles - 1)
    ]


def together(programs: Sequence[Invocation[Any]], method: Algorithm[Any], *, seed: int = 0) -> list[Check]:
    """Many programs at once, and each by itself."""
    return [
        _same(f"program {i} alone", shared, infer(p, method, seed=seed))
        for i, (p, shared) in enumerate(zip(programs, infer(programs, method, seed=seed), strict=True))
    ]


def forks(program: Invocation[Any], *, seed: int = 0, limit: int = 100) -> list[Check]:
    """Fork before every round: copy and original go on to the same trace and weight under the same keys."""
    unlike = 0
    particle = Particle(program)
    for t in range(limit):
        if particle.done:
            break
        copy = particle.fork()
        for p in (particle, copy):
            ahead = p.fork()
            advance([ahead], Key(seed).fold(t, 1))
            if p is particle:
                expected = ahead
        unlike += ahead.trace != expected.trace or ahead.log_weight != expected.log_weight
        unlike += copy.address != particle.address
        advance([particle], Key(seed).fold(t), stop=lambda p, effect: True)
    return [law("equality", "fork = original", unlike)]


def replays(posterior: Posterior, program: Invocation[Any]) -> list[Check]:
    """Every trace, assessed from its recorded choices, has the recorded values and density."""
    unlike = 0
    for trace in posterior.traces:
        if trace is not None:
            again = assess(program, trace.choices())
            close = np.isclose(again.log_weight, trace.log_joint, rtol=1e-12, atol=1e-12)  # sums in another order
            unlike += again.value != trace.value or not close
    return [law("equality", "replay = original", unlike)]


def check_equivalences(program: Invocation[Any], method: Algorithm[Any], *, seed: int = 0) -> Report:
    """All equivalences that one program allows (`same_particles` and `together` take several)."""
    posterior = infer(program, method, seed=seed)
    checks = [
        _same("seed = seed", posterior, infer(program, method, seed=seed)),
        *batches(program, seed=seed), *together([program, program], method, seed=seed), *forks(program, seed=seed),
        *replays(posterior, program),
    ]
    return Report(method.name, str(program.name), 1, tuple(checks))
