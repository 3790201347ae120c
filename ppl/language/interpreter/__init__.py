"""The interpreter: every definition becomes closures once, which walk its tree whenever it runs."""
