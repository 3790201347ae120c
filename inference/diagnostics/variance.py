"""Error bars from one SMC run: how much its estimates would vary over runs, read off its genealogy.

Particles with different ancestors in an early generation p have evolved apart since, so that pairs of them show what
independent particles do. For weights P over generation t, let

    D_t(P) = sum_{i, j: E_i != E_j} P_i P_j / (sum_i P_i)^2,    E_i the ancestor of particle i in generation p

be the probability that two particles picked by P descend from different ancestors. Reweighting a generation, from its
incoming weights v_t to its final ones W_t, multiplies Z^2 as estimated by distinct pairs by D_t(W_t) / D_t(v_t) times
the square of what it multiplies Zhat by. So

    V = 1 - prod_{t=0..T} D_t(W_t) / D_t(v_t)                                       estimates Var(Zhat) / Z^2

With no resampling (importance sampling) V = N/(N-1) (sum_i W_i^2 - 1/N), the delta method: the sample variance of the
weights over N times their squared mean. A generation that adaptive resampling left alone has v_t = W_{t-1}, which
cancels. The expectation of a function f varies by minus the mean product of deviations over distinct pairs.

p = 0 makes E the Eves of Lee & Whiteley 2018, "Variance estimation in the particle filter", whose estimate of the same
quantity is `lee_whiteley` below. Theirs is exactly unbiased under multinomial resampling, and invalid under any other:
it credits each step with the 1/N of pairs that multinomial resampling loses, where ssp or systematic resampling lose
far fewer, and falls below the truth, often below zero. D_t(v_t) counts the pairs that are really left. A fixed lag,
p = max(0, t - lag) (the Enoch indices of Olsson & Douc 2019, "Numerically stable online estimation of variance in
particle filters"), keeps the estimate alive and sharp in long runs; its bias vanishes geometrically in the lag where
the model forgets its past.

When all final particles have one such ancestor there are no distinct pairs: V is 1, and the run cannot tell its error.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from steersman.ppl.protocols import Floats

from ..posterior.genealogy import Genealogy, Lines


def relative_variance(genealogy: Genealogy, *, lag: int | None = None) -> float:
    """V, the estimate of Var(Zhat) / Z^2 from one run. Slightly negative by chance; 1 means that nothing is known.

    nan when all final weights are zero (Zhat = 0). Raises ValueError for an empty genealogy or a lag below 1.
    """
    return -math.expm1(_log_pairs(genealogy, lag))


def log_evidence_error(genealogy: Genealogy, *, lag: int | None = None) -> float:
    """Standard error of log Zhat: sqrt(-log(1 - V)), or 0 where V < 0.

    To first order the delta method's sqrt(V). Long runs have V near 1, where sqrt(V) saturates at 1 while the error
    of log Zhat grows on; but E[Zhat^2] = Z^2 / (1 - V), and a log-normal Zhat with that second moment has
    Var(log Zhat) = -log(1 - V) (log Zhat is asymptotically normal: Bérard, Del Moral & Doucet 2014).

    inf when, in some generation, all particles of positive weight have one ancestor in generation 0 (or, with a lag,
    `lag` generations before): this run cannot tell its error; take more particles, or a lag. nan when Zhat = 0.
    """
    log_pairs = _log_pairs(genealogy, lag)
    return log_pairs if math.isnan(log_pairs) else math.sqrt(max(0.0, -log_pairs))


def run_error(genealogy: Genealogy) -> float:
    """`log_evidence_error` over the whole genealogy; where all particles have come to descend from one, over the
    longest lag of 8, 4, 2 or 1 generations that still tells them apart."""
    for lag in (None, 8, 4, 2, 1):
        error = log_evidence_error(genealogy, lag=lag)
        if error < math.inf:
            break
    return error


def expectation_variance(genealogy: Genealogy, values: ArrayLike, *, lag: int | None = None) -> Floats:
    """Estimated variance of the weighted mean m = sum_i W_i f_i over the final particles.

        sum_k ( sum_{i: E_i = k} W_i (f_i - m) )^2 / D_T(W)

    The numerator is minus the sum of W_i W_j (f_i - m)(f_j - m) over distinct pairs. E_i is the ancestor in generation
    0, or T - lag. `values` f has shape [N] or [N, d]; the result [] or [d]. N times it estimates the asymptotic
    variance. inf when all particles have one ancestor there, nan when all weights are zero.
    """
    T = _last(genealogy, lag)
    p = 0 if lag is None else max(0, T - lag)
    W, f = genealogy.weights(T), np.asarray(values, np.float64)
    if f.ndim not in (1, 2) or len(f) != len(W):
        raise ValueError(f"expectation_variance: values have shape {f.shape}, expected [{len(W)}] or [{len(W)}, d]")
    if not W.any():
        return np.full(f.shape[1:], math.nan)
    E = genealogy.ancestors(p)
    distinct = _distinct(E, W)
    if distinct == 0.0:
        return np.full(f.shape[1:], math.inf)
    lines = np.zeros((genealogy.sizes[p], *f.shape[1:]))
    np.add.at(lines, E, (W * (f - W @ f).T).T)
    variance: Floats = (lines * lines).sum(axis=0) / distinct
    return variance


def lee_whiteley(genealogy: Genealogy) -> float:
    """V = 1 - D_T(W_T) prod_t N_t / (N_t - 1), over generation 0 and those born by resampling.

    E[Zhat^2 V] = Var(Zhat) exactly if every resampling is multinomial and its times are fixed (Lee & Whiteley 2018,
    theorem 1), nearly so if the times adapt. Do not use it with any other resampler. nan when Zhat = 0.
    """
    T = _last(genealogy, None)
    if not genealogy.weights(T).any():
        return math.nan
    distinct = _distinct(genealogy.eves(), genealogy.weights(T))
    sizes = [N for t, N in enumerate(genealogy.sizes) if t == 0 or genealogy.resampled(t)]
    return 1.0 if distinct == 0.0 else 1.0 - distinct * math.prod(N / (N - 1) for N in sizes)


def _last(genealogy: Genealogy, lag: int | None) -> int:
    if not len(genealogy):
        raise ValueError("the genealogy is empty: no generation was recorded")
    if lag is not None and lag < 1:
        raise ValueError(f"lag {lag}: a lag is at least one generation")
    return len(genealogy) - 1


def _log_pairs(genealogy: Genealogy, lag: int | None) -> float:
    """log(1 - V): -inf when distinct pairs run out in some generation, nan if Zhat = 0."""
    T = _last(genealogy, lag)
    if not genealogy.weights(T).any():
        return math.nan
    log_pairs = 0.0
    E = genealogy.ancestors(0, 0)
    for t in range(T + 1):
        E = E[genealogy.parents(t)] if lag is None or t <= lag else genealogy.ancestors(t - lag, t)
        before, after = _distinct(E, genealogy.incoming(t)), _distinct(E, genealogy.weights(t))
        if before == 0.0 or after == 0.0:
            return -math.inf
        log_pairs += math.log(after) - math.log(before)
    return log_pairs


def _distinct(E: Lines, P: Floats) -> float:
    """D(P) for ancestors E; 0 when all the weight descends from one, or when there is none."""
    lines = np.bincount(E, weights=P)
    total = float(lines.sum())
    return 0.0 if total == 0.0 else max(0.0, float(lines @ (total - lines)) / total**2)
