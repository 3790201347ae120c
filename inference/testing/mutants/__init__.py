"""Mutants: real algorithms with one known bug each. Every one of them must fail an oracle."""

from .catalogue import mutants
from .chain_catalogue import ChainMutant, chain_mutants
from .gradients import GradientMutant, gradient_mutants
from .particle_catalogue import particle_mutants
from .planting import Mutant

__all__ = [
    "ChainMutant", "GradientMutant", "Mutant", "chain_mutants", "gradient_mutants", "mutants", "particle_mutants",
]
