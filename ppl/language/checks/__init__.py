"""The checks of .steer files: what is wrong with a program is said before it runs."""

from .codes import CODES, Code
from .file import check

__all__ = ["CODES", "Code", "check"]
