"""The lazy record: a name, its arguments, and nothing computed."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from ..keys import Keys
from ..protocols import Distribution, Floats
from .show import show

if TYPE_CHECKING:
    from .maker import Maker

T_co = TypeVar("T_co", covariant=True)


class Record(Distribution[T_co]):
    """A distribution over values of type T, by its NumPyro name and arguments.

    maker: what the name stands for. names, args: the arguments given, in the order of the signature; numbers, NumPy
    or JAX arrays, tracers, other records, or NumPyro objects. Arguments are taken to be immutable.
    """

    __slots__ = ("_flat", "args", "maker", "names")

    def __init__(self, maker: Maker, names: tuple[str, ...], args: tuple[Any, ...]) -> None:
        self.maker = maker
        self.names = names
        self.args = args
        self._flat: tuple[Hashable, tuple[Any, ...]] | None = None

    def flat(self) -> tuple[Any, tuple[Any, ...]]:
        """(family, leaves): the hashable structure, and the numbers and arrays that fill it."""
        found = self._flat
        if found is None:
            from .structure import flatten

            found = self._flat = flatten(self)
        return found

    @property
    def family(self) -> Hashable:
        """Equal for records of one name, argument structure, shapes, dtypes and static arguments."""
        family: Hashable = self.flat()[0]
        return family

    @staticmethod
    def draw(members: Sequence[Record[Any]], keys: Keys) -> tuple[Sequence[Any], Floats]:
        """One value for each member, and its log density [n] in nats; see `evaluate.draw`."""
        from .evaluate import draw

        return draw(members, keys)

    @staticmethod
    def log_prob(members: Sequence[Record[Any]], values: Sequence[Any]) -> Floats:
        """log p(value) of each member, [n], nats; -inf outside the support; see `evaluate.log_prob`."""
        from .evaluate import log_prob

        return log_prob(members, values)

    def support(self) -> tuple[Any, ...] | None:
        """The values of a finite scalar distribution (some may have probability 0), else None."""
        from .finite import finite_support

        return finite_support(self)

    @property
    def discrete(self) -> bool | None:
        """Whether log_prob is the log of a probability, not of a density; None for a point mass, which is taken for
        either."""
        from .compiled import form

        return None if self.maker.name == "Delta" else form(self.flat()[0]).discrete

    def numpyro(self) -> Any:
        """The NumPyro object, made now, with its parameters validated by NumPyro (ValueError)."""
        from .structure import build

        family, leaves = self.flat()
        return build(family, iter(leaves), validate=True)

    @property
    def mean(self) -> Any:
        return self.numpyro().mean

    @property
    def variance(self) -> Any:
        return self.numpyro().variance

    def to_event(self, reinterpreted_batch_ndims: int | None = None) -> Record[Any]:
        """The last batch dimensions (all of them by default) become event dimensions."""
        return self._method("to_event", reinterpreted_batch_ndims)

    def expand(self, batch_shape: Sequence[int]) -> Record[Any]:
        """Independent copies, one for each element of `batch_shape`."""
        return self._method("expand", tuple(batch_shape))

    def mask(self, mask: Any) -> Record[T_co]:
        """Elements where `mask` is false contribute 0 nats, whatever their value."""
        return self._method("mask", mask)

    def _method(self, name: str, argument: Any) -> Record[Any]:
        from .method import METHODS

        return Record(METHODS[name], ("base", "argument"), (self, argument))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Record):
            return NotImplemented
        if self is other:
            return True
        return (
            self.maker is other.maker
            and self.names == other.names
            and all(_same(a, b) for a, b in zip(self.args, other.args, strict=True))
        )

    def __hash__(self) -> int:
        scalars = tuple(a for a in self.args if isinstance(a, (int, float, str, Record)))
        return hash((self.maker, self.names, scalars))

    def __reduce__(self) -> tuple[Any, ...]:
        return Record, (self.maker, self.names, self.args)

    def __repr__(self) -> str:
        return self.maker.show(self.names, [show(a) for a in self.args])


def _same(a: Any, b: Any) -> bool:
    """Equal as arguments; arrays by content, anything on a device or traced by identity."""
    if a is b:
        return True
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return a.dtype == b.dtype and np.array_equal(a, b)
    if isinstance(a, (int, float, str, Record)) and isinstance(b, (int, float, str, Record)):
        return bool(a == b)
    if isinstance(a, (list, tuple)) and type(a) is type(b) and len(a) == len(b):
        return all(_same(x, y) for x, y in zip(a, b, strict=True))
    return False
