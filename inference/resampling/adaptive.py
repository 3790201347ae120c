"""Adaptive resampling: a wrapper that leaves well-balanced populations alone."""

from __future__ import annotations

from steersman.ppl.keys import Key
from steersman.ppl.protocols import Floats

from .ancestry import Ancestry, identity
from .registry import Resampler, get_resampler
from .weights import ess


def adaptive(scheme: str | Resampler, threshold: float) -> Resampler:
    """Resample only where the effective sample size has fallen below `threshold` of the population.

        ESS(W) >= threshold * M and n == M:  children = parents, each with its own weight W_i
        otherwise:                           scheme(W, n, key)

    The weights that are kept are not uniform: the caller carries them on. threshold 0 never resamples while n == M;
    threshold 1 (or more) always does, even on exactly equal weights, so that the edge does not depend on rounding.
    A change of size (n != M) always resamples. Source: Liu & Chen 1995; Del Moral, Doucet & Jasra 2012.

    Raises ValueError for a negative or NaN threshold or an unknown resampler.
    """
    resample = get_resampler(scheme)
    if not threshold >= 0.0:
        raise ValueError(f"adaptive: threshold {threshold} is not a fraction of the population; expected 0 to 1")

    def adaptively(W: Floats, n: int, key: Key, /) -> Ancestry:
        if n == len(W) and threshold < 1.0 and ess(W) >= threshold * n:
            return identity(W)
        return resample(W, n, key)

    return adaptively
