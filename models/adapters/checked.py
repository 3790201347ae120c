"""What is assigned as parameters must be what was there, but for its values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np


def named(params: Any, at: str = "") -> dict[str, Any]:
    """The arrays of nested dicts, by their path: {"lora/0/qkv/a": ...}."""
    if not isinstance(params, Mapping):
        return {at: params}
    return {
        path: leaf for key, part in params.items() for path, leaf in named(part, f"{at}/{key}" if at else key).items()
    }


def checked(new: Any, like: Any, owner: str, make: Callable[[Any], Any]) -> Any:
    """`new` with each leaf as `make` gives it; it must have the paths and shapes of `like`, and finite values.

    Raises ValueError that names the leaf.
    """
    given, expected = named(new), named(like)
    for path in expected:
        if path not in given:
            raise ValueError(f"params of {owner!r}: {path} is missing; assign all of them together")
    for path, leaf in given.items():
        if path not in expected:
            raise ValueError(f"params of {owner!r}: there is no {path}; there are {', '.join(expected)}"[:300])
        try:
            values = np.asarray(leaf, np.float32)
        except (TypeError, ValueError):
            raise ValueError(f"params of {owner!r}: {path} is {leaf!r:.60}, no array of numbers") from None
        if values.shape != expected[path].shape:
            raise ValueError(f"params of {owner!r}: {path} has shape {list(values.shape)}, not "
                             f"{list(expected[path].shape)}")
        if bad := int((~np.isfinite(values)).sum()):
            raise ValueError(f"params of {owner!r}: {bad} of the {values.size} numbers of {path} are not finite")
    return mapped(make, new)


def mapped(make: Callable[[Any], Any], params: Any) -> Any:
    """Dicts of their own, with each leaf as `make` gives it."""
    return {key: mapped(make, part) for key, part in params.items()} if isinstance(params, Mapping) else make(params)
