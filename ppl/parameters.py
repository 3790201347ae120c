"""Trees of parameters: their leaves by path, and whether what is assigned fits what is there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .errors import SteersmanError
from .protocols import Floats


class BadParameters(SteersmanError, ValueError):
    """Parameters that are no real arrays of the right form, or not finite."""


def named(tree: Any) -> dict[str, Any]:
    """Path -> leaf of a pytree: {"lora/0/qkv/a": ...}; "" for a tree that is one leaf."""
    from jax.tree_util import keystr, tree_leaves_with_path

    return {keystr(path, simple=True, separator="/"): leaf for path, leaf in tree_leaves_with_path(tree)}


def checked(name: str, params: Any, like: Any = None, make: Callable[[Any], Any] | None = None) -> Any:
    """The tree with each leaf as `make` gives it: by default a float32 array of JAX. name: of what has the parameters.
    like: a tree whose paths and shapes it must have; the result has its structure.

    Raises BadParameters, which names the leaf, for other paths or shapes, and values that are not real or not finite.
    """
    import jax

    like = params if like is None else like
    given, expected = named(params), named(like)
    if not expected:
        raise BadParameters(f"params of {name!r}: there are none")
    for path in expected:
        if path not in given:
            raise BadParameters(f"params of {name!r}: {path} is missing; assign all of them together")
    for path, leaf in given.items():
        if path not in expected:
            raise BadParameters(f"params of {name!r}: there is no {path}; there are {', '.join(expected)}"[:300])
        where = f"params of {name!r}: {path}".removesuffix(": ")
        if (values := _real(leaf)) is None:
            raise BadParameters(f"{where} is {leaf!r:.60}, no array of numbers")
        if values.shape != np.shape(expected[path]):
            raise BadParameters(f"{where} has shape {list(values.shape)}, not {list(np.shape(expected[path]))}")
        if bad := int((~np.isfinite(values)).sum()):
            raise BadParameters(f"{where} has {bad} of {values.size} numbers that are not finite")
    return jax.tree.unflatten(jax.tree.structure(like), [(make or _float32)(given[path]) for path in expected])


def _real(leaf: Any) -> Floats | None:
    """The leaf as a float32 array, if it is one of real numbers."""
    import jax.numpy as jnp

    try:
        values = np.asarray(leaf)
    except (TypeError, ValueError):
        return None
    real = jnp.issubdtype(values.dtype, jnp.floating) or jnp.issubdtype(values.dtype, jnp.integer)
    return values.astype(np.float32, copy=False) if real else None


def _float32(leaf: Any) -> Any:
    import jax.numpy as jnp

    return jnp.asarray(leaf).astype(jnp.float32)
