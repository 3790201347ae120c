"""Shapes come in powers of two, so that a run compiles a handful of programs, never one a step."""

from __future__ import annotations


def bucket(n: int, low: int = 1, high: int | None = None) -> int:
    """The smallest power-of-two multiple of `low` that is at least n, but at most `high`."""
    size = low
    while size < n:
        size *= 2
    return size if high is None else min(size, high)
