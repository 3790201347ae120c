"""`worst_case`: the policy that does best where its worst objective counts.

For objectives V_g, the policy that solves  max_pi min_g  lam E_pi V_g - KL(pi, p)  is the tilt

    pi(y) = p(y) exp(lam sum_g w_g V_g(y)) / Z(w),    w = argmin over the simplex of log Z(w),

for min_g is the minimum over weights w, and the inner maximum is log Z(w) = log E_p exp(lam sum_g w_g V_g) (robust
multi-objective decoding, RMOD, Son et al. 2025). log Z is convex. It is minimised with a logarithmic barrier: Newton
steps on log Z(w) - mu sum_g log w_g along sum_g w_g = 1, for decreasing mu; the result is within G mu of the minimum
(Boyd & Vandenberghe 2004, "Convex optimization", section 11.2).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
GAP = 1e-10  # nats
SHRINK = 0.1


@dataclass(frozen=True, slots=True)
class WorstCase:
    """weights [G]: of the objectives, which sum to 1. log_tilt [K]: log of exp(lam sum_g w_g V_g) / Z for each
    candidate, the factor that turns p into the policy. value: log Z(w), the value of the game in nats."""

    weights: Floats
    log_tilt: Floats
    value: float


def worst_case(values: ArrayLike, lam: float, log_p: ArrayLike | None = None) -> WorstCase:
    """Solve the game over K candidates.

    values [G, K]: V_g of each candidate. lam: how much an objective counts against a nat of KL, positive. log_p [K]: of
    the candidates, unnormalised; None for draws from the model, which count alike. Raises ValueError for values that
    are not finite.
    """
    V = np.asarray(values, np.float64)
    if V.ndim != 2 or not V.size or not np.isfinite(V).all():
        raise ValueError(f"worst_case takes finite values of at least one objective, [G, K]; found shape {V.shape}")
    if not 0 < lam < np.inf:
        raise ValueError(f"worst_case(lam={lam}): lam is a positive number")
    log_q = np.zeros(V.shape[1]) if log_p is None else np.asarray(log_p, np.float64)
    if log_q.shape != V.shape[1:] or not np.isfinite(log_q).all():
        raise ValueError(f"worst_case: {V.shape[1]} candidates need {V.shape[1]} finite log_p, found {log_q.shape}")
    game = _Game(lam * V, log_q - np.logaddexp.reduce(log_q))
    G = len(V)
    w, mu = np.full(G, 1 / G), 1.0
    while G > 1 and mu * G > GAP:
        mu *= SHRINK
        w = game.centre(w, mu)
    return WorstCase(w, w @ game.A - game.log_z(w), game.log_z(w))


class _Game:
    """log Z(w) = log sum_k p_k exp(w A)_k, with A = lam V."""

    def __init__(self, A: Floats, log_p: Floats) -> None:
        self.A, self.log_p = A, log_p

    def log_z(self, w: Floats) -> float:
        return float(np.logaddexp.reduce(self.log_p + w @ self.A))

    def centre(self, w: Floats, mu: float) -> Floats:
        """The minimum of log Z(w) - mu sum log w on the simplex, from an inner point."""
        G = len(w)
        for _ in range(100):
            pi = np.exp(self.log_p + w @ self.A - self.log_z(w))
            mean = self.A @ pi
            gradient = mean - mu / w
            centred = self.A - mean[:, None]
            system = np.ones((G + 1, G + 1))
            system[:G, :G] = (centred * pi) @ centred.T + np.diag(mu / w**2)
            system[G, G] = 0.0
            step = np.linalg.solve(system, np.append(-gradient, 0.0))[:G]
            slope = float(gradient @ step)
            if -slope < 1e-3 * mu:
                break
            size = min(1.0, 0.99 / max(1e-300, float((-step / w).max())))
            now = self._barrier(w, mu)
            while self._barrier(w + size * step, mu) > now + 0.1 * size * slope and size > 1e-12:
                size /= 2
            w = w + size * step
        return w

    def _barrier(self, w: Floats, mu: float) -> float:
        return self.log_z(w) - mu * float(np.log(w).sum())
