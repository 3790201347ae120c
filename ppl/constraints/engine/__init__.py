"""The grammar engine (llguidance), reached only through here."""

from .compose import Intersection, Repeat, Then, Union
from .constraint import EngineConstraint
from .state import EngineState

__all__ = ["EngineConstraint", "EngineState", "Intersection", "Repeat", "Then", "Union"]
