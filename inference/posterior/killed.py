"""Who died where."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from steersman.ppl.particle import Particle


def killed_by(particles: Sequence[Particle]) -> dict[str, int]:
    """Site -> number of the particles that it killed."""
    return dict(Counter(p.killed_by for p in particles if p.killed_by is not None))
