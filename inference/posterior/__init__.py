"""What methods return: weighted traces, with tables, files and plots."""

from .posterior import Cost, Posterior

__all__ = ["Cost", "Posterior"]
