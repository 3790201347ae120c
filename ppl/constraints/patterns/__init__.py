"""Patterns of Python's `re` in the syntax of the grammar engine."""
