"""Markov chains: their state, where they start and what they leave invariant."""

from .chain import Chain, Tally

__all__ = ["Chain", "Tally"]
