"""Trees of parameters and of gradients, and rows for compiled calls."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from steersman.ppl.dist.padding import pad
from steersman.ppl.parameters import checked
from steersman.ppl.protocols import Floats


def add(trees: Sequence[Any]) -> Any:
    """The sum of trees of one structure."""
    return trees[0] if len(trees) == 1 else jax.tree.map(lambda *x: sum(x[1:], x[0]), *trees)


def not_finite(tree: Any) -> str | None:
    """The path of a leaf with a value that is not finite."""
    for path, leaf in jax.tree_util.tree_flatten_with_path(tree)[0]:
        if not bool(jnp.isfinite(leaf).all()):
            return jax.tree_util.keystr(path)
    return None


class Parametric:
    """A trainable whose parameters have one structure for ever. name: the key of its parameters where guides are saved.
    params: a pytree of floating arrays."""

    def __init__(self, name: str, params: Any) -> None:
        self.name = name
        self._params = checked(name, params)

    @property
    def params(self) -> Any:
        return self._params

    @params.setter
    def params(self, new: Any) -> None:
        self._params = checked(self.name, new, like=self._params)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"


def stacked(rows: Sequence[Any], size: int) -> NDArray[Any]:
    """The rows as one array [size, ...], padded."""
    return pad(np.stack([np.asarray(row) for row in rows]), size)


def weighed(weights: Floats, size: int) -> NDArray[np.float32]:
    """Weights [n] as [size], 0 for padding."""
    w = np.zeros(size, np.float32)
    w[: len(weights)] = weights
    return w
