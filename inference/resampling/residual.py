"""Residual resampling."""

from __future__ import annotations

import numpy as np

from steersman.ppl.keys import Key
from steersman.ppl.protocols import Floats

from .ancestry import Ancestry, equal_weights
from .counting import children, inverse_cdf, whole_and_rest
from .registry import resampler


@resampler("residual")
def residual(W: Floats, n: int, key: Key, /) -> Ancestry:
    """Whole expected offspring are granted, the rest is drawn multinomially; each child of weight 1/n:

        N_i = floor(n W_i) + B_i,  B ~ Multinomial(R, rest / R),  rest_i = n W_i - floor(n W_i),  R = sum_i rest_i

    Variance of every weighted mean at most multinomial's. Source: Liu & Chen 1998, "Sequential Monte Carlo methods
    for dynamic systems"; variance: Douc, Cappé & Moulines 2005. Cost M + R log M.
    """
    counts, rest, R = whole_and_rest(W, n)
    if R:
        counts += np.bincount(inverse_cdf(rest, np.sort(key.uniforms(R))), minlength=len(W))
    return equal_weights(children(counts))
