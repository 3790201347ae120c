"""The built-ins: all that a .steer program can reach."""

from .signature import Argument, Builtin, Kind

__all__ = ["Argument", "Builtin", "Kind"]
