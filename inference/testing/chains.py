"""Oracles for Markov chains, by sampling.

    check_kernel(suffix(), sentence_model())                            exact start: is the target invariant?
    check_chain(MH(2000, 1, suffix(), warmup=99), sentence_model())     its own start: does it get there?
    check_chain(MH(1, 20_000, suffix()), sentence_model())              one long run: batch means

Where a program is small enough, `transitions` says the same of a kernel without any chance. Sources: Geyer 1992,
"Practical Markov chain Monte Carlo", section 3 (batch means); Gandy & Scott 2020, "Unit testing for MCMC and other
Monte Carlo methods" (exact starts).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np

from steersman.ppl.effects import Invocation
from steersman.ppl.particle import Particle
from steersman.ppl.protocols import Floats
from steersman.ppl.trace import Trace

from ..chain import Chain
from ..chain.target import Joint, Target
from ..infer import infer
from ..kernels.kernel import Kernel
from ..posterior.posterior import _hashable
from ..resampling.weights import normalise
from ..run import Run
from ..run.algorithm import Algorithm
from ..run.gather import gather
from ..run.schedule import run_together
from .chi_square import balance, fit
from .models import OracleModel
from .report import Check, Report, z_score
from .transitions import execution

BATCHES = 200
"""Batch means are taken over that many batches, where there are fewer chains."""


def check_kernel(
    kernel: Kernel, model: OracleModel | Invocation[Any], *, chains: int = 2000, steps: int = 3,
    target: Target | None = None, reversible: bool = True, seed: int = 0,
) -> Report:
    """Start many chains at exact draws x_0 ~ pi and take a few steps: x_T ~ pi still, if K leaves pi invariant.

    z of the change f(x_T) - f(x_0) of every statistic, whose mean is 0 (what the start has by chance cancels);
    chi-square of the return values at the last step; and, for kernels that claim to be reversible, chi-square of the
    flows n(x -> y) = n(y -> x) between the last two executions. target: the program's own joint density by default. A
    correct kernel fails with probability below 1e-4.
    """
    oracle, goal = _oracle(model), target or Joint()
    run = Run(oracle.program, seed)
    traces, pi = exact_law(oracle, goal)
    ends, u = np.cumsum(pi), run.key.fold(0).uniforms(chains)
    starts = np.searchsorted(ends, u * ends[-1], side="right")
    walkers = [Chain(run, slot, Particle.of_trace(traces[i]), goal) for slot, i in enumerate(starts)]
    first = np.array([oracle.statistics_of(w.particle.value) for w in walkers])
    run_together([walk(kernel, walkers, range(1, steps))])
    before = [execution(w.trace) for w in walkers]
    run_together([walk(kernel, walkers, range(steps, steps + 1))])
    values = [w.particle.value for w in walkers]
    change = np.array([oracle.statistics_of(v) for v in values]) - first
    checks = [Check("invariant", f"change of {name}", float(x.mean()), 0.0, z_score(x, 0.0))
              for name, x in zip(oracle.statistics, change.T, strict=True)]
    checks.append(_values("invariant", values, traces, pi))
    if reversible:
        mass = {execution(t): float(p) for t, p in zip(traces, pi, strict=True)}
        after = [execution(w.trace) for w in walkers]
        checks.append(balance("reversible", "flows", zip(before, after, strict=True), mass))
    return Report(kernel.name, oracle.name, chains, tuple(checks))


def check_chain(method: Algorithm[Any], model: OracleModel | Invocation[Any], *, seed: int = 0) -> Report:
    """One run of a Markov chain method from its own start, with its own warm-up, against the exact posterior.

    z of every statistic: over the means of chains where there are at least 200, else over 200 batches of successive
    draws, which must be long against the autocorrelation; with 200 chains also a chi-square of their last states. The
    warm-up must suffice: these are laws of the stationary chain.
    """
    oracle = _oracle(model)
    posterior = infer(oracle.program, method, seed=seed)
    if posterior.chains is None or posterior.chains.claim != "posterior":
        raise ValueError(f"check_chain takes a method of Markov chains that claims a posterior; {method.name} gives "
                         "none: see check_method for others")
    many, draws = posterior.chains.chains, posterior.chains.draws
    traces, pi = exact_law(oracle, Joint())
    values = np.empty(many * draws, object)
    values[:] = posterior.values
    table = np.array([oracle.statistics_of(v) for v in values]).reshape(many, draws, -1)
    each = 1 if many >= BATCHES else -(-BATCHES // many)
    length = draws // each
    if length == 0:
        raise ValueError(f"{method.name} keeps {draws} draws in each of {many} chains: too few for {BATCHES} batches")
    batches = table[:, : each * length].reshape(many * each, length, -1).mean(1)
    checks = _means(oracle, batches, traces, pi)
    if many >= BATCHES:
        checks.append(_values("last state", values.reshape(many, draws)[:, -1].tolist(), traces, pi))
    return Report(method.name, oracle.name, many, tuple(checks))


def exact_law(model: OracleModel, target: Target) -> tuple[list[Trace], Floats]:
    """The executions of a model, and the probability pi [n] of each under a target."""
    traces = [t for t in model.exact.traces if t is not None]
    return traces, normalise(np.array([target.log_density(Particle.of_trace(t)) for t in traces]))


async def walk(kernel: Kernel, walkers: Sequence[Chain], steps: range) -> None:
    """Take the steps of these numbers with all chains together."""
    for t in steps:
        for w in walkers:
            w.begin_step(t)
        await gather([kernel.step(w) for w in walkers])


def _means(model: OracleModel, samples: Floats, traces: Sequence[Trace], pi: Floats) -> list[Check]:
    """z of the mean of every statistic over independent samples [R, statistics]."""
    checks = []
    for j, (name, f) in enumerate(model.statistics.items()):
        of_traces = np.array([f(t.value) for t in traces])
        x, expected = samples[:, j], float(pi @ of_traces)
        z = z_score(x, expected, float(np.abs(of_traces).max()))
        checks.append(Check("mean", name, float(x.mean()), expected, z))
    return checks


def _values(oracle: str, values: Sequence[Any], traces: Sequence[Trace], pi: Floats) -> Check:
    expected: dict[Hashable, float] = {}
    for t, p in zip(traces, pi.tolist(), strict=True):
        expected[_hashable(t.value)] = expected.get(_hashable(t.value), 0.0) + p
    return fit(oracle, "values", Counter(map(_hashable, values)), expected)


def _oracle(model: OracleModel | Invocation[Any]) -> OracleModel:
    return model if isinstance(model, OracleModel) else OracleModel.of(model)
