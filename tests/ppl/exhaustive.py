"""Every random outcome of a piece of code, by running it once for each: the oracle of the laws of the verbs.

`exhaust(run)` calls ``run()`` again and again while the draws of `Table` distributions and of language-model tokens
follow a script that visits every combination of outcomes; it yields each result with the log-probability (nats) of its
draws. Nothing of the code under test is re-implemented.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Any, ClassVar, TypeVar

import numpy as np

from steersman.models import TokenDistribution
from steersman.models.favour import FavouredToken
from steersman.ppl import Keys, Text, Trace, enumerate_traces

T = TypeVar("T")


class Script:
    """The outcomes to take, in order; what is beyond its end takes the first outcome and is noted."""

    current: Script | None = None

    def __init__(self, choices: list[int]) -> None:
        self.choices, self.position, self.log_q = choices, 0, 0.0
        self.sizes: list[int] = []

    def choose(self, values: Sequence[Any], log_p: Sequence[float]) -> tuple[Any, float]:
        possible = [(v, float(lp)) for v, lp in zip(values, log_p, strict=True) if lp > -math.inf]
        if self.position == len(self.choices):
            self.choices.append(0)
        value, lp = possible[self.choices[self.position]]
        self.position += 1
        self.sizes.append(len(possible))
        self.log_q += lp
        return value, lp


def exhaust(run: Callable[[], T]) -> Iterator[tuple[T, float]]:
    """(result, log-probability of its draws) for every outcome of the draws that ``run()`` makes."""
    choices: list[int] = []
    scripted = (TokenDistribution, FavouredToken)
    plain = [cls.draw for cls in scripted]
    while True:
        script = Script(choices)
        Script.current = script
        for cls in scripted:
            cls.draw = staticmethod(_scripted)  # type: ignore[method-assign, assignment]
        try:
            result = run()
        finally:
            Script.current = None
            for cls, draw in zip(scripted, plain, strict=True):
                cls.draw = staticmethod(draw)  # type: ignore[method-assign, assignment]
        yield result, script.log_q
        while script.sizes and choices[-1] == script.sizes[-1] - 1:
            choices.pop()
            script.sizes.pop()
        if not choices:
            return
        choices[-1] += 1


def _scripted(members: Sequence[Any], keys: Keys) -> tuple[list[Any], np.ndarray]:
    script = Script.current
    assert script is not None
    drawn = []
    for m in members:
        support = list(m.support())
        drawn.append(script.choose(support, type(m).log_prob([m] * len(support), support)))
    return [v for v, _ in drawn], np.array([lp for _, lp in drawn])


class Table:
    """A finite distribution, {value: probability}, that follows the script or else its key."""

    calls: ClassVar[list[tuple[str, int]]] = []  # (operation, size of the group): what the driver has asked for

    def __init__(self, **probabilities: float) -> None:
        total = sum(probabilities.values())
        self.log_p = {v: math.log(w / total) if w else -math.inf for v, w in probabilities.items()}

    @property
    def family(self) -> Hashable:
        return "table"

    @staticmethod
    def draw(members: Sequence[Table], keys: Keys) -> tuple[list[str], np.ndarray]:
        Table.calls.append(("draw", len(members)))
        if Script.current is not None:
            values, log_q = _scripted(members, keys)
            return values, log_q
        values = []
        for m, u in zip(members, keys.uniform(), strict=True):
            edges = np.cumsum(np.exp(list(m.log_p.values())))
            values.append(list(m.log_p)[int((edges <= u * edges[-1]).sum())])
        return values, Table._score(members, values)

    @staticmethod
    def log_prob(members: Sequence[Table], values: Sequence[Any]) -> np.ndarray:
        Table.calls.append(("score", len(members)))
        return Table._score(members, values)

    @staticmethod
    def _score(members: Sequence[Table], values: Sequence[Any]) -> np.ndarray:
        return np.array([m.log_p.get(v, -math.inf) for m, v in zip(members, values, strict=True)])

    def support(self) -> tuple[str, ...]:
        return tuple(self.log_p)

    def __repr__(self) -> str:
        return f"Table({', '.join(self.log_p)})"


def coin(p: float = 0.5) -> Table:
    return Table(heads=p, tails=1 - p)


def signature(trace: Trace) -> Hashable:
    """The choices of a trace, texts by their tokens: equal for executions that are the same."""
    return tuple(
        (address, value.tokens if isinstance(value, Text) else value) for address, value in trace.choices().items()
    )


def target(model: Any) -> dict[Hashable, tuple[Trace, float]]:
    """signature -> (trace, log joint density) of every execution of positive density."""
    out: dict[Hashable, tuple[Trace, float]] = {}
    for trace, log_joint in enumerate_traces(model):
        assert signature(trace) not in out
        out[signature(trace)] = trace, log_joint
    return out
