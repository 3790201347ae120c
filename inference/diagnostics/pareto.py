"""The tail of importance weights: the Pareto k that tells whether their average can be trusted."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from steersman.ppl.protocols import Floats

if TYPE_CHECKING:
    from ..posterior import Posterior

K_LIMIT = 0.7
"""Above this index averages converge too slowly to be of use, however many draws there are (Vehtari et al. 2024)."""
MIN_WEIGHTS = 100
"""With fewer weights the index is too uncertain for a warning."""
_MIN_TAIL = 5
_TIE, _ALIKE = 1e-6, 1e-4  # of the weights of a neural model only so much is more than rounding
_LARGEST = 600.0  # nats: exp of it is a float


class HeavyTail(UserWarning):
    """Importance weights of which no number of draws makes a good average."""


def pareto_k(log_weights: ArrayLike) -> float:
    """The tail index k of weights w > 0, from independent log weights [S] (nats, of any offset; -inf is no weight).

        (w - u | w > u)  ~  GPD(k, sigma),     u the (M + 1)th largest weight,  M = min(S / 5, 3 sqrt(S))

    Moments of w up to 1/k exist. Below 0.5 the error bars of log Z and of expectations hold; above 0.7 (see `k_limit`)
    they do not, whatever the ESS. Weights that tie with u are not in the tail. nan where fewer than five are, or all
    are within 1e-4 of u: there is no tail to speak of. Fit: Zhang & Stephens 2009, "A new and efficient
    estimation method for the generalized Pareto distribution", with the prior of Vehtari, Simpson, Gelman, Yao & Gabry
    2024, "Pareto smoothed importance sampling", appendix C.
    """
    lw = np.asarray(log_weights, np.float64).ravel()
    lw = np.sort(lw[lw > -np.inf])
    tail = int(min(len(lw) / 5, 3 * math.sqrt(len(lw))))
    if tail < _MIN_TAIL:
        return math.nan
    above = np.expm1(np.minimum(lw[-tail:] - lw[-tail - 1], _LARGEST))
    above = above[above > _TIE]
    if len(above) < _MIN_TAIL or above[-1] < _ALIKE or above[0] == above[-1]:
        return math.nan
    return _shape(above)


def k_limit(draws: int) -> float:
    """The largest k at which so many draws are enough: min(1 - 1 / log10 S, 0.7) (Vehtari et al. 2024, section 3)."""
    return min(1 - 1 / math.log10(draws), K_LIMIT) if draws > 1 else -math.inf


def advice(k: float) -> str:
    """What to do about weights whose k is above the limit of their number."""
    if k <= K_LIMIT:
        return f"Take about {10 ** (1 / (1 - k)):,.0f} draws"
    return ("Propose from a guide that covers the posterior: a more flexible one, or one trained by wake(K), the "
            "forward KL, which makes it wide enough. More draws alone help little")


def heavy_tail(posterior: Posterior) -> float | None:
    """Pareto k, where there are weights enough to tell that it is above 0.7."""
    k: float = posterior.info.get("pareto_k", math.nan)
    return k if k > K_LIMIT and np.count_nonzero(posterior.weights) >= MIN_WEIGHTS else None


def warn_of_tails(posteriors: Iterable[tuple[Any, Posterior]]) -> None:
    """Warn once, if importance weights (of any program; pairs of program and posterior) have a heavy tail."""
    heavy = [(k, model) for model, p in posteriors if (k := heavy_tail(p)) is not None]
    if heavy:
        k, model = max(heavy, key=lambda found: found[0])
        others = f" (and {len(heavy) - 1} more programs)" if len(heavy) > 1 else ""
        warnings.warn(
            f"{model!r}{others}: the importance weights have a heavy tail, Pareto k = {k:.2f} > {K_LIMIT}: log Z, "
            f"expectations and their error bars cannot be trusted, whatever the ESS. {advice(k)}",
            HeavyTail, stacklevel=3,
        )


def _shape(x: Floats) -> float:
    """k of a generalised Pareto distribution from sorted exceedances [n] > 0."""
    n = len(x)
    m = 30 + int(math.sqrt(n))
    b = 1 / x[-1] + (1 - np.sqrt(m / (np.arange(1, m + 1) - 0.5))) / (3 * x[int(n / 4 + 0.5) - 1])
    k = np.log1p(-b[:, None] * x).mean(1)
    log_likelihood = n * (np.log(-b / k) - k - 1)
    posterior = np.exp(log_likelihood - log_likelihood.max())
    found = float(np.log1p(-(b @ posterior) / posterior.sum() * x).mean())
    return (n * found + 10 * 0.5) / (n + 10)
