"""How much a page holds, so that it stays quick to open: a few megabytes at most, whatever the run was."""

STEPS = 240
"""Steps that are drawn, evenly spaced, the first and the last included."""

NODES = 6_000
"""Particles that are drawn, all steps together."""

COLUMN = 96
"""Particles that are drawn at one step."""

ATOMS = 120_000
"""Tokens and other sites that are held, all particles together."""

POINTS = 2_000
"""Points of a curve."""

ROWS = 200
"""Values in the table."""

CHAINS = 24
"""Chains that are drawn."""

LETTERS = 4_000
"""Characters of a value."""
