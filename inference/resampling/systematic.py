"""Systematic resampling."""

from __future__ import annotations

import numpy as np

from steersman.ppl.keys import Key
from steersman.ppl.protocols import Floats

from .ancestry import Ancestry, equal_weights
from .counting import inverse_cdf
from .registry import resampler


@resampler("systematic")
def systematic(W: Floats, n: int, key: Key, /) -> Ancestry:
    """A comb of n equally spaced points with one random offset, through the inverse distribution function of W:

        p_j = (j + U) / n,  U ~ U(0, 1), j = 0..n-1;  each child of weight 1/n

    N_i is floor(n W_i) or one more, so Var N_i is the least possible; but the counts of different parents are
    dependent in a way that follows their order, and a weighted mean may vary more than multinomially. `ssp` keeps
    the first property without the second. Source: Carpenter, Clifford & Fearnhead 1999, "Improved particle filter
    for nonlinear problems"; the counter-example: Douc, Cappé & Moulines 2005. Cost n log M, one uniform.
    """
    return equal_weights(inverse_cdf(W, (np.arange(n) + key.uniform()) / n))
