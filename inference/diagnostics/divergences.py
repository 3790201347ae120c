"""How far the draws of quasi-rejection sampling are from their target, from the weights of its proposals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from steersman.ppl.protocols import Floats


@dataclass(frozen=True, slots=True)
class Divergences:
    """acceptance: P(accept). tv: total variation between draws and target, with its standard error. kl: KL(target ||
    draws), nats. above: the share of the proposals whose weight is above beta; with none, the draws are exact as far as
    these weights can tell."""

    acceptance: float
    tv: float
    tv_error: float
    kl: float
    above: float


def divergences(log_weights: ArrayLike, log_beta: float, weights: ArrayLike | None = None) -> Divergences:
    """The diagnostics of quasi-rejection sampling at any beta, from independent proposals x_i ~ q.

    With w = P(x)/q(x) for an unnormalised target P, the draws have the law P_beta ~ min(P, beta q), and

        acceptance  E_q min(1, w / beta)
        tv          E_q |w/Z - min(w, beta)/Z_beta| / 2,       Z = E_q w,   Z_beta = E_q min(w, beta)
        kl          E_q [w/Z max(0, log w - log beta)] + log Z_beta - log Z

    log_weights [n] (nats): log w, -inf for what is impossible. weights [n]: of the proposals, equal by default; the
    probabilities q of an enumeration make everything but `tv_error` exact. The acceptance is unbiased, the others are
    consistent; its error is the delta method's. One set of proposals tells them for every beta. They see what was
    proposed: a region that q never reaches is not in them. nan where all weights are 0.

    Source: Eikema et al. 2022, "An approximate sampler for energy-based models with divergence diagnostics", section 3.
    """
    lw = np.asarray(log_weights, np.float64)
    W = np.ones(lw.shape) if weights is None else np.asarray(weights, np.float64)
    if lw.ndim != 1 or not len(lw) or W.shape != lw.shape:
        raise ValueError(f"divergences: one list of log weights, each with a weight; got {lw.shape} and {W.shape}")
    if not (lw < np.inf).all() or not (W >= 0).all() or not W.sum() > 0:
        raise ValueError("divergences: log weights are finite or -inf, weights at least 0 and not all 0")
    if not -np.inf < log_beta < np.inf:
        raise ValueError(f"divergences: log_beta={log_beta} is a finite number of nats")
    W = W / W.sum()
    kept = np.minimum(lw, log_beta)
    above = float(W[lw > log_beta + 1e-9].sum())
    if lw[W > 0].max() == -np.inf:
        return Divergences(0.0, np.nan, np.nan, np.nan, 0.0)
    log_z, log_z_kept = _log_mean(W, lw), _log_mean(W, kept)
    r, k = np.exp(lw - log_z), np.exp(kept - log_z_kept)
    s, halves = np.sign(r - k), np.abs(r - k) / 2
    tv = float(W @ halves)
    influence = halves - tv - (W @ (s * r)) / 2 * (r - 1) + (W @ (s * k)) / 2 * (k - 1)
    kl = float(W @ (r * np.maximum(0.0, lw - log_beta))) + log_z_kept - log_z
    error = float(np.sqrt(W**2 @ influence**2))
    return Divergences(float(np.exp(log_z_kept - log_beta)), tv, error, max(0.0, kl), above)


def _log_mean(W: Floats, log_x: Floats) -> float:
    top = float(log_x[W > 0].max())
    return top + float(np.log(W @ np.exp(log_x - top)))
