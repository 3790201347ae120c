"""The built-ins: all that a .steer program can reach.

FUNCTIONS: by name. MEMBERS: by kind of value, then name. DISTRIBUTIONS: by name, a lazy mapping.
"""

from . import constraints, data, lists, models, numbers, patterns, prose, strings  # noqa: F401  (they fill the tables)
from .distributions import DISTRIBUTIONS
from .registry import FUNCTIONS, MEMBERS
from .signature import Argument, Builtin, Kind

__all__ = ["DISTRIBUTIONS", "FUNCTIONS", "MEMBERS", "Argument", "Builtin", "Kind"]
