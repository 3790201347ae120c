"""`ensemble`: several rewards as one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from steersman.ppl.batched import Failure, OnError

from .reward import Reward


def ensemble(
    rewards: Sequence[Reward], how: Literal["mean", "min"] | Sequence[float] = "mean", *, on_error: OnError = "raise"
) -> Reward:
    """The reward whose number is the mean of those of the members, their least, or their sum with weights `how`.

    Every member scores the batch once. An item fails where a member fails. Means and sums are of the rewards as they
    are: give members one scale first (`calibrate`, `Reward.quantile`).
    """
    if not rewards:
        raise ValueError("an ensemble has at least one member")
    if not isinstance(how, str) and (len(how) != len(rewards) or not all(map(math.isfinite, how))):
        raise ValueError(f"{len(rewards)} rewards need {len(rewards)} finite weights, got {list(how)!r:.60}")
    if isinstance(how, str) and how not in ("mean", "min"):
        raise ValueError(f"how={how!r}: it is 'mean', 'min' or a list of weights")

    def score(items: list[tuple[Any, ...]]) -> list[float | Failure]:
        return [_combined(own) for own in zip(*[r.evaluate(items) for r in rewards], strict=True)]

    def _combined(own: tuple[float | Failure, ...]) -> float | Failure:
        if (failure := next((r for r in own if isinstance(r, Failure)), None)) is not None:
            return failure
        values = np.array(own, np.float64)
        if isinstance(how, str):
            return float(values.mean() if how == "mean" else values.min())
        return float(sum(w * v for w, v in zip(how, values.tolist(), strict=True) if w))  # 0 times -inf counts nothing

    name = f"{how if isinstance(how, str) else 'sum'} of {', '.join(r.__name__ for r in rewards)}"
    return Reward(score, on_error=on_error, name=name)
