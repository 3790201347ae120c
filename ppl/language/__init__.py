"""The textual language: .steer programs, read, checked, formatted and run."""

from .diagnostics import Diagnostic, SteerError
from .format import format_source
from .parse import parse

__all__ = ["Diagnostic", "SteerError", "format_source", "parse"]
