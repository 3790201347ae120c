"""How methods are run: keys, ledgers and common rounds, with budgets, Ctrl-C and a progress bar."""

from .run import Run

__all__ = ["Run"]
