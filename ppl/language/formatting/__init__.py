"""The formatter: from the syntax tree and the comments back to text."""

from .printer import Printer

__all__ = ["Printer"]
