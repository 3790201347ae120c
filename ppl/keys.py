"""Deterministic randomness: every draw is a function of (seed, round, slot), never of hidden state.

A `Key` is one 64-bit counter-based key; folding integers into it gives independent keys, as in `jax.random`,
but in a handful of nanoseconds and without a device. A `Keys` is one key for each member of a group of draws.
The mixer is the finaliser of SplitMix64 (Steele, Lea & Flood 2014, "Fast splittable pseudorandom number
generators", section 4), which passes BigCrush on counters.
"""

from __future__ import annotations

from operator import index
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import jax

_Number = TypeVar("_Number", float, NDArray[np.float64])

_MASK = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15
_M1, _M2 = 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
_SHIFT30, _SHIFT27, _SHIFT31, _SHIFT12 = (np.uint64(s) for s in (30, 27, 31, 12))
_NM1, _NM2, _NGOLDEN = np.uint64(_M1), np.uint64(_M2), np.uint64(_GOLDEN)


def _mix(z: int) -> int:
    z = ((z ^ (z >> 30)) * _M1) & _MASK
    z = ((z ^ (z >> 27)) * _M2) & _MASK
    return z ^ (z >> 31)


def _mix_array(z: NDArray[np.uint64]) -> NDArray[np.uint64]:
    z = (z ^ (z >> _SHIFT30)) * _NM1
    z = (z ^ (z >> _SHIFT27)) * _NM2
    return z ^ (z >> _SHIFT31)


def _unit(x: _Number) -> _Number:
    """An integer below 2^52 as the middle of its cell in (0, 1), exactly: with 53 bits the last cell rounds to 1."""
    return (x + 0.5) * 2.0**-52


class Key:
    """One key. `Key(seed)` starts a run; `key.fold(i, j, ...)` derives an independent key from integers.

    Raises TypeError for a seed that is no whole number.
    """

    __slots__ = ("bits",)

    def __init__(self, seed: int) -> None:
        self.bits = _mix((index(seed) + _GOLDEN) & _MASK)

    def fold(self, *data: int) -> Key:
        bits = self.bits
        for d in data:
            bits = _mix((bits + _GOLDEN * ((d + 1) & _MASK)) & _MASK)
        child = object.__new__(Key)
        child.bits = bits
        return child

    def split(self, data: NDArray[np.integer[Any]] | list[int]) -> Keys:
        """One key for each integer of `data`, equal to ``[key.fold(d) for d in data]``."""
        d = np.asarray(data).astype(np.uint64)
        with np.errstate(over="ignore"):
            return Keys(_mix_array(np.uint64(self.bits) + _NGOLDEN * (d + np.uint64(1))))

    def uniform(self) -> float:
        """One uniform in the open interval (0, 1)."""
        return _unit(_mix((self.bits + _GOLDEN) & _MASK) >> 12)

    def uniforms(self, n: int) -> NDArray[np.float64]:
        """n uniforms in (0, 1), shape [n]."""
        return self.split(np.arange(n)).uniform()

    def generator(self) -> np.random.Generator:
        """A NumPy generator started from this key, for library code that wants one."""
        return np.random.Generator(np.random.Philox(key=self.bits))

    def jax(self) -> jax.Array:
        """This key as a typed JAX key."""
        return Keys(np.array([self.bits], np.uint64)).jax()[0]

    def __repr__(self) -> str:
        return f"Key(0x{self.bits:016x})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Key) and other.bits == self.bits

    def __hash__(self) -> int:
        return hash(self.bits)


class Keys:
    """A key for each member of a group; `bits` has shape [n]."""

    __slots__ = ("bits",)

    def __init__(self, bits: NDArray[np.uint64]) -> None:
        self.bits = bits

    @classmethod
    def of(cls, keys: list[Key]) -> Keys:
        return cls(np.fromiter((k.bits for k in keys), np.uint64, len(keys)))

    def __len__(self) -> int:
        return len(self.bits)

    def __getitem__(self, i: int) -> Key:
        key = object.__new__(Key)
        key.bits = int(self.bits[i])
        return key

    def at(self, members: list[int]) -> Keys:
        """The keys of some members."""
        return Keys(self.bits[members])

    def fold(self, data: int | NDArray[np.integer[Any]]) -> Keys:
        """Fold one integer into every key, or one integer of `data` [n] into each."""
        with np.errstate(over="ignore"):
            return Keys(_mix_array(self.bits + _NGOLDEN * (np.asarray(data).astype(np.uint64) + np.uint64(1))))

    def uniform(self) -> NDArray[np.float64]:
        """One uniform in (0, 1) for each member, shape [n]."""
        with np.errstate(over="ignore"):
            z = _mix_array(self.bits + _NGOLDEN)
        return _unit((z >> _SHIFT12).astype(np.float64))

    def jax(self) -> jax.Array:
        """The members as typed JAX keys, shape [n]."""
        import jax

        data: Any = self.bits.astype("<u8", copy=False).view(np.uint32).reshape(len(self.bits), 2)
        keys: jax.Array = jax.random.wrap_key_data(data, impl="threefry2x32")
        return keys
