"""Runnable tasks on the embedded model: `python -m examples.story`."""
