"""Parameters that are made while others are being learnt."""

from __future__ import annotations

from typing import Any

import numpy as np


def grown(old: Any, fresh: Any) -> Any:
    """``fresh`` with whatever ``old`` has in the same place: the state of an optimiser after its parameters have become
    more (``state = grown(state, optimiser.init(params))``), or gradients from before then.

    Two pytrees; a place is a path of keys, and what has another shape there counts as new.
    """
    import jax

    known = dict(jax.tree_util.tree_flatten_with_path(old)[0])
    leaves, structure = jax.tree_util.tree_flatten_with_path(fresh)
    return jax.tree.unflatten(
        structure, [known[p] if p in known and np.shape(known[p]) == np.shape(x) else x for p, x in leaves]
    )
