"""Samplers run forwards and in reverse, around a given execution: both give an estimate of log Z."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from typing import Any

from steersman.ppl.address import Address, format_address
from steersman.ppl.effects import Invocation
from steersman.ppl.errors import AllParticlesDead, UnknownAddress
from steersman.ppl.particle import Particle
from steersman.ppl.trace import Trace

from ..chain import Chain
from ..draws.proposed import choices_of
from ..importance import Importance
from ..population.csmc import conditional_sweep
from ..resampling.weights import log_mean_exp
from ..run import Run
from ..run.schedule import execute
from ..smc import SMC

Sampler = Importance | SMC


def as_sampler(method: Any) -> Sampler:
    """Raises TypeError unless the method can be run in reverse."""
    if isinstance(method, Importance) or (isinstance(method, SMC) and method.expand == 1):
        return method
    name = getattr(method, "name", repr(method))
    raise TypeError(f"{name} cannot be run in reverse, around a draw of the posterior: use Importance(N) or SMC(N)")


async def forward(run: Run, method: Sampler) -> float:
    """log Zhat of one run; -inf where all particles died."""
    if isinstance(method, SMC):
        return await _sweep(run, method, None)
    try:
        return (await execute(run, method)).log_evidence
    except AllParticlesDead:
        return -math.inf


async def reverse(run: Run, method: Sampler, trace: Trace) -> float:
    """log Zhat of one run in which the trace is one of the N particles; the others are drawn as in a forward run."""
    model = method.model(run) if isinstance(method, SMC) else method.proposed.model(run)
    retained = await _replay(run, model, trace)
    if isinstance(method, SMC):
        _check_proposed({a: s.log_q for a, s in retained.choice_sites().items()}, retained)
        return await _sweep(run, method, retained)
    return await _conditional_importance(run, method, retained)


async def _sweep(run: Run, method: SMC, retained: Trace | None) -> float:
    """Multinomial resampling at every stop, both ways: a conditional sweep is the exact reverse of such a sweep."""
    start = run.spawn([0], method.model(run))[0] if retained is None else Particle.of_trace(retained)
    sweep = await conditional_sweep(Chain(run, 0, start), method.particles, method._barrier, retained)
    return sweep.log_evidence


async def _conditional_importance(run: Run, method: Importance, retained: Trace) -> float:
    """Zhat = (w(retained) + sum_{i=2..N} w_i) / N."""
    log_w = [await _log_weight(run, method.proposed.program, retained)]
    if method.particles > 1:
        others = copy.copy(method)
        others.particles -= 1
        try:
            fresh = (await execute(run, others)).log_weights + math.log(others.particles)
            log_w += fresh.tolist()
        except AllParticlesDead:
            log_w += [-math.inf] * others.particles
    return log_mean_exp(log_w)


async def _log_weight(run: Run, proposal: Invocation[Any] | None, retained: Trace) -> float:
    """log w = log joint - log q of an execution, if importance sampling had drawn it."""
    log_q = {a: s.log_q for a, s in retained.choice_sites().items()}
    if proposal is not None:
        guide = await _impose(run, proposal, retained.choices(), "the proposal")
        if guide.dead:
            raise _unproposed(retained, guide.killed_by or "")
        log_q |= {a: q for a, (_, q) in choices_of(guide.trace).items()}
    _check_proposed(log_q, retained)
    return retained.log_joint - math.fsum(log_q.values())


async def _replay(run: Run, model: Invocation[Any], trace: Trace) -> Trace:
    """The execution of the run's program that makes the choices of a trace, densities of proposals included. model: the
    program, or the program under a guide."""
    particle = await _impose(run, model, trace.choices(), "the program")
    if particle.trace is None or particle.trace.choices().keys() != trace.choices().keys():
        raise ValueError(f"a draw of the posterior, {trace!r}, is no execution of {run.model!r}: the posterior must be "
                         "of the same program")
    return particle.trace


async def _impose(run: Run, model: Invocation[Any], choices: Mapping[Address, Any], who: str) -> Particle:
    """Run a program with all its choices given."""
    (particle,) = run.spawn([0], model)

    def choose(p: Particle) -> tuple[bool, Any]:
        if p.address not in choices:
            raise UnknownAddress(f"{who} makes a choice {format_address(p.address)!r} that a draw of the posterior "
                                 f"lacks; it has {', '.join(map(format_address, choices)) or 'none'}")
        return True, choices[p.address]

    await run.advance([particle], choose=choose)
    return particle


def _check_proposed(log_q: Mapping[Address, float], trace: Trace) -> None:
    """Raise ValueError for an execution that no proposal could have drawn."""
    if never := [a for a, q in log_q.items() if q == -math.inf]:
        raise _unproposed(trace, format_address(never[0]))


def _unproposed(trace: Trace, site: str) -> ValueError:
    return ValueError(f"a draw of the posterior, {trace!r}, cannot be proposed at {site!r}: a proposal must be able to "
                      "draw whatever the target can")
