"""The checks of .steer files: what is wrong with a program is said before it runs."""

from .check import check
from .codes import CODES, Code

__all__ = ["CODES", "Code", "check"]
