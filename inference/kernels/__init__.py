"""Markov kernels: moves that are accepted or rejected, exact conditional updates, and combinations of them."""

from .block import block, edit
from .combine import cycle, mix
from .kernel import Kernel, Move, Proposal
from .site import site
from .subprogram import subprogram
from .suffix import suffix

__all__ = ["Kernel", "Move", "Proposal", "block", "cycle", "edit", "mix", "site", "subprogram", "suffix"]
