"""Oracle: the transition matrix of a Markov kernel, without any chance.

Take one step from every execution x of the program for every sequence of random choices that the step can make (what
the program draws, and what the kernel decides by `Chain.choose` and `Chain.accepts`), each with its probability. That
is K(x, y), and

    pi(x) K(x, y) = pi(y) K(y, x)   (reversible)        sum_x pi(x) K(x, y) = pi(y)   (invariant)

to 1e-9, rows sum to one, no step leaves the support of pi, and every execution can be reached from every other
(irreducible). It sees any bias however small, and never fails by chance. It needs a program with a few dozen
executions, all of whose choices are finite. Units: probability. Source: Tierney 1994, "Markov chains for exploring
posterior distributions", section 2.
"""

from __future__ import annotations

import math
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np

from steersman.ppl.effects import Invocation
from steersman.ppl.particle import Particle
from steersman.ppl.protocols import Floats
from steersman.ppl.trace import Trace

from ..chain.target import Joint, Target
from ..enumerate import Enumerate
from ..infer import infer
from ..kernels.choices import choices_of
from ..kernels.kernel import Kernel
from ..posterior.posterior import _hashable
from ..run.schedule import run_together
from .models import OracleModel
from .report import Check, Report
from .tape import Tape, exhaust
from .taped_run import TapedChain, TapedRun

TOLERANCE = 1e-9


@dataclass(frozen=True)
class Transitions:
    """states: all executions of positive density, [n]. pi [n]: their probabilities. K [n, n]: K(x, y). lost [n]: the
    probability of a step from x to something that is none of them."""

    states: list[Hashable]
    pi: Floats
    K: Floats
    lost: Floats

    @property
    def imbalance(self) -> float:
        """max |pi(x) K(x, y) - pi(y) K(y, x)|."""
        flow = self.pi[:, None] * self.K
        return float(np.abs(flow - flow.T).max())

    @property
    def drift(self) -> float:
        """max |pi K - pi|."""
        return float(np.abs(self.pi @ self.K - self.pi).max())

    @property
    def relaxation(self) -> float:
        """The second largest modulus of an eigenvalue of K: what a start has of bias shrinks by it in every step."""
        return float(np.sort(np.abs(np.linalg.eigvals(self.K)))[-2]) if len(self.pi) > 1 else 0.0

    @property
    def unreachable(self) -> int:
        """How many ordered pairs (x, y) are such that no number of steps leads from x to y."""
        reach = (self.K > 0) | np.eye(len(self.pi), dtype=np.bool_)
        for _ in range(math.ceil(math.log2(len(self.pi) + 1))):
            reach = reach @ reach
        return int((~reach).sum())


def execution(trace: Trace) -> Hashable:
    """What tells an execution from others: all its choices, the tokens of texts one by one."""
    return tuple((c.address, c.values() if c.is_text else _hashable(c.site.value)) for c in choices_of(trace))


def transitions(
    kernel: Kernel, model: OracleModel | Invocation[Any], *, target: Target | None = None
) -> Transitions:
    """The transition matrix of one step of a kernel over the executions of a model. target: the program's own joint
    density by default."""
    program, goal = model.program if isinstance(model, OracleModel) else model, target or Joint()
    traces = [t for t in infer(program, Enumerate()).traces if t is not None]
    states = {execution(t): i for i, t in enumerate(traces)}
    log_pi = np.array([goal.log_density(Particle.of_trace(t)) for t in traces])
    pi = np.exp(log_pi - log_pi.max())
    K, lost = np.zeros((len(traces), len(traces))), np.zeros(len(traces))
    for i, trace in enumerate(traces):

        def step(tape: Tape, trace: Trace = trace) -> Hashable:
            chain = TapedChain(TapedRun(program, tape), Particle.of_trace(trace), goal)
            run_together([kernel.step(chain)])
            return execution(chain.trace)

        for probability, after in exhaust(step):
            if after in states:
                K[i, states[after]] += probability
            else:
                lost[i] += probability
    return Transitions(list(states), pi / pi.sum(), K, lost)


def check_transitions(
    kernel: Kernel, model: OracleModel | Invocation[Any], *, target: Target | None = None, reversible: bool = True,
    irreducible: bool = True,
) -> Report:
    """The laws of the transition matrix. reversible, irreducible: whether the kernel claims to be (a `cycle` is not
    reversible; a move restricted to some sites reaches only what they can change)."""
    t = transitions(kernel, model, target=target)
    checks = [
        _exact("rows", "sum to 1", float(np.abs(t.K.sum(1) + t.lost - 1.0).max())),
        _exact("support", "of the target is kept", float(t.lost.max())),
        _exact("invariant", "pi K = pi", t.drift),
    ]
    if reversible:
        checks.append(_exact("reversible", "pi(x) K(x,y) = pi(y) K(y,x)", t.imbalance))
    if irreducible:
        checks.append(_exact("irreducible", "pairs without a way", t.unreachable))
    return Report(kernel.name, f"{model.name} ({len(t.states)} executions)", 1, tuple(checks))


def _exact(oracle: str, what: str, off: float) -> Check:
    return Check(oracle, what, off, 0.0, math.inf if not off <= TOLERANCE else 0.0)
