"""Exhausting the random choices of a program or sampler: run it once for every sequence of choices it can make.

    for probability, result in exhaust(lambda tape: run(tape)):
        ...

`run` asks ``tape.choose(probabilities)`` instead of a random number generator. The probabilities of all its results sum
to one. Depth first, by replay: each run repeats the choices of the last one up to the deepest that has another option.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from steersman.models import TableLM
from steersman.models.language_model import Prefix
from steersman.ppl.constraints.masks import Packed
from steersman.ppl.keys import Key
from steersman.ppl.protocols import Floats

from ..resampling import Ancestry

T = TypeVar("T")


class Tape:
    """The choices of one run: those prescribed, then the first possible one each time."""

    def __init__(self) -> None:
        self._path: list[tuple[int, list[int]]] = []  # position among the options; the possible options
        self._at = 0
        self.probability = 1.0

    def choose(self, probabilities: ArrayLike) -> int:
        """The index of the option taken; options of probability zero are never taken."""
        p = np.asarray(probabilities, np.float64)
        if self._at == len(self._path):
            self._path.append((0, np.flatnonzero(p > 0.0).tolist()))
        position, options = self._path[self._at]
        self._at += 1
        option = options[position]
        self.probability *= float(p[option] / p.sum())
        return option

    def advance(self) -> bool:
        """Turn to the next sequence of choices; False when there is none."""
        while self._path and self._path[-1][0] + 1 == len(self._path[-1][1]):
            self._path.pop()
        if not self._path:
            return False
        position, options = self._path[-1]
        self._path[-1] = position + 1, options
        self._at, self.probability = 0, 1.0
        return True


def exhaust(run: Callable[[Tape], T], *, limit: int = 200_000) -> Iterator[tuple[float, T]]:
    """(probability, result) of every run. Raises ValueError beyond `limit` runs: make the model smaller."""
    tape = Tape()
    for _ in range(limit):
        result = run(tape)
        yield tape.probability, result
        if not tape.advance():
            return
    raise ValueError(f"exhaust: more than {limit} sequences of choices; use a smaller model or fewer particles")


class TapedLM(TableLM):
    """A table model whose draws are taken from a tape; scores, masks and temperatures stay the model's own."""

    def __init__(self, lm: TableLM, tape: Tape) -> None:
        self.__dict__.update(lm.__dict__)
        self._lm, self._tape = lm, tape

    def draw_next(
        self, prefixes: Sequence[Prefix], uniforms: Floats, temperatures: Floats | None, masks: Packed | None
    ) -> tuple[NDArray[np.integer[Any]], Floats]:
        """The option u of n equally likely ones is replaced by token k itself, through the uniform that means it.

        The uniform in the middle of token k's interval is handed to the real `draw_next`, so that what it returns
        (the token, and above all log q) is still the code under test.
        """
        uniforms = np.empty(len(prefixes))
        rows = np.exp(self._lm.next_log_probs(prefixes, temperatures, masks))
        for i, p in enumerate(rows):
            if not p.any():  # a mask left nothing to choose from
                uniforms[i] = 0.5
                continue
            p = p / p.sum()
            k = self._tape.choose(p)
            uniforms[i] = p[:k].sum() + p[k] / 2
        return self._lm.draw_next(prefixes, uniforms, temperatures, masks)


class TapedMultinomial:
    """Multinomial resampling whose n draws are taken from a tape: ``SMC(2, resample=TapedMultinomial(tape))``."""

    def __init__(self, tape: Tape) -> None:
        self._tape = tape

    def __call__(self, W: Floats, n: int, key: Key, /) -> Ancestry:
        index = np.array([self._tape.choose(W) for _ in range(n)])
        return Ancestry(np.sort(index), np.full(n, 1.0 / n))
