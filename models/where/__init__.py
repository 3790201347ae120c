"""Texts under constraints: `lm.text(..., where=c)`."""

from .chosen import ChosenText
from .condition import condition_text
from .conditioned import ConditionedToken
from .progress import Ends, Progress
from .steered import SteeredToken
from .text import ConditionedText, SteeredText

__all__ = [
    "ChosenText", "ConditionedText", "ConditionedToken", "Ends", "Progress", "SteeredText", "SteeredToken",
    "condition_text",
]
