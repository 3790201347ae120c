"""`Principle`: a yes-or-no question about texts, whose answers are distributions for `observe`."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from steersman.ppl.keys import Keys

if TYPE_CHECKING:
    from .judge import Judge

Floats = NDArray[np.float64]


class Principle:
    """A yes-or-no question of a judge; applied to a text, the distribution of the answer."""

    def __init__(self, judge: Judge, name: str) -> None:
        self.judge, self.name = judge, name

    def __call__(self, text: str) -> Verdict:
        return Verdict(self.judge, self.name, text)

    def __repr__(self) -> str:
        return f"principle({self.name!r})"


class Verdict:
    """Whether a text satisfies a principle: a distribution over True and False."""

    __slots__ = ("judge", "principle", "text")

    def __init__(self, judge: Judge, principle: str, text: str) -> None:
        self.judge, self.principle, self.text = judge, principle, text

    @property
    def family(self) -> Hashable:
        return self.judge

    def support(self) -> Iterable[bool]:
        return True, False

    def tokens(self, value: Any = None, given: Any = None) -> int:
        """What scoring a verdict costs."""
        return self.judge.length

    @staticmethod
    def draw(members: Sequence[Verdict], keys: Keys) -> tuple[list[bool], Floats]:
        odds = _odds(members)
        verdicts = keys.uniform() < 1 / (1 + np.exp(-odds))
        return verdicts.tolist(), -np.logaddexp(0.0, np.where(verdicts, -odds, odds))

    @staticmethod
    def log_prob(members: Sequence[Verdict], values: Sequence[Any]) -> Floats:
        sign = np.array([1 if v else -1 for v in values])
        known = [isinstance(v, (bool, np.bool_)) for v in values]
        return np.where(known, -np.logaddexp(0.0, -sign * _odds(members)), -np.inf)

    def __repr__(self) -> str:
        return f"principle({self.principle!r})({self.text!r:.40})"


def _odds(members: Sequence[Verdict]) -> Floats:
    judge = members[0].judge
    return judge.log_odds([judge.question(m.text, m.principle) for m in members])
