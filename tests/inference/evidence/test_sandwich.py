"""Bounds on log Z from both sides: their expectations exactly, their estimates in standard errors, and the mutants."""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from perfect_guide import perfectly_guided

from steersman.inference import MH, SMC, Bounds, Chains, Enumerate, Importance, Posterior, infer, sandwich
from steersman.inference.chain import Tally
from steersman.inference.chain.target import Joint
from steersman.inference.evidence import reverse as ways
from steersman.inference.posterior import Cost
from steersman.inference.resampling.weights import log_mean_exp
from steersman.inference.run import Run
from steersman.inference.run.schedule import execute, run_together
from steersman.inference.testing import OracleModel, exhaust, oracle_models, sentence_model
from steersman.inference.testing.taped_run import TapedChain, TapedRun
from steersman.inference.variational import Guide
from steersman.models import TableLM
from steersman.ppl import Trace, UnknownAddress, condition, dist, factor, program, sample
from steersman.ppl.particle import Particle

bounds_of = importlib.import_module("steersman.inference.evidence.sandwich")
LM = TableLM.random(3, seed=4, scale=0.8)
DRAFT = TableLM.random(3, seed=9, scale=0.8)
Word = tuple[int, ...]
Outcomes = list[tuple[float, float]]


@program
async def word(how: str = "prior") -> Word:
    """At most two tokens of two, or the end; strong factors that disagree."""
    out: list[int] = []
    while len(out) < 2:
        target = LM.next(LM.context() + out)
        proposal = DRAFT.next(DRAFT.context() + out) if how == "proposal" else None
        token = await sample(target, "token", proposal=proposal)
        if token in LM.eos:
            break
        out.append(token)
        await factor(1.4 if token == out[0] else -0.9, "step")
    await factor(0.8 * len(out) - 1.2 * out.count(1), "final")
    return tuple(out)


@program
async def guide() -> None:
    token = await sample(DRAFT.next(""), "token")
    if token not in DRAFT.eos:
        await sample(DRAFT.next(DRAFT.context() + token).tempered(1.4), "token")


@program
async def short_guide() -> None:
    await sample(DRAFT.next(""), "token")


def log_factors(w: Word) -> float:
    return sum(1.4 if t == w[0] else -0.9 for t in w) + 0.8 * len(w) - 1.2 * w.count(1)


def masses(lm: TableLM) -> dict[Word, float]:
    """Word -> probability that the model draws it, by plain loops over its tables."""
    end = next(iter(lm.eos))
    table: dict[Word, float] = {}
    first = np.exp(lm.next_log_probs([()], None, None)[0])
    for a, p in enumerate(first.tolist()):
        if a == end:
            table[()] = p
            continue
        for b, q in enumerate(np.exp(lm.next_log_probs([(a,)], None, None)[0]).tolist()):
            table[(a,) if b == end else (a, b)] = p * q
    return table


PRIOR = masses(LM)
TARGET = {w: p * math.exp(log_factors(w)) for w, p in PRIOR.items()}
Z = math.fsum(TARGET.values())
EXACT = infer(word(), Enumerate())
SETTINGS = {
    "importance": (word(), Importance(2)),
    "proposal": (word("proposal"), Importance(2)),
    "guide": (word(), Importance(2, proposal=guide)),
    "short guide": (word(), Importance(2, proposal=short_guide)),
    "guide in step": (word(), Importance(2, proposal=Guide(guide()))),
    "smc": (word(), SMC(2)),
    "smc, proposal": (word("proposal"), SMC(2, resample_at="step")),
    "smc, at tokens": (word(), SMC(2, resample_at="token")),
    "smc, guide": (word(), SMC(2, resample_at="step", proposal=Guide(guide()))),
    "smc, short guide": (word(), SMC(2, resample_at="step", proposal=short_guide)),
}


def everything(what: Callable[[TapedRun], Any], monkeypatch: pytest.MonkeyPatch, model: Any) -> Outcomes:
    """(probability, result) of a coroutine for every sequence of its random choices."""

    def taped(run: Run, slot: int, particle: Particle) -> TapedChain:
        assert isinstance(run, TapedRun)
        return TapedChain(run, particle, Joint())

    monkeypatch.setattr(ways, "Chain", taped)
    found = list(exhaust(lambda tape: run_together([what(TapedRun(model, tape))])[0]))
    assert math.fsum(p for p, _ in found) == pytest.approx(1.0)
    return found


def both_ways(name: str, monkeypatch: pytest.MonkeyPatch) -> tuple[Outcomes, Outcomes]:
    """(probability, log Zhat) of everything that a forward and a reverse run can do; the latter from every draw of the
    exact posterior."""
    model, method = SETTINGS[name]
    back = []
    for W, trace in EXACT.weighted_traces():
        given = everything(lambda run, x=trace: ways.reverse(run, method, x), monkeypatch, model)  # type: ignore[misc]
        back += [(W * p, z) for p, z in given]
    return everything(lambda run: ways.forward(run, method), monkeypatch, model), back


def mean(found: Outcomes, f: Callable[[float], float] = float) -> float:
    return math.fsum(p * f(z) for p, z in found)


def by_hand(q: dict[Word, float]) -> tuple[float, float]:
    """E log Zhat of two draws from q, and of one from the posterior with one from q."""
    w = {v: TARGET[v] / q[v] for v in q}
    lower = math.fsum(q[a] * q[b] * math.log((w[a] + w[b]) / 2) for a in q for b in q)
    upper = math.fsum(TARGET[a] / Z * q[b] * math.log((w[a] + w[b]) / 2) for a in q for b in q)
    return lower, upper


def test_the_oracle_is_right() -> None:
    """Enumeration agrees with the plain loops."""
    assert EXACT.log_evidence == pytest.approx(math.log(Z))
    assert EXACT.probabilities() == pytest.approx({w: p / Z for w, p in TARGET.items()})


@pytest.mark.parametrize("name", ["importance", "proposal"])
def test_importance_by_hand(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """E log Zhat over all choices, forwards and in reverse, is the sum written down by hand, and they enclose log Z."""
    forth, back = both_ways(name, monkeypatch)
    lower, upper = by_hand(PRIOR if name == "importance" else masses(DRAFT))
    assert mean(forth) == pytest.approx(lower, abs=1e-12)
    assert mean(back) == pytest.approx(upper, abs=1e-12)
    assert lower < math.log(Z) - 0.01 and upper > math.log(Z) + 0.01


@pytest.mark.parametrize("name", SETTINGS)
def test_reverse_is_forward_reweighted(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exactly: P_reverse = P_forward Zhat / Z. So E_reverse f(Zhat) = E_forward Zhat f(Zhat) / Z for every f, and in
    particular the bounds enclose log Z."""
    forth, back = both_ways(name, monkeypatch)
    assert mean(forth, math.exp) == pytest.approx(Z, rel=1e-12)
    for f in (lambda z: z, lambda z: z * z, lambda z: math.exp(-z), lambda z: float(z > math.log(Z))):
        reweighted = mean(forth, lambda z, f=f: math.exp(z) * f(z) / Z)  # type: ignore[misc]
        assert mean(back, f) == pytest.approx(reweighted, rel=1e-10, abs=1e-12)
    assert mean(forth) < math.log(Z) < mean(back)


def jeffreys(a: dict[Word, float], b: dict[Word, float]) -> float:
    return math.fsum((a[v] - b[v]) * math.log(a[v] / b[v]) for v in a)


def test_the_gap_bounds_the_distance_of_the_sampler() -> None:
    """AIDE: for one particle the gap is the symmetrised KL divergence of proposal and posterior; for N = 2 it is at
    least that of the law of a weighted draw, which is the smaller the more particles there are."""
    posterior = {w: p / Z for w, p in TARGET.items()}
    w = {v: TARGET[v] / PRIOR[v] for v in PRIOR}
    law = dict.fromkeys(PRIOR, 0.0)
    for a in PRIOR:
        for b in PRIOR:
            for v in (a, b):
                law[v] += PRIOR[a] * PRIOR[b] * w[v] / (w[a] + w[b])
    lower, upper = by_hand(PRIOR)
    assert upper - lower > jeffreys(law, posterior) > 0.01
    one = sandwich(word(), Importance(1), EXACT, runs=4000)
    assert abs(one.gap - jeffreys(PRIOR, posterior)) < 4 * one.gap_error
    assert jeffreys(law, posterior) < jeffreys(PRIOR, posterior)


@program
async def ahead() -> None:
    """Draws each token from its conditional in the posterior: p(token, all that follows) f / the same sum."""
    begun: Word = ()
    while len(begun) < 2:
        goes_on = [sum(p for w, p in TARGET.items() if w[: len(begun) + 1] == (*begun, t)) for t in (1, 2)]
        mass = np.array([TARGET[begun], *goes_on])  # token 0 is the end
        token = await sample(dist.Categorical(probs=mass / mass.sum()), "token")
        if token == 0:
            return
        begun = (*begun, token)


def test_smc_with_a_guide_that_matters() -> None:
    """A guide that looks ahead to the factors leaves SMC no gap, which it has without; whatever the guide, the bounds
    enclose log Z."""
    perfect = sandwich(word(), SMC(4, resample_at="final", proposal=ahead), EXACT, runs=20)
    assert perfect.lower == pytest.approx(math.log(Z), abs=1e-4) == perfect.upper
    alone = sandwich(word(), SMC(4, resample_at="final"), EXACT, runs=200)
    assert alone.gap > 5 * alone.gap_error
    other = sandwich(word(), SMC(4, proposal=guide), EXACT, runs=200)
    for bounds in (alone, other):
        assert bounds.lower - 4 * bounds.lower_error < math.log(Z) < bounds.upper + 4 * bounds.upper_error


def test_a_reverse_run_without_the_guide_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The mutant that runs forwards with the guide and in reverse without is no reweighted forward run."""
    forth, _ = both_ways("smc, guide", monkeypatch)
    _, back = both_ways("smc", monkeypatch)
    assert abs(mean(back) - mean(forth, lambda z: math.exp(z) * z / Z)) > 0.01


MODELS = [m for m in oracle_models() if not m.name.startswith("coins")]


@pytest.mark.parametrize("method", [Importance(8), SMC(8)], ids=lambda m: m.name)
@pytest.mark.parametrize("model", MODELS, ids=lambda m: m.name)
def test_bounds_enclose_log_z(model: OracleModel, method: Any) -> None:
    """On every oracle model: lower <= log Z <= upper, as far as 4 standard errors can tell."""
    bounds = sandwich(model.program, method, model.exact, runs=60)
    log_z = model.exact.log_evidence
    assert bounds.lower < log_z + 4 * bounds.lower_error
    assert bounds.upper > log_z - 4 * bounds.upper_error
    assert bounds.gap > -4 * bounds.gap_error


def off(bounds: Bounds) -> float:
    """How many standard errors the bounds lie from what they must expect."""
    lower, upper = by_hand(masses(DRAFT))
    return max(abs(bounds.lower - lower) / bounds.lower_error, abs(bounds.upper - upper) / bounds.upper_error)


def test_estimates_have_the_right_expectations() -> None:
    """Against the sums by hand: |z| < 4, with errors that shrink as 1 / sqrt(runs)."""
    bounds = sandwich(word("proposal"), Importance(2), EXACT, runs=2000, seed=5)
    assert off(bounds) < 4
    fewer = sandwich(word("proposal"), Importance(2), EXACT, runs=500, seed=5)
    assert fewer.lower_error / bounds.lower_error == pytest.approx(2, rel=0.2)
    assert str(bounds).count("±") == 3 and bounds.cost.tokens > 4 * 2000


async def forgets(run: Run, method: Any, trace: Trace) -> float:
    return await ways.forward(run, method)


async def not_divided(run: Run, proposal: Any, retained: Trace) -> float:
    return retained.log_joint - sum(s.log_p for s in retained.choice_sites().values())


async def one_too_many(run: Run, method: Importance, retained: Trace) -> float:
    fresh = (await execute(run, method)).log_weights + math.log(method.particles)
    return log_mean_exp([await ways._log_weight(run, None, retained), *fresh])


def log_of_mean(log_z: list[float]) -> tuple[float, float]:
    z = np.exp(log_z)
    return float(np.log(z.mean())), float(z.std(ddof=1) / z.mean()) / math.sqrt(len(z))


MUTANTS = {
    "the draw is not retained": (bounds_of, "reverse", forgets),
    "Zhat is averaged, not its logarithm": (bounds_of, "_mean", log_of_mean),
    "the weight of the retained draw lacks its proposal": (ways, "_log_weight", not_divided),
    "N fresh particles beside it": (ways, "_conditional_importance", one_too_many),
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_mutants_are_seen(mutant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is off by more than 6 standard errors; without a retained draw the upper bound falls below log Z."""
    monkeypatch.setattr(*MUTANTS[mutant])
    bounds = sandwich(word("proposal"), Importance(2), EXACT, runs=2000, seed=5)
    assert off(bounds) > 6
    if mutant == "the draw is not retained":
        assert bounds.upper < math.log(Z) - 4 * bounds.upper_error


def test_a_perfect_sampler_has_no_gap() -> None:
    """A guide that draws from the posterior makes both bounds log Z, without error."""
    target, perfect, exact = perfectly_guided(LM)
    bounds = sandwich(target, Importance(4, proposal=perfect), exact, runs=10)
    assert bounds.lower == pytest.approx(exact.log_evidence) == bounds.upper
    assert bounds.gap_error < 1e-9


def test_more_particles_tighten_both_bounds() -> None:
    """The gap falls with N."""
    gaps = [sandwich(word(), Importance(n), EXACT, runs=r) for n, r in ((2, 1000), (6, 1000), (24, 200))]
    for few, more in pairwise(gaps):
        assert few.gap - more.gap > 5 * math.hypot(few.gap_error, more.gap_error)


def test_runs_that_die_leave_no_lower_bound() -> None:
    """Where all particles of a run may die, E log Zhat is -inf; the upper bound is what it was."""

    @program
    async def heads() -> int:
        token = await sample(LM.next(""), "token")
        await condition(token == 1)
        return token

    exact = infer(heads, Enumerate())
    for method in (Importance(2), SMC(2)):
        bounds = sandwich(heads, method, exact, runs=100)
        assert bounds.lower == -math.inf and math.isnan(bounds.lower_error) and bounds.gap == math.inf
        assert bounds.upper > exact.log_evidence - 4 * bounds.upper_error


def test_draws_of_another_form_of_the_program(tmp_path: Path) -> None:
    """What counts are the choices: traces from a file, or of a form of the program with other proposals, give the same
    bounds, bit for bit; and so does any number of runs at a time."""
    own = sandwich(word("proposal"), SMC(4), infer(word("proposal"), Enumerate()), runs=20)
    EXACT.save(tmp_path / "p.json")
    for other in (EXACT, Posterior.load(tmp_path / "p.json")):
        bounds = sandwich(word("proposal"), SMC(4), other, runs=20)
        assert (bounds.lower, bounds.upper) == (own.lower, own.upper)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bounds_of, "_IN_MEMORY", 12)
        few = sandwich(word("proposal"), SMC(4), EXACT, runs=20)
    assert (few.lower, few.upper) == (own.lower, own.upper)
    assert few.lower != sandwich(word("proposal"), SMC(4), EXACT, runs=20, seed=1).lower


def test_draws_by_mcmc() -> None:
    """With a long chain's draws instead of exact ones the bounds enclose log Z as well."""
    chains = infer(word(), MH(20, 50, warmup=50), seed=1)
    bounds = sandwich(word(), SMC(4), chains, runs=200)
    assert bounds.lower - 4 * bounds.lower_error < math.log(Z) < bounds.upper + 4 * bounds.upper_error


def test_errors_say_what_does_not_fit() -> None:
    """Another method, another program, a proposal that does not cover, one run, annealed chains."""
    for method in (MH(2, 3), SMC(4, expand=2), "SMC"):
        with pytest.raises(TypeError, match=r"cannot be run in reverse.*Importance\(N\) or SMC\(N\)"):
            sandwich(word(), method, EXACT)  # type: ignore[arg-type]
    for method in (Importance(2), SMC(2)):
        with pytest.raises(UnknownAddress, match=r"'token.*' that a draw of the posterior lacks; it has other"):
            sandwich(word(), method, infer(stranger(), Enumerate()))
        with pytest.raises(ValueError, match="is no execution of"):
            sandwich(sentence_model().program, method, infer(repeating(), Enumerate()))
        with pytest.raises(ValueError, match=r"cannot be proposed at 'token'.*whatever the target can"):
            sandwich(blind(), method, infer(blind(), Enumerate()))
    with pytest.raises(ValueError, match="cannot be proposed at 'token'"):
        sandwich(word(), Importance(2, proposal=blind_guide), EXACT)
    with pytest.raises(ValueError, match="runs must be at least 2"):
        sandwich(word(), SMC(2), EXACT, runs=1)
    traces, log_w = EXACT.traces[:2], np.log([0.5, 0.5])
    annealed = Posterior(traces, log_w, math.nan, math.nan, Cost(0, 0, 0, 0.0), "Anneal",
                         chains=Chains(2, 1, Tally(), "optimisation"))
    with pytest.raises(ValueError, match="annealed"):
        sandwich(word(), SMC(2), annealed)


@program
async def stranger() -> int:
    return await sample(LM.next(""), "other")


@program
async def repeating() -> None:
    for _ in range(4):
        await sample(LM.next("").masked([2]), "token")


@program
async def blind() -> int:
    return await sample(LM.next(""), "token", proposal=LM.next("").masked([1]))


@program
async def blind_guide() -> None:
    await sample(LM.next("").masked([1]), "token")
