"""Resampling: turn M weighted parents into n children without changing what any weighted mean expects.

    ancestry = get_resampler("ssp")(W, n, key)      # Ancestry(index [n], weights [n])

One scheme a file, registered by decorator under its name; `adaptive` wraps any of them. Variance of the offspring
count of each parent: ssp = systematic <= residual <= multinomial, and stratified, killing <= multinomial. Variance of
every weighted mean: residual, stratified, killing <= multinomial; systematic may exceed it, ssp has negatively
associated counts. `optimal` is for distinct parents (N K extensions to N); where n = M and no weight is zero it
keeps everybody.
"""

from .adaptive import adaptive
from .ancestry import Ancestry, in_place
from .killing import killing
from .multinomial import multinomial
from .optimal import optimal
from .registry import RESAMPLERS, Resampler, get_resampler, resampler
from .residual import residual
from .ssp import ssp
from .stratified import stratified
from .systematic import systematic

__all__ = [
    "RESAMPLERS",
    "Ancestry",
    "Resampler",
    "adaptive",
    "get_resampler",
    "in_place",
    "killing",
    "multinomial",
    "optimal",
    "resampler",
    "residual",
    "ssp",
    "stratified",
    "systematic",
]
