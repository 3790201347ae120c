"""The built-ins: all that a .steer program can reach.

FUNCTIONS: by name. MEMBERS: by kind of value, then name. DISTRIBUTIONS: by name, a lazy mapping.
"""

from . import constraints, data, lists, models, numbers, patterns, prose, strings
from .distributions import DISTRIBUTIONS
from .registry import FUNCTIONS, MEMBERS
from .signature import Argument, Builtin, Kind

__all__ = ["DISTRIBUTIONS", "FUNCTIONS", "MEMBERS", "Argument", "Builtin", "Kind", "constraints", "data", "lists",
           "models", "numbers", "patterns", "prose", "strings"]
