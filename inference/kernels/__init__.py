"""Markov kernels: moves that are accepted or rejected, exact conditional updates, and combinations of them."""

from .block import block, edit
from .combine import cycle, mix
from .involution import NotAnInvolution, involution
from .kernel import Kernel, Move, Proposal
from .propose import propose
from .site import site
from .subprogram import subprogram
from .suffix import suffix

__all__ = [
    "Kernel", "Move", "NotAnInvolution", "Proposal", "block", "cycle", "edit", "involution", "mix", "propose", "site",
    "subprogram", "suffix",
]
