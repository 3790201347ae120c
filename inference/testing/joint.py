"""Oracle: Geweke's joint distribution test, for programs whose posterior nobody knows.

A model that can draw its data as well as observe them defines p(x, y). Start at (x_0, y_0) ~ p(x, y) and alternate

    x_t ~ K(x_{t-1}, . | y_{t-1})        y_t ~ p(y | x_t)

If K leaves p(x | y) invariant then (x_t, y_{t-1}) ~ p(x, y) for every t, so no statistic changes in the mean. (So does
(x_t, y_t), but also for a K that ignores the data.) It needs no posterior, so it works for continuous choices, long
texts and neural models. Source: Geweke 2004, "Getting it right: joint distribution tests of posterior simulators"; many
chains with exact starts instead of a long one leave no autocorrelation to estimate.

    @program
    async def model(data=None):                # without data it draws them, with data it observes them
        x = await sample(Normal(0, 1), "x")
        if data is None:
            data = await sample(Normal(x, 0.5), "data")
        else:
            await observe(Normal(x, 0.5), data, "data")
        return x, data                         # always the pair (latent, data)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from steersman.ppl.address import Address, format_address
from steersman.ppl.driver import advance
from steersman.ppl.effects import Invocation
from steersman.ppl.keys import Key
from steersman.ppl.particle import Particle
from steersman.ppl.protocols import Floats
from steersman.ppl.trace import Trace

from ..chain import Chain
from ..chain.target import log_likelihood
from ..kernels.kernel import Kernel
from ..run import Run
from ..run.schedule import run_together
from .chains import walk
from .models import Statistic
from .report import Check, Report, z_score

ALWAYS = "log likelihood", "log joint"
"""Statistics of every model: they depend on the data, as those of the user may not."""

JointModel = Callable[..., Invocation[Any]]
"""``model()`` draws its data, ``model(data)`` observes them at the same place; both return the pair (latent, data)."""


def check_joint(
    kernel: Kernel, model: JointModel, statistics: Mapping[str, Statistic], *, runs: int = 1000, cycles: int = 2,
    steps: int = 6, seed: int = 0,
) -> Report:
    """z of the change f(x_T, y_{T-1}) - f(x_0, y_0) of every statistic over independent runs, of log p(y | x) and of
    log p(x, y).

    statistics: functions of the returned pair. cycles: T, how often chain and data alternate. steps: of the chain, each
    time; as the start is exact, more steps see more than more cycles. A correct kernel fails with probability below
    1e-4. Raises ValueError for a model with factors or proposals, from which nothing can be drawn exactly, and for one
    whose two forms differ.
    """
    key = Key(seed)
    particles = first = observed(model, draw_joint(model, runs, key.fold(0)), key.fold(1))
    for t in range(1, cycles + 1):
        if t > 1:
            particles = observed(model, _redraw(model, particles, key.fold(2, t)), key.fold(3, t))
        chains = [Chain(Run(p.model, key.fold(4, t)), slot, p) for slot, p in enumerate(particles)]
        run_together([walk(kernel, chains, range(1, steps + 1))])
        particles = [c.particle for c in chains]
    change = table([p.partial_trace() for p in particles], statistics)
    change -= table([p.partial_trace() for p in first], statistics)
    checks = [Check("joint", f"change of {name}", float(x.mean()), 0.0, z_score(x, 0.0))
              for name, x in zip([*statistics, *ALWAYS], change.T, strict=True)]
    return Report(kernel.name, str(model().name), runs, tuple(checks))


def draw_joint(model: JointModel, runs: int, key: Key) -> list[Trace]:
    """Exact draws of (latent, data)."""
    return _finish([Particle(model(), slot) for slot in range(runs)], key, [{}] * runs)


def observed(model: JointModel, traces: Sequence[Trace], key: Key) -> list[Particle]:
    """The executions of model(data) with the latent choices and the data of the given executions of model()."""
    particles = given(model, [t.value[1] for t in traces], [t.choices() for t in traces], key)
    for p, trace in zip(particles, traces, strict=True):
        if p.trace is None or not np.isclose(p.trace.log_joint, trace.log_joint, rtol=1e-6, atol=1e-6):
            raise ValueError(f"{p.model!r}: with data it gives the pair {trace.value!r:.80} another density than "
                             "without; both forms must be the same distribution, drawn or observed")
    return particles


def given(model: JointModel, data: Sequence[Any], latent: Sequence[Mapping[Address, Any]], key: Key) -> list[Particle]:
    """The executions of model(data) with the given latent choices; dead where these cannot be."""
    particles = [Particle(model(y), slot) for slot, y in enumerate(data)]
    advance(particles, key, choose=lambda p: _known(p, latent[p.slot]))
    return particles


def _known(p: Particle, latent: Mapping[Address, Any]) -> tuple[bool, Any]:
    if p.address not in latent:
        raise ValueError(f"{p.where()}: with data the model draws {format_address(p.address)!r}, which it does not "
                         "draw without; latent choices have the same names in both forms")
    return True, latent[p.address]


def _redraw(model: JointModel, particles: Sequence[Particle], key: Key) -> list[Trace]:
    """Executions of model() with the latent choices of the given ones of model(data), and new data."""
    latent = [p.partial_trace().choices() for p in particles]
    return _finish([Particle(model(), slot) for slot in range(len(latent))], key, latent)


def _finish(particles: list[Particle], key: Key, latent: Sequence[Mapping[Address, Any]]) -> list[Trace]:
    """Run model() to its end: what is known is imposed, the rest drawn."""

    def choose(p: Particle) -> tuple[bool, Any]:
        known = latent[p.slot]
        return (True, known[p.address]) if p.address in known else (False, None)

    advance(particles, key, choose=choose)
    finished = []
    for p in particles:
        weighs = p.trace is not None and any(
            s.kind in ("factor", "observe") or s.log_p != s.log_q for _, s in p.trace.outer_sites()
        )
        if p.trace is None or weighs:
            raise ValueError(f"{p.model!r} without data must only draw: factors, conditions, observations and "
                             "proposals make its draws weighted")
        if not isinstance(p.trace.value, tuple) or len(p.trace.value) != 2:
            raise ValueError(f"{p.model!r} must return the pair (latent, data), got {p.trace.value!r:.80}")
        finished.append(p.trace)
    return finished


def table(traces: Sequence[Trace], statistics: Mapping[str, Statistic]) -> Floats:
    """The statistics of each execution of model(data), and those that are asked ALWAYS: [runs, statistics + 2]."""
    rows = [[*(f(t.value) for f in statistics.values()), log_likelihood(t), t.log_joint] for t in traces]
    return np.array(rows, np.float64)
