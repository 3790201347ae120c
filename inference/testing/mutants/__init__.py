"""Mutants: real algorithms with one known bug each. Every one of them must fail an oracle."""

from .catalogue import mutants
from .planting import Mutant

__all__ = ["Mutant", "mutants"]
