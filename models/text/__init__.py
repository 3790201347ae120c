"""Texts drawn token by token: their measure, their draws as explicit states, their scores."""

from .distribution import TextDistribution

__all__ = ["TextDistribution"]
