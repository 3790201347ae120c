"""The genealogy of a particle population: who descends from whom, and with which weight."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from steersman.ppl.protocols import Floats

from ..resampling import Ancestry
from ..resampling.weights import log_sum_exp, normalise

Lines = NDArray[np.int32]


class Genealogy:
    """An append-only record of generations t = 0..T of N_t particles each; the sizes may differ (N K extensions to N).

    Generation t is the population between two resampling steps: born with parents A_t [N_t] in generation t-1 and
    incoming weights v_t [N_t] (1/N_t after an equal-weight resampler), it ends, just before the next step, with log
    weights lw_t [N_t] that include v_t and everything the particles met since. Generation 0 has no parents. What an
    adaptive resampler left alone is a generation too, its parents being 0..N-1.

        genealogy = Genealogy()
        genealogy.append(log_weights)                 # generation 0 at the first stop
        ancestry = resample(normalise(log_weights), n, key)
        ...                                           # move the children, multiply their weights
        genealogy.append(log_weights, ancestry)       # generation 1, and so on; the last is the result
    """

    def __init__(self) -> None:
        self._parents: list[Lines] = []
        self._incoming: list[Floats] = []
        self._log_weights: list[Floats] = []
        self._resampled: list[bool] = []
        self._stops: list[tuple[str, ...] | None] = []
        self._log_z: list[float] = []

    def append(
        self, log_weights: ArrayLike, ancestry: Ancestry | None = None, *, stops: Sequence[str] | None = None,
        log_z: float = math.nan,
    ) -> None:
        """Record one generation at its end: log weights [N], how it was born, what each particle stopped at, and what
        had been normalised away of the weights before: log_z nats.

        Raises ValueError when the shapes do not agree, when an index points outside the previous generation, or
        when generation 0 is given parents (or a later one is not).
        """
        lw = np.array(log_weights, np.float64)
        t, N = len(self), lw.size
        if lw.ndim != 1 or not N:
            raise ValueError(f"generation {t}: log weights have shape {lw.shape}, expected [N] with N >= 1")
        if (ancestry is None) != (t == 0):
            raise ValueError("only generation 0 has no parents" if t else "generation 0 can have no parents")
        if ancestry is not None:
            self._check(ancestry, N)
        if stops is not None and len(stops) != N:
            raise ValueError(f"generation {t}: {len(stops)} stop labels for {N} particles")
        self._parents.append(np.arange(N, dtype=np.int32) if ancestry is None else ancestry.index.astype(np.int32))
        self._incoming.append(np.full(N, 1.0 / N) if ancestry is None else ancestry.weights.astype(np.float64))
        self._resampled.append(ancestry is not None and ancestry.resampled)
        self._log_weights.append(lw)
        self._stops.append(None if stops is None else tuple(stops))
        self._log_z.append(log_z)

    def _check(self, ancestry: Ancestry, N: int) -> None:
        index, M = ancestry.index, self.sizes[-1]
        if index.shape != (N,) or ancestry.weights.shape != (N,):
            raise ValueError(
                f"generation {len(self)}: {N} log weights, {len(index)} ancestors, {len(ancestry.weights)} weights"
            )
        if index.min() < 0 or index.max() >= M:
            raise ValueError(
                f"generation {len(self)}: ancestors run from {index.min()} to {index.max()}, but {M} came before"
            )

    def __len__(self) -> int:
        """The number of generations, T + 1."""
        return len(self._parents)

    @property
    def sizes(self) -> list[int]:
        """N_t for every generation."""
        return [len(parents) for parents in self._parents]

    def parents(self, t: int) -> Lines:
        """A_t [N_t]: the parent of each particle, an index into generation t - 1 (0..N_0 - 1 in generation 0)."""
        return self._parents[t]

    def incoming(self, t: int) -> Floats:
        """v_t [N_t]: the normalised weights that the generation was born with."""
        return self._incoming[t]

    def log_weights(self, t: int) -> Floats:
        """lw_t [N_t]: the log weights at the end of the generation."""
        return self._log_weights[t]

    def weights(self, t: int) -> Floats:
        """W_t [N_t]: the normalised weights at the end of the generation."""
        return normalise(self._log_weights[t])

    def resampled(self, t: int) -> bool:
        """Whether generation t was born by resampling (not left alone by an adaptive resampler)."""
        return self._resampled[t]

    def stops(self, t: int) -> tuple[str, ...] | None:
        """What each particle of the generation stopped at, where that was recorded."""
        return self._stops[t]

    def log_evidence(self, t: int) -> float:
        """log Zhat of the target as it is at the end of the generation; nan where log_z was not recorded."""
        return self._log_z[t] + log_sum_exp(self._log_weights[t])

    def ancestors(self, generation: int, of: int = -1) -> Lines:
        """The index in `generation` of the ancestor of each particle of generation `of` (the last one); [N_of].

        Raises IndexError unless 0 <= generation <= of <= T; negative numbers count from the end.
        """
        t, s = range(len(self))[generation], range(len(self))[of]
        if t > s:
            raise IndexError(f"generation {t} is after generation {s}, so it holds no ancestors")
        lines = np.arange(self.sizes[s], dtype=np.int32)
        for parents in reversed(self._parents[t + 1 : s + 1]):
            lines = parents[lines]
        return lines

    def eves(self) -> Lines:
        """The ancestor of each final particle in generation 0 (the Eve indices of Lee & Whiteley 2018); [N_T]."""
        return self.ancestors(0)

    def enochs(self, lag: int) -> Lines:
        """The ancestor of each final particle `lag` generations ago, or in generation 0 (Olsson & Douc 2019); [N_T]."""
        return self.ancestors(max(0, len(self) - 1 - lag))

    def unique_ancestors(self) -> NDArray[np.int64]:
        """How many particles of each generation have descendants in the last one; [T + 1]."""
        counts = np.zeros(len(self), np.int64)
        alive = np.arange(self.sizes[-1] if len(self) else 0)
        for t in reversed(range(len(self))):
            counts[t] = len(alive)
            alive = np.unique(self._parents[t][alive])
        return counts

    def coalescence_time(self) -> int | None:
        """How many generations back the final particles have one common ancestor; None if they have none."""
        single = np.flatnonzero(self.unique_ancestors() == 1)
        return None if not len(single) else len(self) - 1 - int(single[-1])

    def to_json(self) -> dict[str, Any]:
        """A dict of plain lists that strict JSON can hold (a log weight of -inf is null); inverse of `from_json`."""
        return {
            "generations": [
                {
                    "parents": parents.tolist(),
                    "incoming": incoming.tolist(),
                    "log_weights": [None if w == -math.inf else w for w in lw.tolist()],
                    "resampled": resampled,
                    "stops": None if stops is None else list(stops),
                    "log_z": None if math.isnan(log_z) else log_z,
                }
                for parents, incoming, lw, resampled, stops, log_z in zip(
                    self._parents, self._incoming, self._log_weights, self._resampled, self._stops, self._log_z,
                    strict=True,
                )
            ]
        }

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Genealogy:
        """Read what `to_json` wrote. Raises ValueError for inconsistent generations, KeyError for missing fields."""
        genealogy = cls()
        for generation in record["generations"]:
            index = np.array(generation["parents"], np.int64)
            ancestry = Ancestry(index, np.array(generation["incoming"], np.float64), generation["resampled"])
            log_weights = [-math.inf if w is None else w for w in generation["log_weights"]]
            log_z = generation.get("log_z")  # the first files had none
            genealogy.append(
                log_weights, ancestry if len(genealogy) else None, stops=generation["stops"],
                log_z=math.nan if log_z is None else log_z,
            )
        return genealogy
