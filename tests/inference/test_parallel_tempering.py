"""Parallel tempering: every temperature keeps its own target, and modes that local moves cannot leave are weighed."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np
import pytest
from tempered_laws import final_states, misfit, reweighted

from steersman.inference import MH, SMC, Budget, Enumerate, ParallelTempering, Posterior, infer, ladder, site, suffix
from steersman.inference.chain.start import start_chains
from steersman.inference.chain.target import Tempered
from steersman.inference.evidence.stepping_stones import stepping_stones
from steersman.inference.run import Run
from steersman.inference.testing import OracleModel, crossroads_model, letters_model, sentence_model
from steersman.inference.testing.chi_square import fit
from steersman.models import TableLM
from steersman.ppl import Text, condition, factor, observe, program, sample
from steersman.ppl.protocols import Floats

BITS = TableLM([0.0, 0.0], eos=None, vocabulary=["a", "b"])
LM = TableLM.random(3, seed=2, scale=0.7)


@program
async def two_modes() -> str:
    """Seven letters that must agree: from all a to all b single letters pass through a valley of 1e-5."""
    text: Text = await sample(BITS.text("", max_tokens=7), "text")
    heads = text.tokens.count(0)
    await factor(1.3 * abs(2 * heads - 7) + (2.5 if heads > 3 else 0.0), "agreement")
    return str(text)


@program
async def judged() -> tuple[int, ...]:
    """Two factors, an observation and a condition; texts of varying length."""
    text: Text = await sample(LM.text("", max_tokens=2), "text")
    await condition(text.tokens[:1] != (2,), "not two")
    await factor(1.1 * len(text.tokens) - 0.8, "length")
    await observe(LM.next("b"), min(2, len(text.tokens)), "witness")
    await factor(1.5 if text.tokens[-1:] == (1,) else -0.7, "ending")
    return (*text.tokens, -1) if text.finish == "eos" else text.tokens


LETTERS = pytest.param(letters_model(), marks=pytest.mark.slow)


def is_a(text: str) -> float:
    return float(text.count("a") > 3)


def by_ladder(posterior: Posterior, f: Any) -> Floats:
    """The mean of f in each chain."""
    assert posterior.chains is not None
    values = np.array([f(v) for v in posterior.values])
    return values.reshape(posterior.chains.chains, posterior.chains.draws).mean(1)


def z_of(means: Floats, expected: float) -> float:
    return float((means.mean() - expected) / (means.std(ddof=1) / math.sqrt(len(means))))


@pytest.mark.slow
def test_modes_are_weighed_where_local_moves_stay_in_one() -> None:
    """Sixteen independent ladders agree with enumeration; single chains never leave the mode they began in."""
    exact = infer(two_modes(), Enumerate())
    statistics = {"a": is_a, "first": lambda v: v[0] == "a", "pure": lambda v: v in ("a" * 7, "b" * 7)}
    moves = site(tokens=True)
    tempered = infer(two_modes(), ParallelTempering(ladder(5, 0.1), 200, moves, chains=16, warmup=40), seed=1)
    for f in statistics.values():
        assert abs(z_of(by_ladder(tempered, f), exact.expectation(f))) < 5.2  # Student's t, 15 degrees: p = 1e-4
    assert abs(by_ladder(tempered, is_a).mean() - exact.expectation(is_a)) < 0.1
    alone = infer(two_modes(), MH(96, 100, moves, warmup=60), seed=1)
    assert abs(z_of(by_ladder(alone, is_a), exact.expectation(is_a))) > 4.5
    assert np.isin(by_ladder(alone, is_a), (0.0, 1.0)).mean() > 0.8
    assert tempered.info["round trips"] > 16
    assert all(0.2 < rate < 1.0 for rate in tempered.info["swap acceptance"])


class FromTheTarget(ParallelTempering):
    """Every replica starts with an exact draw from the target of its temperature."""

    async def _start(self, run: Run, state: Any) -> None:
        await super()._start(run, state)
        exact = infer(run.model, Enumerate())
        K = len(self.betas)
        for k, beta in enumerate(self.betas):
            there = Run(run.model, run.key.fold(77, k))
            draws = await start_chains(there, reweighted(exact, Tempered(beta, self.names)), self.chains)
            for c, particle in enumerate(draws):
                state.chains[c * K + k].particle = particle


class Inverted(FromTheTarget):
    """A mutant: the ratio of the swap upside down."""

    def _log_alpha(self, k: int, E_hot: float, E_cold: float) -> float:
        return -super()._log_alpha(k, E_hot, E_cold)


class Always(FromTheTarget):
    """A mutant: every swap is accepted."""

    def _log_alpha(self, k: int, E_hot: float, E_cold: float) -> float:
        return 0.0


class TargetsStay(FromTheTarget):
    """A mutant: executions are exchanged by exchanging replicas, whose targets are not set to the new temperature."""

    def _exchange(self, hot: Any, cold: Any) -> None:
        super()._exchange(hot, cold)
        hot.target, cold.target = cold.target, hot.target


def misfits(cls: type[FromTheTarget], names: Any = None, ladders: int = 1000) -> list[float]:
    """z of chi-square at each temperature, and of all temperatures jointly, three steps after an exact start."""
    betas = (0.05, 0.3, 1.0)
    exact = infer(judged(), Enumerate())
    method = cls(betas, 3, suffix(), chains=ladders, names=names, warmup=0, init=exact)
    state = final_states(judged(), method, seed=2)
    tables = [reweighted(exact, Tempered(b, None if names is None else frozenset(names))) for b in betas]
    values = np.array([str(c.trace.value) for c in state.chains]).reshape(ladders, 3)
    law = [{str(v): p for v, p in t.probabilities().items()} for t in tables]
    z = [misfit([c.trace.value for c in state.chains[k::3]], tables[k]) for k in range(3)]
    joint = {(u, v): p * q for u, p in law[1].items() for v, q in law[2].items()}
    return [*z, fit("draws", "pairs", Counter((u, v) for _, u, v in values.tolist()), joint).z]


@pytest.mark.parametrize("names", [None, ["ending"]])
def test_product_of_the_tempered_targets_is_invariant(names: Any) -> None:
    """Replicas that start independently at prior L^beta_k are still that after moves and swaps, jointly."""
    assert max(misfits(FromTheTarget, names)) < 4.2


@pytest.mark.slow
@pytest.mark.parametrize("mutant", [Inverted, Always, TargetsStay], ids=lambda m: m.__name__)
def test_wrong_swaps_are_seen(mutant: type[FromTheTarget]) -> None:
    """The mutants do not leave it invariant."""
    assert max(misfits(mutant)) > 6.0


class KeepsAll(FromTheTarget):
    """A mutant: the executions at all temperatures are kept."""

    def _keep(self, state: Any) -> None:
        for kept, replicas in zip(state.kept, self._ladders(state), strict=True):
            kept += [c.trace for c in replicas]


def test_only_the_posterior_is_kept() -> None:
    """The kept executions are draws of the posterior; those of all temperatures are not."""
    exact = infer(judged(), Enumerate())
    settings: dict[str, Any] = {"chains": 1000, "warmup": 0, "init": exact}
    kept, mixed = (infer(judged(), c((0.05, 0.3, 1.0), 1, suffix(), **settings)) for c in (FromTheTarget, KeepsAll))
    assert misfit(kept.values, exact) < 4.0
    assert misfit(mixed.values, exact) > 6.0
    assert len(kept) == 1000


@pytest.mark.parametrize("model", [sentence_model("proposal"), crossroads_model(), LETTERS], ids=str)
def test_agrees_on_the_oracle_models(model: OracleModel) -> None:
    """Expectations of every statistic, and log Z, in standard errors over 24 ladders."""
    method = ParallelTempering((0.0, 0.3, 1.0), 80, suffix(), chains=24, warmup=20)
    posterior = infer(model.program, method, seed=3)
    for f in model.statistics.values():
        means = by_ladder(posterior, f)
        expected = model.exact.expectation(f)
        assert means.std() == 0.0 == means.mean() - expected or abs(z_of(means, expected)) < 4.8
    assert abs(posterior.log_evidence - model.exact.log_evidence) < 4.8 * posterior.log_evidence_error
    assert posterior.log_evidence_error < 0.3


@pytest.mark.slow
def test_log_evidence_error_is_that_of_the_runs() -> None:
    """Over independent runs (log Zhat - log Z) / error has about unit variance: Student's t with 7 degrees."""
    exact = infer(judged(), Enumerate()).log_evidence
    method = ParallelTempering((0.0, 0.4, 1.0), 30, suffix(), chains=8, warmup=5)
    runs = [infer(judged(), method, seed=s) for s in range(40)]
    z = np.array([(p.log_evidence - exact) / p.log_evidence_error for p in runs])
    assert 0.6 < float(np.sqrt((z**2).mean())) < 1.6
    assert abs(z.mean()) * math.sqrt(len(z)) < 4.5


def test_stepping_stones_of_exact_energies() -> None:
    """Where every ladder shows the same energies, log Z = log Z_0 + sum_k (beta_{k+1} - beta_k) E_k."""
    energies = np.tile([3.0, 1.0, 5.0], (10, 4, 1))
    stones = stepping_stones([0.0, 0.25, 1.0], energies, np.array([0.0, -math.inf]))
    assert stones.log_z == pytest.approx(math.log(0.5) + 0.25 * 3.0 + 0.75 * 1.0)
    assert stones.error == pytest.approx(1.0)  # of the mean of one 2 and one 0
    dead = stepping_stones([0.0, 1.0], energies[:, :, :2], np.full(3, -math.inf))
    assert math.isnan(dead.log_z) and math.isnan(dead.error)


def test_without_the_prior_there_is_no_evidence() -> None:
    """log Z is nan where the ladder does not begin at 0, its error where there is one ladder."""
    started = infer(judged(), ParallelTempering(ladder(3), 10, suffix(), chains=2))
    assert math.isnan(started.log_evidence) and math.isnan(started.log_evidence_error)
    one = infer(judged(), ParallelTempering(ladder(3, prior=True), 10, suffix(), chains=1))
    assert math.isfinite(one.log_evidence) and math.isnan(one.log_evidence_error)


def test_what_the_result_reports() -> None:
    """Acceptance of the moves at beta = 1 and of every pair of neighbours; draws lie ladder by ladder."""
    posterior = infer(judged(), ParallelTempering(ladder(4, 0.2), 40, suffix(), chains=3, thin=2), seed=1)
    assert posterior.chains is not None
    assert (posterior.chains.chains, posterior.chains.draws, len(posterior)) == (3, 20, 60)
    assert posterior.info["betas"] == pytest.approx([0.2, 0.2 ** (2 / 3), 0.2 ** (1 / 3), 1.0])
    tried = posterior.chains.tally.tried
    assert tried["suffix()"] == 3 * 40
    assert [n for name, n in tried.items() if name.startswith("swap")] == [60, 60, 60]
    assert posterior.weights == pytest.approx(np.full(60, 1 / 60))


def test_starts_anywhere_and_stops_anywhere() -> None:
    """Any start; a budget leaves the draws so far; the run is a function of its seed."""
    method = ParallelTempering(ladder(3), 30, suffix(), chains=2, init=SMC(8))
    assert infer(judged(), method, seed=4).values == infer(judged(), method, seed=4).values
    stopped = infer(judged(), method, seed=4, budget=Budget(tokens=200))
    assert stopped.stopped is not None and stopped.cost.tokens <= 200
    both = infer([judged(), two_modes()], ParallelTempering(ladder(3), 10, suffix(), chains=2), seed=6)
    alone = infer(judged(), ParallelTempering(ladder(3), 10, suffix(), chains=2), seed=6)
    assert both[0].values == alone.values


@pytest.mark.parametrize(
    ("betas", "says"),
    [((0.5, 0.9), "up to 1.0"), ((1.0,), "two or more"), ((0.5, 0.5, 1.0), "different"), ((-0.1, 1.0), "0 or more"),
     ((math.nan, 1.0), "0 or more"), ((0.5, 1.0, 2.0), "up to 1.0")],
)
def test_bad_ladders_are_refused(betas: tuple[float, ...], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        ParallelTempering(betas, 10)


def test_ladder_is_geometric() -> None:
    assert ladder(3, 0.01) == pytest.approx((0.01, 0.1, 1.0))
    assert ladder(3, 0.25, prior=True) == (0.0, 0.25, 1.0)
    for n, hottest in ((1, 0.1), (3, 0.0), (3, 1.0)):
        with pytest.raises(ValueError, match="ladder"):
            ladder(n, hottest)
