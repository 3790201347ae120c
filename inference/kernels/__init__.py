"""Markov kernels: moves that are accepted or rejected, exact conditional updates, and combinations of them."""

from .block import block, edit
from .combine import cycle, mix
from .conditional import StructureChanged, conditional
from .involution import NotAnInvolution, involution
from .kernel import Kernel, Move, Proposal
from .nuts import hmc, nuts
from .particle_gibbs import particle_gibbs
from .propose import propose
from .random_walk import random_walk
from .site import site
from .subprogram import subprogram
from .suffix import suffix
from .walker import DensityMismatch

__all__ = [
    "DensityMismatch", "Kernel", "Move", "NotAnInvolution", "Proposal", "StructureChanged", "block", "conditional",
    "cycle", "edit", "hmc", "involution", "mix", "nuts", "particle_gibbs", "propose", "random_walk", "site",
    "subprogram", "suffix",
]
