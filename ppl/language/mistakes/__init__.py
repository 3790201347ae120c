"""Syntax errors: what is wrong, in words, and all of them at once."""

from .recover import syntax_errors

__all__ = ["syntax_errors"]
