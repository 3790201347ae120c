"""From lark's tree to the nodes of the syntax tree."""

from .builder import Builder
from .definitions import file
from .expressions import expression

__all__ = ["Builder", "expression", "file"]
