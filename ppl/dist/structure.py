"""Records taken apart into a hashable structure (the family) and leaves, and put together again.

A family is ``(maker, names, tokens)``, one token for each argument:

    "f", "i"                     a number, travelling as a float or as an integer: one leaf
    ("array", shape, dtype)      an array or tracer: one leaf
    ("static", type, value)      structure: a flag, a size, a name, a function
    ("record", family)           another record: its leaves in order
    ("list", tokens)             a list or tuple of any of these
    ("tree", structure, tokens)  a NumPyro distribution, transform or constraint, through its pytree
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Any

import numpy as np

from .record import Record
from .show import show

Family = tuple[Any, tuple[str, ...], tuple[Any, ...]]


def flatten(record: Record[Any]) -> tuple[Family, tuple[Any, ...]]:
    """(family, leaves). Raises TypeError for an argument that is neither data nor structure."""
    leaves: list[Any] = []
    maker = record.maker
    tokens = []
    for name, value in zip(record.names, record.args, strict=True):
        kind = type(value)
        if kind is float and name not in maker.static:  # the common case first
            leaves.append(value)
            tokens.append("f")
            continue
        try:
            tokens.append(_static(value) if name in maker.static else _token(value, name in maker.integer, leaves))
        except TypeError as error:
            raise TypeError(f"argument {name!r} of {maker.name}: {error}") from None
    return (maker, record.names, tuple(tokens)), tuple(leaves)


def build(family: Family, leaves: Iterator[Any], validate: bool = False) -> Any:
    """The NumPyro object of this structure filled with `leaves`, which may be tracers."""
    maker, names, tokens = family
    arguments = {n: _restore(t, leaves, validate) for n, t in zip(names, tokens, strict=True)}
    return maker.construct(arguments, validate)


def leaf_tokens(family: Family) -> Iterator[Any]:
    """The tokens that hold a leaf, in the order of the leaves."""
    for token in family[2]:
        yield from _leaf_tokens(token)


def _leaf_tokens(token: Any) -> Iterator[Any]:
    match token:
        case "f" | "i" | ("array", _, _):
            yield token
        case ("record", family):
            yield from leaf_tokens(family)
        case ("list", tokens) | ("tree", _, tokens):
            for t in tokens:
                yield from _leaf_tokens(t)


def _token(value: Any, integer: bool, leaves: list[Any]) -> Any:
    if value is None or isinstance(value, (bool, str, np.bool_)):
        return _static(value)
    if isinstance(value, (int, float, np.integer, np.floating)):
        leaves.append(value.item() if isinstance(value, np.generic) else value)
        return "i" if integer and isinstance(value, (int, np.integer)) else "f"
    if isinstance(value, Record):
        family, inner = value.flat()
        leaves.extend(inner)
        return "record", family
    if hasattr(type(value), "__await__"):
        raise TypeError(f"got {value!r}, an effect that was not awaited: write `x = await ...` first")
    if hasattr(value, "shape") and hasattr(value, "dtype") and not hasattr(value, "toarray"):
        if isinstance(value, np.ndarray) and value.dtype.kind not in "biuf":
            raise TypeError(f"an array of {value.dtype} is not a parameter")
        leaves.append(value)
        return "array", tuple(value.shape), value.dtype
    if isinstance(value, (list, tuple)):
        return _sequence(value, integer, leaves)
    if hasattr(type(value), "tree_flatten"):
        return _tree(value, leaves)
    if callable(value):
        return _static(value)
    raise TypeError(f"expected a number, an array or a distribution, got {type(value).__name__}: {show(value):.80}")


def _sequence(value: list[Any] | tuple[Any, ...], integer: bool, leaves: list[Any]) -> Any:
    if _numeric(value):
        array = np.asarray(value)
        leaves.append(array)
        return "array", array.shape, array.dtype
    return "list", tuple([_token(v, integer, leaves) for v in value])


def _numeric(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return all(map(_numeric, value))
    return isinstance(value, (int, float, np.generic))


def _tree(value: Any, leaves: list[Any]) -> Any:
    import jax

    children, structure = jax.tree.flatten(value)
    return "tree", _Structure(structure), tuple([_token(c, False, leaves) for c in children])


def _static(value: Any) -> Any:
    if isinstance(value, list):
        value = tuple(value)
    try:
        hash(value)
    except TypeError:
        return "static", type(value), _Opaque(value)
    return "static", type(value), value


def _restore(token: Any, leaves: Iterator[Any], validate: bool) -> Any:
    match token:
        case "f" | "i" | ("array", _, _):
            return next(leaves)
        case ("static", _, value):
            return value.value if isinstance(value, _Opaque) else value
        case ("record", family):
            return build(family, leaves, validate)
        case ("tree", structure, tokens):
            import jax

            return jax.tree.unflatten(structure.treedef, [_restore(t, leaves, validate) for t in tokens])
        case ("list", tokens):
            items = [_restore(t, leaves, validate) for t in tokens]
            if all(t == "f" or t[0] == "array" for t in tokens):
                import jax.numpy as jnp

                return jnp.stack([jnp.asarray(x) for x in items])
            return items
    raise AssertionError(token)


class _Structure:
    """A pytree structure as a dictionary key; NumPyro's transforms keep dictionaries in theirs."""

    __slots__ = ("_hash", "treedef")

    def __init__(self, treedef: Any) -> None:
        self.treedef = treedef
        self._hash = hash(repr(treedef))

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _Structure):
            return NotImplemented
        try:
            return bool(self.treedef == other.treedef)
        except ValueError:  # an array among the static fields: equal only to itself
            return self.treedef is other.treedef


class _Opaque:
    """An unhashable static argument: an array by its content, anything else by identity."""

    __slots__ = ("key", "value")

    def __init__(self, value: Any) -> None:
        self.value = value
        self.key: Hashable = id(value)
        if isinstance(value, np.ndarray):
            self.key = (value.shape, value.dtype, value.tobytes())

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Opaque) and other.key == self.key
