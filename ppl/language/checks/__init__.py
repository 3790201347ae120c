"""The checks of .steer files: what is wrong with a program is said before it runs."""

from .file import check
from .codes import CODES, Code

__all__ = ["CODES", "Code", "check"]
