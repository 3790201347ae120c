"""The distributions: those of `steersman.ppl.dist`, by their NumPyro names, as far as values of the language can be
their arguments."""

from __future__ import annotations

import inspect
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np

from ...dist.maker import Maker
from ...dist.names import KNOWN, lookup, public_names
from ...dist.record import Record
from ..containers import Items
from ..kinds import described, kind_of, traced
from ..limits import Meter
from ..problems import OverLimit, Problem
from .signature import Argument, Builtin, Kind

# What needs functions, constraints on numbers, or objects of NumPyro's own.
_LEFT_OUT = frozenset({
    "CAR", "Distribution", "EulerMaruyama", "ImproperUniform", "MaskedDistribution", "MixtureGeneral",
    "TransformedDistribution", "Unit", "biject_to", "constraints", "transforms",
})
MOST_PARTS = 32
"""Distributions that one may be made of."""
_NUMBER: tuple[Kind, ...] = ("float", "list")
_OF_DISTRIBUTIONS = frozenset({
    "base_dist", "component_distribution", "component_distributions", "marginal_dist", "mixing_distribution",
})
_SHAPES = frozenset({"batch_shape", "event_shape"})
_DOCS = {
    "Bernoulli": "1 with probability probs, else 0.",
    "Beta": "A number between 0 and 1.",
    "Binomial": "How many of total_count trials succeed.",
    "Categorical": "The place of one of several probabilities, from 0.",
    "Dirichlet": "Probabilities that sum to 1.",
    "DiscreteUniform": "A whole number from low to high, both included.",
    "Exponential": "A positive number of mean 1 / rate.",
    "Gamma": "A positive number of mean concentration / rate.",
    "Geometric": "How many trials fail before one succeeds.",
    "LogNormal": "A positive number whose logarithm is normal.",
    "Normal": "A number around loc with standard deviation scale.",
    "Poisson": "A count of mean rate.",
    "Uniform": "A number from low to high.",
}


class _Make:
    """Makes the record of one name, lists as arrays. Not a closure: it can be compared and shown."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, meter: Meter, *args: Any, **kwargs: Any) -> Record[Any]:
        maker = _maker(self.name)
        names = [p.name for p in maker.parameters]
        given = [self._argument(meter, maker, n, v) for n, v in zip(names, args, strict=False)]
        more = {n: self._argument(meter, maker, n, v) for n, v in kwargs.items()}
        _fits_in_memory(meter, self.name, [*given, *more.values()])
        _not_too_many(self.name, [*given, *more.values()])
        record: Record[Any] = maker(*given, **more)
        if not hasattr(record, "family") or kwargs or any(type(v) is not float for v in args):
            record.flat()  # arguments that cannot be parameters are reported here, with their line
        return record

    def _argument(self, meter: Meter, maker: Maker, name: str, value: Any) -> Any:
        if type(value) is float:
            return value
        if isinstance(value, Items):
            meter.charge(1 + value.size.items // 16)
            if name in _SHAPES or name in maker.static:
                return _shape(meter, self.name, name, value)
            if any(isinstance(v, Record) for v in value):
                return list(value)
            return _array(self.name, name, value)
        if type(value) is int and name in maker.static | {"total_count", "num_steps"}:
            _bounded(meter, self.name, name, value * value if name == "dimension" else value)
        return value


def _not_too_many(what: str, arguments: list[Any]) -> None:
    """Distributions made of themselves again and again would be doubled soon. Raises Problem."""
    pending, found = arguments, 0
    while pending:
        at = pending.pop()
        if isinstance(at, (list, tuple)):
            pending.extend(at)
        elif isinstance(at, Record):
            found += 1
            pending.extend(at.args)
        if found > MOST_PARTS:
            raise Problem("limit", f"{what}: a distribution of so many others is too large: the limit is {MOST_PARTS}")


def _bounded(meter: Meter, what: str, name: str, size: int) -> None:
    """Sizes decide how much memory a draw takes."""
    if size > meter.limits.items:
        raise OverLimit("items", meter.limits.items, f"{what}: {name} is too large")


def _shape(meter: Meter, what: str, name: str, value: Items) -> tuple[int, ...]:
    size = 1
    for length in value:
        if type(length) is not int or length < 0:
            raise Problem("kind", f"{what}: {name} must be a list of whole numbers")
        size *= length
        _bounded(meter, what, name, size)
    return tuple(value)


def _fits_in_memory(meter: Meter, what: str, arguments: Sequence[Any]) -> None:
    """Arrays stretched over one another may be far larger than each of them."""
    shapes = [a.shape for a in arguments if hasattr(a, "shape")]
    if len(shapes) > 1:
        stretched = itertools.zip_longest(*(shape[::-1] for shape in shapes), fillvalue=1)
        _bounded(meter, what, "the shape of its parameters", math.prod(map(max, stretched)))


def _array(what: str, name: str, value: Items) -> Any:
    if _holds_traced(value):
        import jax.numpy as jnp

        return jnp.stack([jnp.asarray(v) for v in value])
    try:
        array = np.asarray(value)
    except ValueError:
        raise Problem("value", f"{what}: the rows of {name} differ in length") from None
    if array.dtype.kind not in "biuf":
        raise Problem("kind", f"{what}: {name} must be a list of numbers",
                      next((f"it holds {described(v)}" for v in value if kind_of(v) not in ("int", "float", "bool",
                                                                                           "list")), None))
    return array


def _holds_traced(value: Any) -> bool:
    return any(_holds_traced(v) if isinstance(v, Items) else traced(v) for v in value)


def _maker(name: str) -> Maker:
    maker: Maker = lookup(name)
    return maker


@cache
def _builtin(name: str) -> Builtin:
    maker = _maker(name)
    arguments = tuple(_argument(name, maker, p) for p in maker.parameters if p.name not in ("validate_args", "support"))
    return Builtin(name, arguments, "distribution", _Make(name), _DOCS.get(name, "As numpyro.distributions has it."),
                   metered=True)


def _argument(name: str, maker: Maker, p: inspect.Parameter) -> Argument:
    kinds: tuple[Kind, ...] = _NUMBER
    if p.name in _OF_DISTRIBUTIONS:
        kinds = ("distribution", "list")
    elif p.name in ("sample_method",):
        kinds = ("str",)
    elif p.name in maker.static and not p.name.startswith("total"):
        kinds = ("list", "int", "bool")
    elif p.name in maker.integer and name != "Delta":
        kinds = ("int", "list")
    if p.default is None:
        kinds = (*kinds, "none")
    return Argument(p.name, kinds, required=p.default is p.empty, keyword=p.kind is p.KEYWORD_ONLY)


class Distributions(Mapping[str, Builtin]):
    """By name. The usual ones are known without NumPyro, which is imported for the others, and to name them all."""

    def __getitem__(self, name: str) -> Builtin:
        if name not in KNOWN and (name in _LEFT_OUT or not name[:1].isupper() or name not in public_names()):
            raise KeyError(name)
        return _builtin(name)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and (name in KNOWN or (
            name[:1].isupper() and name not in _LEFT_OUT and name in public_names()))

    def __iter__(self) -> Iterator[str]:
        return (name for name in public_names() if name not in _LEFT_OUT)

    def __len__(self) -> int:
        return sum(1 for _ in self)


DISTRIBUTIONS = Distributions()
