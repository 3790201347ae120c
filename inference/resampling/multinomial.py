"""Multinomial resampling."""

from __future__ import annotations

import numpy as np

from steersman.ppl.keys import Key
from steersman.ppl.protocols import Floats

from .ancestry import Ancestry, equal_weights
from .counting import inverse_cdf
from .registry import resampler


@resampler("multinomial")
def multinomial(W: Floats, n: int, key: Key, /) -> Ancestry:
    """n independent draws: (N_1..N_M) ~ Multinomial(n, W), each child of weight 1/n.

        Var N_i = n W_i (1 - W_i)

    The largest variance of the schemes here, and the only one for which theory is plain: conditional SMC needs it,
    and the genealogical variance estimate is exactly unbiased under it. Source: Gordon, Salmond & Smith 1993,
    "Novel approach to nonlinear/non-Gaussian Bayesian state estimation", section 3. Cost n log n + n log M.
    """
    return equal_weights(inverse_cdf(W, np.sort(key.uniforms(n))))
