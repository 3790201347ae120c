"""Measurements. Every claim of speed in the docs is a ratio printed by one of these from one run."""
