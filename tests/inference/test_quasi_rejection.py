"""Quasi-rejection sampling: its law min(P, beta q), its diagnostics, and what it says of itself; against exact sums."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import poisson

from steersman.inference import (
    AllParticlesDead,
    Budget,
    Importance,
    Posterior,
    QuasiRejection,
    Rejection,
    divergences,
    infer,
)
from steersman.inference.testing import coins_model, letters_model, run_many, sentence_model, z_score
from steersman.inference.testing.chi_square import fit
from steersman.inference.testing.evidence import unbiased
from steersman.inference.variational import Guide
from steersman.models import TableLM
from steersman.ppl import condition, dist, enumerate_traces, factor, program, sample

SUPPORT = np.arange(80)  # what is beyond has a probability below 1e-30
P, Q = poisson.pmf(SUPPORT, 11), poisson.pmf(SUPPORT, 10)
KNOWN = {0.5: (0.999, 0.1229), 1.0: (0.877, 0.0749), 2.0: (0.498, 0.0035)}  # beta: acceptance, total variation


def drawn_law(beta: float) -> np.ndarray:
    """P_beta ~ min(P, beta q)."""
    kept = np.minimum(P, beta * Q)
    return np.asarray(kept / kept.sum())


@program
async def count() -> int:
    return int(await sample(dist.Poisson(11.0), "x", proposal=dist.Poisson(10.0)))


@program
async def counted() -> int:
    return int(await sample(dist.Poisson(11.0), "x"))


@program
async def guide() -> int:
    return int(await sample(dist.Poisson(10.0), "x"))


@pytest.mark.parametrize("beta", KNOWN)
def test_the_diagnostics_are_the_exact_sums(beta: float) -> None:
    """Poisson 10 -> 11, summed: acceptance and total variation are the known values, KL that of the two laws; for an
    unnormalised target the weights and beta share its scale, and nothing changes."""
    with np.errstate(divide="ignore"):
        log_w = np.log(P) - np.log(Q)
    acceptance = float(np.minimum(Q, P / beta).sum())
    tv = float(np.abs(P - drawn_law(beta)).sum() / 2)
    assert (round(acceptance, 3), round(tv, 4)) == KNOWN[beta]
    kl = float(P @ np.log(P / drawn_law(beta)))
    for scale in (0.0, 2000.0, -2000.0):
        found = divergences(log_w + scale, math.log(beta) + scale, Q)
        assert (found.acceptance, found.tv, found.kl) == pytest.approx((acceptance, tv, kl), rel=1e-9)
        assert found.above == pytest.approx(float(Q[beta * Q < P].sum()))


@pytest.mark.parametrize(("beta", "how"), [(0.5, "site"), (1.0, "guide"), (2.0, "guide in step")])
def test_poisson(beta: float, how: str) -> None:
    """The sampler: its acceptance, its draws (chi-square against P_beta) and its own estimates of the distance, each
    within its error; with a proposal at the site, with a guide program ahead and in step."""
    proposal = {"site": None, "guide": guide(), "guide in step": Guide(guide())}[how]
    method: Any = QuasiRejection(4000, proposal=proposal, log_beta=math.log(beta))
    posterior = infer(count() if how == "site" else counted(), method, seed=int(10 * beta))
    n = len(posterior.info["log_weights"])
    known, tv = (float(np.minimum(Q, P / beta).sum()), float(np.abs(P - drawn_law(beta)).sum() / 2))
    assert abs(4000 / n - known) < 4 * math.sqrt(known * (1 - known) / n) + 1e-3
    check = fit("law", "values", Counter(posterior.values), dict(zip(SUPPORT.tolist(), drawn_law(beta), strict=True)))
    assert abs(check.z) < 4, check
    info = posterior.info
    assert abs(info["acceptance"] - known) < 4 * 0.5 / math.sqrt(n)
    assert abs(info["tv"] - tv) < 4 * info["tv_error"] + 1e-4
    assert abs(posterior.log_evidence) < 4 * posterior.log_evidence_error
    assert "approximate" in posterior.method and "approximate" in repr(posterior)
    if beta == 0.5:  # other betas from the same proposals
        for other, (_, far) in KNOWN.items():
            again = divergences(info["log_weights"], math.log(other))
            assert abs(again.tv - far) < 4 * again.tv_error + 1e-4


class BetaForgotten(QuasiRejection):
    """Accepts by min(1, w)."""

    async def step(self, run: Any, state: Any) -> Any:
        state.log_bound = 0.0
        return await super().step(run, state)


def test_a_wrong_beta_is_seen() -> None:
    """The chi-square test above sees draws at another beta."""
    posterior = infer(count(), BetaForgotten(4000, log_beta=math.log(2.0)), seed=20)
    law = dict(zip(SUPPORT.tolist(), drawn_law(2.0), strict=True))
    assert fit("law", "values", Counter(posterior.values), law).z > 6


def test_the_error_of_the_distance_is_calibrated() -> None:
    """The claimed variance of the estimate of total variation agrees with its spread over sets of 400 proposals."""
    rng = np.random.default_rng(1)
    with np.errstate(divide="ignore"):
        log_w = np.log(P) - np.log(Q)
    found = [divergences(log_w[rng.poisson(10.0, 400)], 0.0) for _ in range(400)]
    squares = np.array([(d.tv - KNOWN[1.0][1]) ** 2 for d in found])
    assert abs(z_score(squares - np.array([d.tv_error**2 for d in found]), 0.0)) < 4
    assert abs(z_score([d.acceptance for d in found], float(np.minimum(P, Q).sum()))) < 4


def test_texts_with_factors_and_proposals() -> None:
    """On a program of texts, proposals, factors and observations: draws follow min(P, beta q) over its executions,
    and nothing but beta's share is accepted."""
    model = letters_model("proposal")
    log_p, log_q, names = [], [], []
    for trace, _ in enumerate_traces(model.program):
        log_p.append(trace.log_joint)
        log_q.append(sum(s.log_q for s in trace.choice_sites().values()))
        names.append(tuple(v.tokens for v in trace.value))
    p, q = np.exp(log_p), np.exp(log_q)
    for beta in (0.1, 0.6):
        kept = np.minimum(p, beta * q)
        method = QuasiRejection(800, log_beta=math.log(beta))
        posterior = infer(model.program, method, seed=3)
        law: dict[Any, float] = {}
        for name, mass in zip(names, kept / kept.sum(), strict=True):
            law[name] = law.get(name, 0.0) + mass
        observed = Counter(tuple(v.tokens for v in value) for value in posterior.values)
        assert abs(fit("law", "texts", observed, law).z) < 4
        n, rate = len(posterior.info["log_weights"]), float(kept.sum() / beta)
        assert abs(800 / n - rate) < 4 * math.sqrt(rate * (1 - rate) / n) + 1e-3


def test_evidence_is_unbiased() -> None:
    """E[Zhat] = Z with few samples, because the last proposal is left out; at any beta."""
    model = sentence_model("proposal")
    for log_beta in (-2.0, 1.0):
        checks = unbiased(run_many(QuasiRejection(3, log_beta=log_beta, batch=16), model, 300), model)
        assert abs(checks[0].z) < 4, checks[0]


class LastCounted(QuasiRejection):
    """All proposals count, the one that ended the run included."""

    def result(self, run: Any, state: Any) -> Posterior:
        state.samples += 1
        return super().result(run, state)


def test_a_biased_evidence_is_seen() -> None:
    """With the last proposal counted, the mean weight of a run of two acceptances is far too large."""
    model = coins_model(3)
    for cls, unbiased_z in ((QuasiRejection, True), (LastCounted, False)):
        scale = [0.0 if p is None else math.exp(p.log_evidence - model.exact.log_evidence)
                 for p in run_many(cls(2, batch=8), model, 300)]
        assert (abs(z_score(scale, 1.0)) < 4) is unbiased_z


def test_with_a_bound_it_is_rejection() -> None:
    """Where beta bounds all weights the same executions are accepted as by `Rejection`, and the result says that it is
    exact if it does."""
    model = coins_model(3)
    quasi, plain = infer(model.program, QuasiRejection(40), seed=4), infer(model.program, Rejection(40), seed=4)
    assert quasi.values == plain.values
    assert quasi.log_evidence == pytest.approx(plain.log_evidence)
    assert "exact if beta bounds all weights" in quasi.method and "approximate" not in quasi.method
    assert (quasi.info["above"], quasi.info["tv"], quasi.info["kl"]) == (0.0, 0.0, pytest.approx(0.0, abs=1e-12))


def test_beta_goes_from_the_proposal_to_the_target() -> None:
    """A rising beta accepts less and comes nearer: the price list that `divergences` makes of one set of proposals."""
    weights = infer(sentence_model("proposal").program, Importance(3000), seed=1).log_weights + math.log(3000)
    told = [divergences(weights, b) for b in (-3.0, 0.0, 2.0, float(weights.max()))]
    for a, b in itertools.pairwise(told):
        assert a.acceptance > b.acceptance and a.tv > b.tv and a.kl > b.kl and a.above > b.above
    assert told[-1].tv == pytest.approx(0.0, abs=1e-12) and told[-1].above == 0


def test_batches_change_nothing() -> None:
    """Proposals after the last acceptance are not looked at."""
    runs = [infer(count(), QuasiRejection(9, batch=b), seed=5) for b in (1, 4, 256)]
    for p in runs[1:]:
        assert p.values == runs[0].values and p.log_evidence == runs[0].log_evidence
    assert len(runs[0]) == 9 and runs[0].ess == pytest.approx(9)


def test_partial_results(tmp_path: Path) -> None:
    """Out of attempts or budget: what was accepted, with a reason; nothing accepted names the killers. Results can be
    saved and read."""
    posterior = infer(coins_model(3).program, QuasiRejection(50, attempts=40))
    assert 0 < len(posterior) < 50 and posterior.stopped is not None and "40 attempts" in posterior.stopped
    assert posterior.log_evidence == pytest.approx(math.log(len(posterior) / 40))
    posterior.save(tmp_path / "posterior.json")
    assert Posterior.load(tmp_path / "posterior.json").info["log_weights"] == posterior.info["log_weights"]
    lm = TableLM.random(3, seed=1)

    @program
    async def text(kills: bool) -> str:
        drawn = await sample(lm.text("", max_tokens=3), "text")
        await condition(not kills, "never")
        await factor(-50.0, "hardly")
        return str(drawn)

    stopped = infer(text(False), QuasiRejection(5, batch=4), budget=Budget(tokens=40))
    assert len(stopped) == 0 and stopped.stopped is not None and "budget" in stopped.stopped
    with pytest.raises(AllParticlesDead, match=r"never \(30\)"):
        infer(text(True), QuasiRejection(1, attempts=30))
    with pytest.raises(AllParticlesDead, match=r"the accept step \(30\)"):
        infer(text(False), QuasiRejection(1, attempts=30))


def test_bad_input() -> None:
    """One error each."""
    for bad in ({"samples": 0}, {"samples": 1, "attempts": 0}, {"samples": 1, "batch": 0}):
        with pytest.raises(ValueError, match="at least 1"):
            QuasiRejection(**bad)
    with pytest.raises(ValueError, match="finite number of nats"):
        QuasiRejection(1, log_beta=-math.inf)
    with pytest.raises(ValueError, match="one list"):
        divergences([], 0.0)
    with pytest.raises(ValueError, match="finite or -inf"):
        divergences([math.nan], 0.0)
    with pytest.raises(ValueError, match="log_beta"):
        divergences([0.0], math.inf)
    assert divergences([-math.inf, -math.inf], 0.0).acceptance == 0.0
