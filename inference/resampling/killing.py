"""Killing resampling."""

from __future__ import annotations

import numpy as np

from steersman.ppl.keys import Key
from steersman.ppl.protocols import Floats

from .ancestry import Ancestry, equal_weights
from .counting import inverse_cdf
from .registry import resampler


@resampler("killing")
def killing(W: Floats, n: int, key: Key, /) -> Ancestry:
    """Parent i survives with probability W_i / max W, else its slot goes to a multinomial draw; children weigh 1/n:

        E N_i = W_i / W* + W_i sum_j (1 - W_j / W*) = M W_i,   W* = max W

    No resampling at all when the weights are equal; near multinomial when one weight dominates. Slots move as little
    as possible, which suits particles that are costly to copy. Slots are independent draws whose laws average to W, so
    every weighted mean varies at most as much as multinomially (Jensen). Source: Del Moral 2004, "Feynman-Kac
    formulae", chapter 2 (the selection transition that accepts or recycles). Cost M log M.

    Raises ValueError unless n == M, for survival is in one's own slot.
    """
    M = len(W)
    if n != M:
        raise ValueError(f"killing: needs as many children as parents, not {n} from {M}; use ssp or optimal")
    u = key.uniforms(2 * M)
    survivors = np.flatnonzero(u[:M] * W.max() < W)
    redrawn = inverse_cdf(W, np.sort(u[M : 2 * M - len(survivors)]))
    return equal_weights(np.sort(np.concatenate([survivors, redrawn])))
