"""`|`, `&`, then, repeat: languages of the engine put into one grammar."""

from __future__ import annotations

from itertools import groupby

from ..definition import Definition
from ..either import Either
from ..protocol import State
from ..vocabulary import Tokenizer, Vocabulary
from .constraint import EngineConstraint
from .syntax import times


class _Parts(EngineConstraint):
    """Several languages and a sign between them."""

    sign: str

    def __init__(self, parts: tuple[EngineConstraint, ...]) -> None:
        self.parts = parts

    def _definitions(self, prefix: str) -> list[Definition]:
        return [part.definition(f"{prefix}_{i}") for i, part in enumerate(self.parts)]

    def __repr__(self) -> str:
        return f"({f' {self.sign} '.join(map(repr, self.parts))})"


class Union(_Parts):
    """`a | b`. Where a part is not regular its terminals would compete with those of the others, so each part is read
    by itself; within `then` and `repeat` they are one grammar all the same."""

    sign = "|"

    @classmethod
    def of(cls, a: EngineConstraint, b: EngineConstraint) -> Union:
        return cls((*_flat(cls, a), *_flat(cls, b)))

    def definition(self, prefix: str) -> Definition:
        parts = self._definitions(prefix)
        least = min(part.least_bytes for part in parts)
        return _joined(prefix, parts, " | ", least)

    def start(self, tokenizer: Tokenizer | Vocabulary) -> State:
        """Raises as the parts do, where none can be met."""
        return super().start(tokenizer) if self.defined.regular else Either(self.parts).start(tokenizer)

    def matches(self, text: str | bytes) -> bool:
        return super().matches(text) if self.defined.regular else any(part.matches(text) for part in self.parts)


class Intersection(_Parts):
    """`a & b` of regular languages: exact, unlike `Both`, which may run into dead ends."""

    sign = "&"

    @classmethod
    def of(cls, a: EngineConstraint, b: EngineConstraint) -> Intersection:
        return cls((*_flat(cls, a), *_flat(cls, b)))

    def definition(self, prefix: str) -> Definition:
        parts = self._definitions(prefix)
        return _joined(prefix, parts, " & ", max(part.least_bytes for part in parts))


class Then(EngineConstraint):
    """`a.then(b)`. Neighbours that are regular become one terminal."""

    def __init__(self, parts: tuple[EngineConstraint, ...]) -> None:
        self.parts = parts

    @classmethod
    def of(cls, a: EngineConstraint, b: EngineConstraint) -> Then:
        return cls((*_flat(cls, a), *_flat(cls, b)))

    def definition(self, prefix: str) -> Definition:
        parts = [part.definition(f"{prefix}_{i}") for i, part in enumerate(self.parts)]
        least = sum(part.least_bytes for part in parts)
        runs: list[Definition] = []
        for regular, group in groupby(parts, lambda part: part.regular is not None):
            run = list(group)
            if regular:
                runs.append(_joined(f"{prefix}_run{len(runs)}", run, " ", sum(part.least_bytes for part in run)))
            else:
                runs += run
        return runs[0] if len(runs) == 1 else _joined(prefix, runs, " ", least)

    def __repr__(self) -> str:
        first, *rest = map(repr, self.parts)
        return first + "".join(f".then({part})" for part in rest)


class Repeat(EngineConstraint):
    """`a.repeat(min, max)`. Raises ValueError for counts that make no sense."""

    def __init__(self, part: EngineConstraint, min: int, max: int | None) -> None:
        if min < 0 or (max is not None and max < min):
            raise ValueError(f"repeat: expected 0 <= min <= max, got min={min}, max={max}")
        self.part, self.min, self.max = part, min, max

    def definition(self, prefix: str) -> Definition:
        part = self.part.definition(f"{prefix}_0")
        least = self.min * part.least_bytes
        if part.regular is not None:
            return Definition.of_terminal(prefix, times(part.regular, self.min, self.max), part.rules, least)
        return Definition(times(part.expression, self.min, self.max), part.rules, None, least)

    def __repr__(self) -> str:
        return f"{self.part!r}.repeat({self.min}, {self.max})"


def _joined(prefix: str, parts: list[Definition], sign: str, least: int) -> Definition:
    """The parts with a sign between them: one terminal, if all are regular."""
    rules = tuple(line for part in parts for line in part.rules)
    regular = [part.regular for part in parts if part.regular is not None]
    if len(regular) == len(parts):
        return Definition.of_terminal(prefix, f"({sign.join(regular)})", rules, least)
    return Definition(f"({sign.join(part.expression for part in parts)})", rules, None, least)


def _flat(cls: type[Union] | type[Intersection] | type[Then], c: EngineConstraint) -> tuple[EngineConstraint, ...]:
    return c.parts if isinstance(c, cls) else (c,)
