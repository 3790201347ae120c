"""`calibrate`: a map from the scores of a reward to probabilities of success, and how far off both are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .isotonic import Isotonic, checked
from .logistic import Logistic, sigmoid

Floats = NDArray[np.float64]
How = Literal["isotonic", "platt", "temperature", "quantile"]


@dataclass(frozen=True, slots=True)
class Calibration:
    """``p = calibration(scores)``, [n] -> [n]; ``reward.map(calibration)`` is the calibrated reward.

    ece and brier: (before, after), on the items that it was fitted to or on `held_out` ones. Before means the scores as
    probabilities, or sigmoid(score) where they are none.
    """

    map: Callable[[ArrayLike], Floats]
    ece: tuple[float, float]
    brier: tuple[float, float]

    def __call__(self, scores: ArrayLike) -> Floats:
        return self.map(scores)


def calibrate(
    scores: ArrayLike, outcomes: ArrayLike, how: How = "isotonic", *, level: float = 0.1,
    held_out: tuple[ArrayLike, ArrayLike] | None = None,
) -> Calibration:
    """Fit a calibration of a reward.

    scores [n]: the reward of texts, or of beginnings of texts. outcomes [n]: whether they were right, 0 or 1, or which
    share of rollouts from there was. how: "isotonic", any increasing map; "platt", sigmoid(a s + b); "temperature",
    sigmoid(s / T) for scores that are log-odds; "quantile", the increasing map that a share `level` of the outcomes
    stays below, a cautious probability of success (Park et al. 2025, "Know what you don't know: uncertainty calibration
    of process reward models").
    """
    makers: dict[str, Callable[[], Callable[[ArrayLike], Floats]]] = {
        "isotonic": lambda: Isotonic(scores, outcomes),
        "platt": lambda: Logistic(scores, outcomes),
        "temperature": lambda: Logistic(scores, outcomes, biased=False),
        "quantile": lambda: Isotonic(scores, outcomes, level),
    }
    if how not in makers:
        raise ValueError(f"how={how!r}: it is one of {', '.join(makers)}")
    found = makers[how]()
    s, y = checked(*(held_out or (scores, outcomes)))
    before, after = s if ((s >= 0) & (s <= 1)).all() else sigmoid(s), found(s)
    return Calibration(found, (ece(before, y), ece(after, y)), (brier(before, y), brier(after, y)))


def ece(probabilities: ArrayLike, outcomes: ArrayLike, bins: int = 10) -> float:
    """Expected calibration error: sum_b (n_b / n) |mean outcome - mean probability| over `bins` equal intervals of
    [0, 1] (Naeini, Cooper & Hauskrecht 2015)."""
    p, y = checked(probabilities, outcomes)
    which = np.clip((p * bins).astype(int), 0, bins - 1)
    return float(np.abs(np.bincount(which, y - p, minlength=bins)).sum() / len(p))


def brier(probabilities: ArrayLike, outcomes: ArrayLike) -> float:
    """The mean of (probability - outcome)^2 (Brier 1950)."""
    p, y = checked(probabilities, outcomes)
    return float(np.mean((p - y) ** 2))


def adaptive_n(p_low: float, confidence: float = 0.99, *, most: int = 64) -> int:
    """How many independent draws hold a success with probability `confidence` if each is one with probability `p_low`:
    N = ceil(log(1 - C) / log(1 - p)), at least 1 and at most `most`, which is the answer for p_low = 0."""
    if not 0 <= p_low <= 1 or not 0 < confidence < 1 or most < 1:
        raise ValueError(f"adaptive_n({p_low}, {confidence}, most={most}): a probability, a confidence strictly "
                         "between 0 and 1, and at least 1 draw")
    if p_low == 0:
        return most
    if p_low == 1:
        return 1
    return int(min(most, max(1, np.ceil(np.log1p(-confidence) / np.log1p(-p_low) * (1 - 1e-12)))))
