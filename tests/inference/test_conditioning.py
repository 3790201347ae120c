"""`where=` under every backend: exact conditionals over all tokenizations of a language, summed without our code.

The model is a bigram table over a byte-level BPE of 300 tokens, so most texts have several spellings, and the
conditional is over sequences of tokens and the way they ended. The languages are judged by others; see `where_cases`.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import pytest
from where_cases import CASES, Case, Draw, case

from steersman.inference import MH, SMC, Enumerate, Importance, ParticleGibbs, block, every, infer, site, suffix
from steersman.inference.kernels.kernel import Kernel
from steersman.inference.run.algorithm import Algorithm
from steersman.inference.testing import OracleModel, check_chain, check_kernel, check_method
from steersman.inference.testing.models import Statistic
from steersman.models import LanguageModel
from steersman.models.where import ConditionedToken, Progress, SteeredToken
from steersman.ppl import program, sample


@program
async def line(lm: LanguageModel, case: Case) -> Draw:
    text = await sample(lm.text(case.prompt, where=case.constraint, **case.options), "text")
    return text.tokens, text.finish


@cache
def model(name: str) -> OracleModel:
    """Its statistics are about what is not rare, so that a few hundred runs can tell how often it is seen."""
    expected = case(name).truth()[1]
    likely = sorted((d for d, p in expected.items() if 0.08 < p < 0.97), key=lambda d: -expected[d])[:6]
    statistics: dict[str, Statistic] = {f"is {d}": _indicator(d) for d in likely}
    for what in ("eos", "stop", "length"):
        if 0.08 < sum(p for (_, end), p in expected.items() if end == what) < 0.97:
            statistics[what] = _ended(what)
    statistics["tokens"] = lambda v: float(len(v[0]))
    return OracleModel(name, lambda wrap: line(wrap(case(name).lm), case(name)), statistics)


def _indicator(draw: Draw) -> Statistic:
    return lambda v: float(v == draw)


def _ended(what: str) -> Statistic:
    return lambda v: float(v[1] == what)


@pytest.mark.parametrize("name", CASES)
def test_enumerate_is_the_conditional(name: str) -> None:
    """Every draw of the conditional, no other, each with its probability; and log Z = log P(C): to rounding."""
    log_p, expected = case(name).truth()
    assert len(expected) > 3
    posterior = model(name).exact
    assert posterior.log_evidence == pytest.approx(log_p, abs=1e-9)
    found = posterior.probabilities()
    assert set(found) == set(expected)
    assert all(found[draw] == pytest.approx(p, abs=1e-9) for draw, p in expected.items())


SAMPLERS: dict[str, Algorithm[Any]] = {
    "importance": Importance(12),
    "SMC": SMC(8, resample_at="token", ess_threshold=1.0),
    "SMC by weight": SMC(6),
    "SMC by twos": SMC(6, resample_at=every(2), resample="systematic"),
    "SMC, expanded": SMC(4, expand=2, resample="optimal", resample_at="token"),
}


@pytest.mark.parametrize("name", ["regex, stop", "json_schema", "canonical", "soft and hard"])
def test_smc_is_unbiased(name: str) -> None:
    """E[Zhat f] = Z E[f] for every statistic, draws included; no violator has weight."""
    report = check_method(SAMPLERS["SMC"], model(name), runs=300, error_bars=False, seed=3)
    assert report.passed, report


@pytest.mark.slow
@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("name", CASES)
def test_sampling_is_unbiased(name: str, sampler: str) -> None:
    """The same for every kind of constraint, importance sampling, and SMC with several stops and resamplers."""
    report = check_method(SAMPLERS[sampler], model(name), runs=800, error_bars=False, seed=1)
    assert report.passed, report


@pytest.mark.parametrize("name", CASES)
def test_log_evidence_is_log_p(name: str) -> None:
    """One run tells log P(C) to within its own standard error."""
    log_p = case(name).truth()[0]
    for method in (Importance(400), SMC(200, resample_at="token")):
        posterior = infer(model(name).program, method, seed=4)
        error = posterior.log_evidence_error
        assert abs(posterior.log_evidence - log_p) < 4.5 * error + 1e-9, (posterior.log_evidence, log_p, error)


MOVES: list[Kernel] = [suffix(), site(), block(length=2)]


@pytest.mark.parametrize("move", MOVES, ids=lambda m: m.name)
@pytest.mark.parametrize("name", ["regex, stop", pytest.param("soft and hard", marks=pytest.mark.slow)])
def test_moves_leave_it_invariant(name: str, move: Kernel) -> None:
    """From exact draws, a few steps: the law of the conditional still, and flows in balance."""
    report = check_kernel(move, model(name), chains=300, steps=2, seed=2)
    assert report.passed, report


@pytest.mark.slow
@pytest.mark.parametrize("move", MOVES, ids=lambda m: m.name)
@pytest.mark.parametrize("name", CASES)
def test_all_moves_leave_it_invariant(name: str, move: Kernel) -> None:
    """The same for every kind of constraint, with more chains."""
    report = check_kernel(move, model(name), chains=1500, steps=2, seed=5)
    assert report.passed, report


@pytest.mark.slow
@pytest.mark.parametrize("ancestor_sampling", [False, True])
@pytest.mark.parametrize("name", CASES)
def test_particle_gibbs_arrives(name: str, ancestor_sampling: bool) -> None:
    """From their own starts; but nearly all canonical sweeps of a few particles die, and these chains are given one."""
    init = Importance(500) if name == "canonical" else None
    method = ParticleGibbs(5, 2, chains=300, warmup=15, ancestor_sampling=ancestor_sampling, init=init)
    report = check_chain(method, model(name), seed=6)
    assert report.passed, report


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_suffix_chains_arrive(name: str) -> None:
    """The same for Metropolis-Hastings."""
    report = check_chain(MH(300, 3, suffix(), warmup=case(name).warmup), model(name), seed=6)
    assert report.passed, report


@program
async def masked(lm: LanguageModel, case: Case) -> Draw:
    """What constrained decoding usually draws: every token from what is left of its mask, and no weights."""
    text = await sample(lm.text(case.prompt, where=case.constraint, **case.options).proposal, "text")
    return text.tokens, text.finish


def divergence(q: dict[Draw, float], p: dict[Draw, float]) -> float:
    """KL(q || p) in nats; infinite where q draws what p cannot."""
    return math.fsum(x * math.log(x / p[draw]) if draw in p else math.inf for draw, x in q.items())


def test_masks_alone_are_far_off() -> None:
    """Locally masked draws without weights are nats from the conditional. (Those that end dead are left out: what
    remains has the distribution of sampling until a text comes out.)"""
    found = {}
    for name in ("regex", "regex, stop", "grammar", "json_schema", "and", "canonical", "words"):
        q = infer(masked(case(name).lm, case(name)), Enumerate()).probabilities()
        found[name] = divergence(q, case(name).truth()[1])
    print("\nKL(masked || conditional), nats: " + ", ".join(f"{name} {kl:.2f}" for name, kl in found.items()))
    assert max(found.values()) > 2.0
    assert all(kl > 0.01 for kl in found.values()), found


def forgotten(members: list[ConditionedToken], values: list[Any]) -> Any:
    """Tokens are judged by the density that they were drawn with, so nothing is weighed."""
    return SteeredToken.log_prob([m.proposal for m in members], values)


_log_weight = Progress.log_weight


def endless(progress: Progress, token: int) -> float:
    """At the length limit the text is not asked whether it may end."""
    if progress.left > 1:
        return _log_weight(progress, token)
    return _log_weight(Progress(progress.ends, progress.state, progress.data, 2, progress.paid), token)


@pytest.mark.parametrize("mutant", ["weight", "limit"])
def test_mutants_are_caught(mutant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Masks without weights, and texts that are cut anywhere, fail the oracle that the original passes."""
    target = model("regex, stop")
    assert target.exact is not None  # summed before the bug is there
    if mutant == "weight":
        monkeypatch.setattr(ConditionedToken, "log_prob", staticmethod(forgotten))
    else:
        monkeypatch.setattr(Progress, "log_weight", endless)
    report = check_method(SAMPLERS["SMC"], target, runs=100, error_bars=False, seed=3)
    assert not report.passed
    assert abs(report.worst.z) > report.limit + 2, report
