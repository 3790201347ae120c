"""Texts under constraints: `lm.text(..., where=c)`."""

from .conditioned import ConditionedToken
from .progress import Ends, Progress
from .steered import SteeredToken
from .text import ConditionedText, SteeredText, condition_text

__all__ = [
    "ConditionedText", "ConditionedToken", "Ends", "Progress", "SteeredText", "SteeredToken", "condition_text",
]
