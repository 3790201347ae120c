"""Stratified resampling."""

from __future__ import annotations

import numpy as np

from steersman.ppl.keys import Key
from steersman.ppl.protocols import Floats

from .ancestry import Ancestry, equal_weights
from .counting import inverse_cdf
from .registry import resampler


@resampler("stratified")
def stratified(W: Floats, n: int, key: Key, /) -> Ancestry:
    """One uniform point in each of n equal strata, mapped through the inverse distribution function of W:

        p_j = (j + U_j) / n,  U_j ~ U(0, 1) independent, j = 0..n-1;  each child of weight 1/n

    Variance of every weighted mean at most multinomial's; |N_i - n W_i| < 2. Source: Kitagawa 1996, "Monte Carlo
    filter and smoother for non-Gaussian nonlinear state space models", appendix; variance: Douc, Cappé & Moulines
    2005, "Comparison of resampling schemes for particle filtering". Cost n log M.
    """
    return equal_weights(inverse_cdf(W, (np.arange(n) + key.uniforms(n)) / n))
