"""Texts drawn token by token: their measure, their draws as explicit states, their scores."""

from .distribution import TextDistribution
from .stops import Stops, StopStrings
from .word import WordEnd

__all__ = ["StopStrings", "Stops", "TextDistribution", "WordEnd"]
