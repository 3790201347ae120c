"""`Verdict`: which results of a program pass the check that was written with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..posterior import Posterior


@dataclass(frozen=True)
class Verdict:
    """passes [n]: for each value of a posterior whether it passes; None for a particle of weight zero. weight: the
    probability of passing, sum_i W_i [value_i passes]. failing: value -> probability, of those that do not."""

    passes: tuple[bool | None, ...]
    weight: float
    failing: Mapping[str, float]

    def __str__(self) -> str:
        shown = [f"{self.weight:.3g} of the posterior weight passes the check"]
        shown += [f"  fails ({w:.3g}): {text!r:.200}" for text, w in list(self.failing.items())[:5]]
        if len(self.failing) > 5:
            shown.append(f"  ... and {len(self.failing) - 5} more")
        return "\n".join(shown)


def judge(check: Callable[[Any], Any], posterior: Posterior) -> Verdict:
    """Call ``check(value)`` once for each different value of positive weight. Raises what the check raises."""
    known: dict[str, bool] = {}
    passes: list[bool | None] = []
    failing: dict[str, float] = {}
    weight = 0.0
    for w, value in zip(posterior.weights.tolist(), posterior.values, strict=True):
        if not w > 0:
            passes.append(None)
            continue
        text = str(value)
        if text not in known:
            known[text] = bool(check(text))
        passes.append(known[text])
        if known[text]:
            weight += w
        else:
            failing[text] = failing.get(text, 0.0) + w
    return Verdict(tuple(passes), min(weight, 1.0), dict(sorted(failing.items(), key=lambda kv: -kv[1])))
