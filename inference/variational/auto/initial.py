"""Where the parameters of automatic guides start."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

import numpy as np

from steersman.ppl.driver import advance
from steersman.ppl.effects import Invocation
from steersman.ppl.frames import SequentialFrame
from steersman.ppl.keys import Key
from steersman.ppl.particle import Particle
from steersman.ppl.protocols import Floats

_DRAWS = 15  # as in NumPyro's init_to_median


def median(dist: Any, key: str) -> Floats:
    """The median of a few draws as real numbers, as a vector; 0 where the distribution cannot be drawn from. It
    depends on nothing but the distribution and the key of the site."""
    from .transport import real_numbers

    members = [dist] * _DRAWS
    try:
        values, _ = dist.draw(members, Key(zlib.crc32(key.encode())).split(list(range(_DRAWS))))
    except NotImplementedError:  # an improper prior
        values = None
    if values is None:
        from .transport import continuous

        found = continuous(dist)
        assert found is not None, "only continuous sites have real numbers"
        return np.zeros(int(np.prod(found[1].real_shape)))
    return np.nan_to_num(np.median(np.stack(real_numbers(members, values)), 0))


def meet(program: Invocation[Any], at: Callable[[Any, Any], Any], seed: int, executions: int) -> None:
    """Run a program on draws from its own distributions, and show every choice to `at`; a text is one choice."""

    def show(p: Particle) -> tuple[bool, Any]:
        if not isinstance(p.frames[-1], SequentialFrame):
            at(p.address, p.pending.dist)  # type: ignore[union-attr]
        return False, None

    advance([Particle(program, slot) for slot in range(executions)], Key(seed), choose=show)
