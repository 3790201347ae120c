"""`tilted`: any program, its values weighted by a reward."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from steersman.ppl.effects import Invocation, call, factor
from steersman.ppl.program import Program, as_invocation, program

T = TypeVar("T")


@program
async def tilted(base: Invocation[T] | Program[..., T], reward: Callable[..., float]) -> T:
    """The program with target  p(x) exp(reward(x)),  x what `base` returns: a program like any other.

    base: a program call. reward: a `Reward` in nats, or a function, given the value. With F the `Quantile` of the
    rewards of reference draws,

        tilted(writing(), reward.map(F.best_of(8)))         # the best of 8, ties included
        tilted(writing(), reward.map(F.surrogate(8)))       # p F^7, the target of variational best-of-N
        tilted(writing(), reward.map(F).map(exponential(t)).map(tilt(beta)))     # InfAlign
    """
    value: T = await as_invocation(base)
    await factor(await call(reward, value, name="reward"), "tilt")
    return value
