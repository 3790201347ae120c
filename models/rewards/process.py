"""`process_reward`: a reward of every step, which declares what it means for the target.

Let g_t be the linked reward of the first t of T steps. The two readings of such a reward are different targets:

    emission       p(x) prod_t g_t      every step is an observation of its own
    telescoping    p(x) g_T             g_t / g_(t-1) at step t: early rewards steer, only the last one stays

In the toy of the tests they are two thirds apart in total variation.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Literal

from steersman.ppl.effects import call, factor, twist

from .links import Link, Named, link_of

Mode = Literal["emission", "telescoping"]


class ProcessReward:
    """``r = await reward(steps, last=...)`` in a program: judge the steps so far, weigh, and return the reward.

    emission: a `factor` of g_t. telescoping: a `twist` to g_t, and a `factor` of g_T where ``last=True`` says that
    these are all steps; without that the reward would leave no trace in the target, so `last` must be given. A twist
    belongs to the program that sets it: await the reward in the program that holds all the steps. Before the last step
    g_t must not be 0, which nothing could take back: ValueError.
    """

    def __init__(self, fn: Callable[..., Any], link: Link, mode: Mode, name: str) -> None:
        self.fn, self.link, self.mode, self.name = fn, link, mode, name

    async def __call__(self, *steps: Any, last: bool | None = None) -> float:
        if last is None and self.mode == "telescoping":
            raise TypeError(f"{self.name}: telescoping keeps the reward of the last step only; say which it is, "
                            "await reward(steps, last=...)")
        r = float(await call(self.fn, *steps, name=self.name))
        log_g = float(self.link(r))
        if self.mode == "emission" or last:
            await factor(log_g, f"{self.name} factor")
        elif log_g == -math.inf:
            raise ValueError(f"{self.name}: a reward of {r} before the last step has weight 0, which the ratio of the "
                             "next step cannot take back; calibrate it, or clip it above 0")
        else:
            await twist(log_g, f"{self.name} twist")
        return r

    def __repr__(self) -> str:
        return f"<ProcessReward {self.name!r}, {self.mode}>"


def process_reward(fn: Callable[..., Any], *, link: Named | Link, mode: Mode, name: str = "reward") -> ProcessReward:
    """Declare what the step rewards of `fn` (a `Reward`, or any function for `call`) mean.

    link: "prob", "odds", or ``exp(beta)`` for a score. mode: "emission" or "telescoping". Neither has a default: they
    are different posteriors.
    """
    if mode not in ("emission", "telescoping"):
        raise ValueError(f"mode={mode!r}: it is 'emission' or 'telescoping', which are different posteriors")
    return ProcessReward(fn, link_of(link), mode, name)
