"""A law of `scalars` applied to a group, member by member."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..protocols import Floats
from .record import Record
from .scalars import Law
from .values import wrong_shape


class ScalarPath:
    """A law over a family. arguments: for each parameter the index of its leaf, or -1 and its default."""

    def __init__(self, law: type[Law], arguments: tuple[tuple[int, Any], ...]) -> None:
        self.law = law
        self._arguments = None if [i for i, _ in arguments] == list(range(len(arguments))) else arguments

    def theta(self, member: Record[Any]) -> tuple[Any, ...]:
        leaves: tuple[Any, ...] = member.flat()[1]
        if self._arguments is None:
            return leaves
        return tuple([leaves[i] if i >= 0 else default for i, default in self._arguments])

    def draw(self, members: Sequence[Record[Any]], uniforms: Floats) -> tuple[list[Any], Floats]:
        one = self.law.draw
        values = [one(u, *self.theta(m)) for m, u in zip(members, uniforms.tolist(), strict=True)]
        return values, self._score(members, values)

    def log_prob(self, members: Sequence[Record[Any]], values: Sequence[Any]) -> Floats:
        return self._score(members, scalars(members, values))

    def _score(self, members: Sequence[Record[Any]], values: Sequence[Any]) -> Floats:
        one = self.law.log_prob
        return np.array([one(x, *self.theta(m)) for m, x in zip(members, values, strict=True)], np.float64)

    def support(self, member: Record[Any]) -> tuple[Any, ...] | None:
        return self.law.support(*self.theta(member))


def scalars(members: Sequence[Record[Any]], values: Sequence[Any]) -> Sequence[Any]:
    """The values as Python numbers. Raises ValueError for an array and TypeError for what is not a number."""
    if all(type(v) in (int, float, bool) for v in values):
        return values
    return [_scalar(m, v) for m, v in zip(members, values, strict=True)]


def _scalar(member: Record[Any], value: Any) -> Any:
    array = np.asarray(value, None if not isinstance(value, (list, tuple)) else object)
    if array.shape != ():
        raise wrong_shape(member, (), array.shape)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{member!r} scores numbers, not {type(value).__name__}: {value!r:.60}")
    return array.item()
