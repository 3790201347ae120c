"""Built-in functions of lists, and the members of lists and dicts. Nothing here changes a value."""

from __future__ import annotations

from functools import cmp_to_key
from typing import Any

from ..comparing import compare, equal, truth
from ..containers import Items, Table, items
from ..kinds import Function, kind_of
from ..limits import LONG_WORK, Meter
from ..problems import Problem
from ..values import checked_key
from .registry import function, keyword, may, member, needs


@function("int", needs("x", "str", "list", "dict", "context"), example='len("tree")')
def len_(x: Any) -> int:
    """How many characters, items, entries or (in a context) tokens it has."""
    return len(x)


@function("list", needs("start", "int"), may("stop", "int"), may("step", "int"), example="range(3)", metered=True)
def range_(meter: Meter, start: int, stop: int | None = None, step: int = 1) -> Items:
    """The whole numbers from start (0 if only stop is given) up to, not including, stop."""
    if step == 0:
        raise Problem("value", "range: the step must not be 0")
    numbers = range(start) if stop is None else range(start, stop, step)
    return _list(meter, numbers, len(numbers))


@function("any", needs("values"), variadic=True, example="min(3, 1, 2)", metered=True)
def min_(meter: Meter, *values: Any) -> Any:
    """The least of several values, or of a list."""
    return _extreme(meter, "min", values, -1)


@function("any", needs("values"), variadic=True, example="max([3, 1, 2])", metered=True)
def max_(meter: Meter, *values: Any) -> Any:
    """The greatest of several values, or of a list."""
    return _extreme(meter, "max", values, 1)


@function("list", needs("values", "list", "str", "dict"), keyword("key", "function"), keyword("reverse", "bool"),
          example="sorted([3, 1, 2])", metered=True)
def sorted_(meter: Meter, values: Any, key: Function | None = None, reverse: bool = False) -> Items:
    """The values in ascending order, of key(value) where a def is given."""
    values = list(values)
    meter.charge(len(values) // 8 + 1)
    order = cmp_to_key(lambda a, b: compare(meter, a, b))
    found = sorted(values, key=lambda v: order(v if key is None else key.call(meter, v)), reverse=reverse)
    return _list(meter, found, len(found))


@function("list", needs("values", "list", "str"), example="reversed([1, 2, 3])", metered=True)
def reversed_(meter: Meter, values: Any) -> Items:
    """The values from the last to the first."""
    return _list(meter, values[::-1], len(values))


@function("list", needs("values", "list", "str"), may("start", "int"), example='enumerate(["a", "b"])', metered=True)
def enumerate_(meter: Meter, values: Any, start: int = 0) -> Items:
    """[number, value] for each value, numbered from start."""
    meter.items(3 * len(values))
    return items([items(pair, meter.limits) for pair in enumerate(values, start)], meter.limits)


@function("list", needs("lists", "list", "str"), variadic=True, example='zip([1, 2], ["a", "b"])', metered=True)
def zip_(meter: Meter, *lists: Any) -> Items:
    """Lists of what stands at the same place in several lists, as long as the shortest."""
    meter.items((len(lists) + 1) * min(map(len, lists)))
    return items([items(row, meter.limits) for row in zip(*lists, strict=False)], meter.limits)


@function("bool", needs("values", "list"), example="any([False, True])", metered=True)
def any_(meter: Meter, values: Items) -> bool:
    """Whether at least one value of a list is true."""
    meter.charge(len(values) // LONG_WORK)
    return any(truth(v) for v in values)


@function("bool", needs("values", "list"), example="all([False, True])", metered=True)
def all_(meter: Meter, values: Items) -> bool:
    """Whether every value of a list is true."""
    meter.charge(len(values) // LONG_WORK)
    return all(truth(v) for v in values)


@function("bool", needs("x"), example='bool("")')
def bool_(x: Any) -> bool:
    """Whether x is true: not False, None, 0 or empty."""
    return truth(x)


@function("list", needs("x", "list", "str", "dict"), example='list("abc")', metered=True)
def list_(meter: Meter, x: Any) -> Items:
    """The characters of a text, or the keys of a dict, as a list."""
    return x if type(x) is Items else _list(meter, x, len(x))


@member("list", "int", needs("value"), example="[1, 2, 1].count(1)", metered=True)
def count(meter: Meter, values: Items, value: Any) -> int:
    """How often the value is in the list."""
    meter.charge(len(values) // LONG_WORK)
    return sum(equal(meter, v, value) for v in values)


@member("list", "int", needs("value"), example='["a", "b"].index("b")', metered=True)
def index(meter: Meter, values: Items, value: Any) -> int:
    """Where the value stands first in the list, from 0."""
    meter.charge(len(values) // LONG_WORK)
    for i, v in enumerate(values):
        if equal(meter, v, value):
            return i
    raise Problem("value", "index: the value is not in the list", "test it with `in` first")


@member("dict", "list", example='{"a": 1}.keys()', metered=True)
def keys(meter: Meter, entries: Table) -> Items:
    """The keys, as a list."""
    return _list(meter, entries, len(entries))


@member("dict", "list", example='{"a": 1}.values()', metered=True)
def values(meter: Meter, entries: Table) -> Items:
    """The values, as a list."""
    return _list(meter, entries.values(), len(entries))


@member("dict", "list", example='{"a": 1}.items()', metered=True)
def items_(meter: Meter, entries: Table) -> Items:
    """[key, value] for each entry."""
    meter.items(3 * len(entries))
    return items([items(pair, meter.limits) for pair in entries.items()], meter.limits)


@member("dict", "any", needs("key"), may("default"), example='{"a": 1}.get("b", 0)')
def get(entries: Table, key: Any, default: Any = None) -> Any:
    """The value of a key, or the default where there is none."""
    return entries.get(checked_key(key), default)


def _list(meter: Meter, values: Any, length: int) -> Items:
    meter.items(length)
    return items(values, meter.limits)


def _extreme(meter: Meter, what: str, values: tuple[Any, ...], sign: int) -> Any:
    if len(values) == 1:
        if kind_of(values[0]) not in ("list", "str"):
            raise Problem("kind", f"{what} takes several values, or one list of them")
        values = tuple(values[0])
    if not values:
        raise Problem("value", f"{what} of an empty list")
    meter.charge(len(values) // 16)
    best = values[0]
    for value in values[1:]:
        if compare(meter, value, best) * sign > 0:
            best = value
    return best
