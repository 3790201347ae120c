"""Texts under predicates: every method agrees with enumeration, although their proposals have random weights.

The kernels are checked without chance: a tape decides what the model draws inside rejection sampling, what is drawn for
the densities of imposed tokens, and what the kernel decides.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from steersman.inference import (
    MH,
    SMC,
    Enumerate,
    Importance,
    ParticleGibbs,
    block,
    cycle,
    edit,
    infer,
    site,
    suffix,
)
from steersman.inference.chain.target import Joint
from steersman.inference.kernels import Kernel
from steersman.inference.kernels.particle_gibbs import particle_gibbs
from steersman.inference.run import Run
from steersman.inference.run.algorithm import Algorithm
from steersman.inference.run.schedule import run_together
from steersman.inference.testing import (
    OracleModel,
    Tape,
    TapedChain,
    TapedLM,
    check_chain,
    check_measure,
    check_method,
    execution,
    exhaust,
)
from steersman.models import TableLM
from steersman.models.where import rejection
from steersman.ppl import factor, generate, program, sample
from steersman.ppl.constraints import regex
from steersman.ppl.constraints.predicate import predicate
from steersman.ppl.constraints.protocol import Constraint
from steersman.ppl.effects import Invocation
from steersman.ppl.errors import AllParticlesDead
from steersman.ppl.particle import Particle
from steersman.ppl.trace import Trace


def tidy(text: str) -> bool | None:
    """Not empty, no "c", no "aa"."""
    if "c" in text or "aa" in text:
        return False
    return True if text else None


def letters(seed: int) -> TableLM:
    """Only a, b and c: texts end by their length."""
    return TableLM.random(3, seed=seed, eos=None)


@program
async def draw(lm: TableLM, where: Constraint, max_tokens: int) -> str:
    text = await sample(lm.text("b", max_tokens=max_tokens, where=where), "text")
    await factor(0.2 * text.count("b"), "taste")
    return str(text)


def model(lm: TableLM, where: Constraint, max_tokens: int) -> OracleModel:
    return OracleModel(repr(where), lambda wrap: draw(wrap(lm), where, max_tokens))


@pytest.mark.parametrize("exact", [False, True])
def test_enumeration_is_the_conditional(exact: bool) -> None:
    """log Z is the log of the summed mass of the texts that the predicate is satisfied with, to rounding."""
    lm = TableLM.random(4, seed=3)

    @program
    async def plain() -> str:
        return str(await sample(lm.text("b", max_tokens=4), "text"))

    @program
    async def conditioned() -> str:
        return str(await sample(lm.text("b", max_tokens=4, where=predicate(tidy, exact=exact)), "text"))

    mass = {v: p for v, p in infer(plain(), Enumerate()).probabilities().items() if tidy(v)}
    posterior = infer(conditioned(), Enumerate())
    assert posterior.log_evidence == pytest.approx(math.log(sum(mass.values())), abs=1e-12)
    assert posterior.probabilities() == pytest.approx({v: p / sum(mass.values()) for v, p in mass.items()}, abs=1e-12)


@pytest.mark.parametrize("where", [
    predicate(tidy, cap=0), predicate(tidy, cap=1), predicate(tidy), regex("[ab]b*|.*c") & predicate(tidy),
    regex("bca|a.*") | predicate(tidy),
], ids=["cap=0", "cap=1", "cap=64", "and", "or"])
def test_importance_is_properly_weighted(where: Constraint) -> None:
    """Every random choice of the sampler, text by text: 1e-5 of Z, without chance, also where a mask is half known."""
    report = check_measure(lambda resampler: Importance(1), model(letters(5), where, 3))
    assert report.passed, report


@pytest.mark.parametrize("cap", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_smc_is_properly_weighted(cap: int) -> None:
    """The same for two particles that are resampled."""
    report = check_measure(lambda resampler: SMC(2, resample=resampler), model(letters(6), predicate(tidy, cap=cap), 2))
    assert report.passed, report


def flow(kernel: Kernel, build: Callable[[TableLM], Invocation[Any]], lm: TableLM) -> np.ndarray:
    """pi(x) K(x, y), x and y executions without their W: every step begins with a W drawn given x, as it is in
    equilibrium. The last column is what leaves the support."""
    exact = infer(build(lm), Enumerate())
    traces = [t for t in exact.traces if t is not None]
    states = {execution(t): i for i, t in enumerate(traces)}
    pi = np.exp([t.log_joint for t in traces])
    out = np.zeros((len(traces), len(traces) + 1))
    for i, trace in enumerate(traces):

        def step(tape: Tape, trace: Trace = trace) -> int:
            model = build(TapedLM(lm, tape))
            run: Any = Run(model)
            run.tape = tape
            start = generate(model, trace.choices()).trace
            assert start is not None
            chain = TapedChain(run, Particle.of_trace(start), Joint())
            run_together([kernel.step(chain)])
            return states.get(execution(chain.trace), -1)

        for probability, after in exhaust(step):
            out[i, after] += pi[i] / pi.sum() * probability
    return out


def flow_of(kernel: Kernel, cap: int, max_tokens: int = 2, lm: TableLM | None = None) -> np.ndarray:
    lm = letters(8) if lm is None else lm
    mass = flow(kernel, lambda lm: draw(lm, predicate(tidy, cap=cap), max_tokens), lm)
    assert mass.sum() == pytest.approx(1.0, abs=1e-12) and not mass[:, -1].any()
    return mass[:, :-1]


MOVES = [suffix(), site(), site(tokens=True), block(length=1)]


@pytest.mark.parametrize("kernel", MOVES, ids=lambda k: k.name)
@pytest.mark.parametrize("cap", [0, pytest.param(1, marks=pytest.mark.slow), pytest.param(64, marks=pytest.mark.slow)])
def test_kernels_are_reversible(kernel: Kernel, cap: int) -> None:
    """pi(x) K(x, y) = pi(y) K(y, x) to 1e-12, the random weights summed out: those that draws have left, and those that
    were drawn for imposed tokens."""
    mass = flow_of(kernel, cap)
    assert np.abs(mass - mass.T).max() < 1e-12


def drift(kernel: Kernel, cap: int, max_tokens: int = 2) -> float:
    mass = flow_of(kernel, cap, max_tokens)
    return float(np.abs(mass.sum(0) - mass.sum(1)).max())


@pytest.mark.slow
def test_two_blocks_leave_it_invariant() -> None:
    """What a block leaves behind, the weights of kept tokens too, has the law that the next move needs."""
    assert drift(cycle(block(length=1), block(length=1)), 1) < 1e-12


@pytest.mark.slow
@pytest.mark.parametrize(("ancestor_sampling", "cap"), [(False, 0), (False, 1), (True, 0)])
def test_particle_gibbs_leaves_it_invariant(ancestor_sampling: bool, cap: int) -> None:
    """The reference keeps its weights; given another past, it gets new ones."""
    assert drift(particle_gibbs(2, resample_at="token", ancestor_sampling=ancestor_sampling), cap) < 1e-12


@pytest.mark.slow
def test_fixed_weights_of_imposed_tokens_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Mutant: imposed tokens are given the density log p - log Z, as if Z were what draws are weighed by. Two moves in
    a row then leave another law, and do not otherwise."""
    twice = cycle(site(tokens=True), site(tokens=True))
    assert drift(twice, 1, max_tokens=1) < 1e-12
    estimate = rejection.estimate
    monkeypatch.setattr(rejection, "estimate", lambda *given: estimate(*given[:3], None))
    assert drift(twice, 1, max_tokens=1) > 1e-4


CHAINS = [
    MH(400, 5, suffix(), warmup=10), MH(400, 5, cycle(block(length=2), edit(), suffix()), warmup=8),
    ParticleGibbs(4, 2, chains=300, warmup=3), ParticleGibbs(3, 2, chains=300, warmup=3, ancestor_sampling=True),
]


@pytest.mark.slow
@pytest.mark.parametrize("method", CHAINS, ids=["suffix", "block and edit", "particle Gibbs", "PGAS"])
def test_chains_agree(method: Algorithm[Any]) -> None:
    """From their own start, chains reach the exact posterior of texts of up to four tokens."""
    report = check_chain(method, draw(TableLM.random(4, seed=9), predicate(tidy, cap=2), 4), seed=1)
    assert report.passed, report


@pytest.mark.parametrize("method", [Importance(6), SMC(6, resample_at="token"), SMC(6)], ids=lambda m: m.name)
def test_particles_agree(method: Algorithm[Any]) -> None:
    """E[Zhat f] = Z E[f] for texts of up to four tokens."""
    target = draw(TableLM.random(4, seed=2), predicate(tidy, cap=2), 4)
    report = check_method(method, target, runs=150, error_bars=False, seed=4)
    assert report.passed, report


def test_nothing_is_accepted() -> None:
    """A predicate that is never satisfied: all particles die, and the error names the site."""
    lm = TableLM.random(3, seed=1)
    never = predicate(lambda text: False if len(text) > 1 else None, name="never")
    with pytest.raises(AllParticlesDead, match=r"killed by: text/token#1 \(20\)"):
        infer(draw(lm, never, 3), SMC(20))
