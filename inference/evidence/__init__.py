"""Estimates of log Z, and bounds on it."""
