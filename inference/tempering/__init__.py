"""Targets between the prior and the posterior, and beyond it."""
