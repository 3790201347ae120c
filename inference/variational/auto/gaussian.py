"""`Gaussian`: what the automatic guides of continuous sites have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from steersman.ppl.address import Address, format_address
from steersman.ppl.dist.structure import Family
from steersman.ppl.program import as_invocation
from steersman.ppl.protocols import Floats

from .keys import key_of
from .real_site import Known, RealSite

Arrays = dict[str, NDArray[np.float32]]
Choices = Mapping[Address, tuple[Any, Any]]

_NONE: Choices = {}


class Gaussian(ABC):
    """u ~ N(m, S S') over the continuous sites of a program as real numbers, x = T(u) with NumPyro's transforms.

    It is a guide (`at`, `trainables`) and the one trainable thing in it (`params`, `gradient`). The parameters of a
    site are found by its address and the shape of its real numbers. They are made when the site is first met, by
    `initialise` or in any later execution: m is the median of 15 draws from the distribution that the program has
    there then, as in NumPyro's `init_to_median`, S is diagonal with `init_scale` everywhere. An execution that does
    not make a site uses none of its parameters: q is the marginal over the sites that it makes.

    params: ``{part: {key: float32 array}}`` for the `parts` of the guide; "raw_scale" holds softplus^-1 of the scale.
    proposed: the addresses of the sites that the guide was asked for.
    """

    parts: ClassVar[tuple[str, ...]] = ("loc", "raw_scale")

    def __init__(self, program: Any, *, init_scale: float = 0.1, name: str | None = None) -> None:
        if not 0 < init_scale < np.inf:
            raise ValueError(f"{type(self).__name__}: init_scale={init_scale!r} must be positive and finite")
        self.program = as_invocation(program)
        self.init_scale = float(init_scale)
        self.name = type(self).__name__ if name is None else name
        self.proposed: set[Address] = set()
        self._params: dict[str, Arrays] = {part: {} for part in self.parts}
        self._starts: dict[str, int] = {}
        self._size = 0
        self._flat: Arrays | None = None

    @property
    def trainables(self) -> list[Any]:
        return [self]

    @property
    def params(self) -> dict[str, dict[str, NDArray[np.float32]]]:
        return self._params

    @params.setter
    def params(self, new: Mapping[str, Mapping[str, Any]]) -> None:
        if set(new) != set(self.parts) or any(set(new[p]) != set(new["loc"]) for p in self.parts):
            raise ValueError(f"{self.name}: parameters are a dictionary of {', '.join(self.parts)}, and each of these "
                             "has an array for every site")
        taken = {p: {k: np.asarray(v, np.float32) for k, v in new[p].items()} for p in self.parts}
        order = self._in_order(taken)
        self._params = taken
        if order != list(self._starts):
            self._starts, self._size = {}, 0
            for key in order:
                self._append(key)
        self._changed()

    def restore(self, leaves: Mapping[str, Any]) -> None:
        """Take over parameters that were saved: "part/key" -> array. Raises ValueError for those of another guide."""
        new: dict[str, dict[str, Any]] = {part: {} for part in self.parts}
        for path, array in leaves.items():
            part, _, key = path.partition("/")
            new.setdefault(part, {})[key] = array
        self.params = new

    def initialise(self, seed: int = 0, executions: int = 4) -> None:
        """Make the parameters of the sites that so many executions of the program meet."""
        from .initial import meet

        meet(self.program, self.meet, seed, executions)

    def meet(self, address: Address, dist: Any) -> tuple[str, Family] | None:
        """Make the parameters of a site, if it has none: their key, and the family of the distribution. None for a site
        that is not continuous."""
        from .transport import continuous

        found = continuous(dist)
        if found is None:
            return None
        family, reals = found
        key = key_of(address, reals.real_shape)
        if key not in self._starts:
            self._add(key, dist, reals.real_shape)
        return key, family

    def at(self, address: Address, dist: Any, chosen: Choices = _NONE) -> RealSite | None:
        """q of a site, given the choices made before it; None for a site that is not continuous.

        dist: of the site in the program. chosen: address -> (distribution in the program, value); what is not in the
        guide is passed over.
        """
        found = self.meet(address, dist)
        if found is None:
            return None
        self.proposed.add(address)
        return RealSite(self, *found, dist, self._given(chosen))

    def scope(self, address: Address) -> Address:
        """Sites of one scope are drawn together, scopes independently."""
        return ()

    def slots(self, address: Address, shape: tuple[int, ...]) -> NDArray[np.int32]:
        """Where the real numbers of a site are in `flat`, in order. Raises KeyError for a site that was never met."""
        key = key_of(address, shape)
        if key not in self._starts:
            raise KeyError(f"{self.name} has no parameters for {format_address(address)!r} of shape {shape}")
        return np.arange(self._starts[key], self._starts[key] + self._width(key), dtype=np.int32)

    @property
    def flat(self) -> Arrays:
        """The parameters as arrays over all real numbers, whose length is a power of two; not to be changed."""
        if self._flat is None:
            size = max(8, 1 << (self._size - 1).bit_length())
            self._flat = {p: self._flattened(p, size) for p in self.parts}
        return self._flat

    def tree(self, flat: Mapping[str, Any]) -> dict[str, Arrays]:
        """Arrays like `flat` as a pytree like `params`."""
        return {p: {k: self._of_site(p, k, np.asarray(flat[p])) for k in self._params[p]} for p in self.parts}

    def gradient(self, members: Sequence[RealSite], values: Sequence[Any], weights: Floats) -> dict[str, Arrays]:
        """sum_i w_i grad log q_i(x_i), like `params`; q_i is conditional on what the member is given."""
        from .score import score

        return self.tree(score(self, members, values, weights))

    def rows_of(self, key: str) -> slice:
        return slice(self._starts[key], self._starts[key] + self._width(key))

    @abstractmethod
    def moments(self, members: Sequence[RealSite]) -> tuple[Floats, Floats]:
        """m [n, d] and S (its diagonal [n, d], or [n, d, d]) of members with one shape."""

    @staticmethod
    @abstractmethod
    def standardise(flat: Any, at: Any, u: Any, real: Any) -> tuple[Any, Any]:
        """z = S^-1 (u - m) and log diag S (traced), S the factor of the marginal over the numbers `at` [D] of `flat`;
        where `real` is false, z = u and log diag S = 0."""

    @staticmethod
    @abstractmethod
    def place(flat: Any, at: Any, z: Any, real: Any) -> Any:
        """u = m + S z (traced); where `real` is false, u = z."""

    @abstractmethod
    def _given(self, chosen: Choices) -> tuple[Known, ...]: ...

    def _changed(self) -> None:
        """New parameters: forget what was computed from the old ones."""
        self._flat = None

    def _in_order(self, params: Mapping[str, Arrays]) -> list[str]:
        """The keys, in the order of their places in `flat`."""
        return sorted(params["loc"])

    def _width(self, key: str) -> int:
        return int(self._params["loc"][key].size)

    def _append(self, key: str) -> None:
        self._starts[key] = self._size
        self._size += self._width(key)

    def _add(self, key: str, dist: Any, shape: tuple[int, ...]) -> None:
        from .initial import median

        raw = np.log(np.expm1(self.init_scale))
        new = {"loc": median(dist, key).reshape(shape), "raw_scale": np.full(shape, raw)}
        for part in ("loc", "raw_scale"):
            self._params[part] = self._params[part] | {key: new[part].astype(np.float32)}
        self._append(key)
        self._changed()

    def _flattened(self, part: str, size: int) -> NDArray[np.float32]:
        out = np.zeros(size, np.float32)
        for key, value in self._params[part].items():
            out[self.rows_of(key)] = value.ravel()
        return out

    def _of_site(self, part: str, key: str, flat: NDArray[np.float32]) -> NDArray[np.float32]:
        return flat[self.rows_of(key)].reshape(self._params["loc"][key].shape)
