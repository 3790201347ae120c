"""SSP resampling: the Srinivasan sampling process."""

from __future__ import annotations

import numpy as np

from steersman.ppl.keys import Key
from steersman.ppl.protocols import Floats

from .ancestry import Ancestry, equal_weights
from .counting import children, whole_and_rest
from .registry import resampler


@resampler("ssp")
def ssp(W: Floats, n: int, key: Key, /) -> Ancestry:
    """Fractional offspring meet in matches that make one of the two whole; each child of weight 1/n.

    N_i = floor(n W_i) + B_i with B_i in {0, 1}. The parents are met in order by a carrier, who holds the fraction
    a = frac(rest_1 + .. + rest_{k-1}); parent k brings b = rest_k, and with s = a + b

        s < 1:   the carrier of the sum s is k with probability b / s; the other takes 0
        s >= 1:  the carrier of the rest s - 1 is k with probability (1 - b) / (2 - s); the other takes 1

    Every match leaves both expectations as they were, so E N_i = n W_i. The counts are negatively associated, so SSP
    is consistent whatever the order of the particles, as systematic resampling is not; Var N_i = rest_i (1 - rest_i)
    is the least possible, hence at most residual's, which is at most multinomial's. Source: Gerber, Chopin &
    Whiteley 2019, "Negative association, ordering and convergence of resampling methods"; Srinivasan 2001,
    "Distributions on level-sets with applications to approximation algorithms"; association in linear order:
    Dubhashi, Jonasson & Ranjan 2007. Cost M: the fraction carried does not depend on who carries it, so all
    matches are decided at once, and the carrier after k is the last parent to have won.
    """
    counts, rest, _ = whole_and_rest(W, n)
    M = len(W)
    total = rest.cumsum()
    level = np.floor(total)
    a = np.zeros(M)
    a[1:] = (total - level)[:-1]
    s = a + rest
    crossed = np.zeros(M, np.bool_)
    crossed[0] = level[0] > 0.0
    crossed[1:] = level[1:] > level[:-1]
    u = key.uniforms(M)
    wins = np.where(crossed, u * (2.0 - s) < 1.0 - rest, u * s < rest)
    wins = np.where(a == 0.0, ~crossed & (rest > 0.0), wins)  # nobody carries: no match, whatever the rounding
    carrier = np.maximum.accumulate(np.where(wins, np.arange(M), 0))
    before = np.zeros(M, np.int64)
    before[1:] = carrier[:-1]
    takes = np.where(wins, before, np.arange(M))[crossed]
    counts += np.bincount(takes, minlength=M)
    counts[carrier[-1]] += n - int(counts.sum())  # the last fraction is 0 or 1, up to rounding
    return equal_weights(children(counts))
