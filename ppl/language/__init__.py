"""The textual language: .steer programs, read, checked, formatted and run."""

from .diagnostics import Diagnostic, SteerError
from .parse import parse

__all__ = ["Diagnostic", "SteerError", "parse"]
